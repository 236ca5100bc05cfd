"""Apps with hooks before the answer, served by `test_before_send.py` in processes of their own."""

import asyncio
import gzip
import threading
import zlib

from builtin_apps import make_app
from pydantic import BaseModel

import socketify_ext
from socketify_ext import HTTPError

KINDS = ("plain", "sync", "straight", "late", "mixed")
SIZE = 300_000


class Item(BaseModel):
    sku: str


def mark(res, req):
    """Say which answer this is, and how often it came by."""
    res.times = res.times + 1
    res.write_header("X-Hook", f"{res.times} {res.status} {req.get_url()}")


def answers(kind, folder):
    """Every way to answer, below a prefix for each kind of hook."""
    app = make_app(kind)

    @app.register
    @socketify_ext.extension("marks")
    def marks(request, response, ws, *, app):
        response.property("times", default=0)

        @app.before_send(prefix="/sync")
        def sync(res, req):
            mark(res, req)

        @app.before_send(prefix="/straight")
        async def straight(res, req):
            mark(res, req)

        @app.before_send(prefix="/late")
        async def late(res, req):
            await asyncio.sleep(0.001)
            mark(res, req)

        @app.before_send(prefix="/mixed")
        async def first(res, req):
            await asyncio.sleep(0.001)

        app.before_send(mark, prefix="/mixed")

        @app.before_send(prefix="/mixed")
        async def last(res, req):
            await asyncio.sleep(0)
            res.write_header("X-Gone", "1").remove_header("x-gone")

    app.register(socketify_ext.load("msgpack"))
    routes = ways(folder)
    for prefix in KINDS:
        for name, handler in routes.items():
            app.get(f"/{prefix}/{name}", handler)
            app.post(f"/{prefix}/{name}", handler, max_body=10)
        for name, handler in sockets().items():
            app.ws(f"/{prefix}/{name}", {"upgrade": handler, "open": lambda ws: ws.send("open", 1)})
        app.ws(f"/{prefix}/plain-ws", {"open": lambda ws: ws.send("open", 1)})
        app.static(f"/{prefix}/static", folder)
        app.before_request(refuse, prefix=f"/{prefix}/guarded")
        app.before_request(refuse_late, prefix=f"/{prefix}/guarded-late")
        app.get(f"/{prefix}/guarded", lambda res, req: res.end("in"))
        app.get(f"/{prefix}/guarded-late", lambda res, req: res.end("in"))
        app.delete(f"/{prefix}/only", lambda res, req: res.end("deleted"))
    return app


def refuse(res, req):
    res.write_header("X-Guard", "1").write_status(401).end("who are you?")


async def refuse_late(res, req):
    await asyncio.sleep(0)
    refuse(res, req)


def ways(folder):
    """Return handlers by name."""

    async def late(res, req):
        await asyncio.sleep(0)
        res.write_header("X-Handler", "1").end({"late": req.get_header("x-name")})

    def callback(res, req):
        res.grab_aborted_handler()
        asyncio.get_running_loop().call_soon(lambda: res.write_header("X-Handler", "1").end("called back"))

    def body(res, req):
        res.on_data(lambda res, chunk, is_end: is_end and res.end(b"read " + chunk))

    def from_thread(res, req):
        thread = threading.Thread(target=lambda: res.write_header("X-Handler", "1").end("from a thread"))
        thread.start()
        thread.join()

    def cookie_from_thread(res, req):
        thread = threading.Thread(target=lambda: res.set_cookie("a", "b").end("from a thread"))
        thread.start()
        thread.join()

    async def from_thread_late(res, req):
        await asyncio.to_thread(lambda: res.write("from ").write("a ").end("thread"))

    async def generated(res, req):
        async def parts():
            for number in range(5):
                yield f"part {number} "
                await asyncio.sleep(0)

        await res.stream(parts(), "text/plain")

    async def generated_at_once(res, req):
        await res.stream((f"part {number} " * 3000 for number in range(50)), "text/plain")

    async def nothing_generated(res, req):
        await res.stream([], "text/plain")

    async def fails_at_first(res, req):
        def parts():
            raise LookupError("no parts")
            yield ""

        await res.stream(parts())

    async def events(res, req):
        async def two():
            await asyncio.sleep(0.001)
            yield "one"
            yield {"two": 2}

        await res.events(two(), keep_alive=None)

    async def chunk(res, req):
        assert await res.send_chunk(b"x" * SIZE, SIZE) == (True, True)

    def writable(res, req):
        data = b"0123456789" * (SIZE // 10)

        def more(res, offset):
            return res.try_end(data[offset:], SIZE)[0]

        res.on_writable(more)
        if res.try_end(data[:100_000], SIZE)[0]:
            more(res, 100_000)

    async def drained(res, req):
        for _ in range(20):
            res.write("x" * 50_000)
            await res.drain()
        res.end("")

    def fail(res, req):
        res.write_header("X-Lost", "1").set_cookie("lost", "1").write_status(201)
        raise LookupError("no such thing")

    async def fail_late(res, req):
        await asyncio.sleep(0)
        fail(res, req)

    def refuse(res, req):
        res.write_header("X-Kept", "1").write_header("Content-Type", "text/csv")
        raise HTTPError(403, "not you", {"X-Error": "1"})

    async def refuse_late(res, req):
        await asyncio.sleep(0)
        refuse(res, req)

    async def read(res, req):
        res.end((await res.get_data()).getvalue())

    async def validated(res, req):
        res.end((await res.get_json(Item)).model_dump())

    async def write_late(res, req):
        res.write("one ")
        await asyncio.sleep(0.01)
        res.write("two ").end("three")

    async def big_file(res, req):
        await res.send_file(f"{folder}/big.bin")

    return {
        "text": lambda res, req: res.end("text"),
        "empty": lambda res, req: res.end(),
        "bytes": lambda res, req: res.end(b"\xff\x00"),
        "json": lambda res, req: res.end({"a": 1}),
        "typed-json": lambda res, req: res.write_header("Content-Type", "application/problem+json").end({"a": 1}),
        "returned": lambda res, req: {"a": [1]},
        "returned-text": lambda res, req: "text",
        "header": lambda res, req: res.write_header("X-Handler", "ä").end("text"),
        "status": lambda res, req: res.write_status("418 I am a teapot").end("text"),
        "cookies": lambda res, req: res.set_cookie("a", "b").set_cookie("c", "d").end("text"),
        "send": lambda res, req: res.send("text", "text/html", 203, [("X-Handler", "1")]),
        "send-json": lambda res, req: res.send({"a": 1}, status=201),
        "msgpack": lambda res, req: res.msgpack({"a": 1}),
        "negotiate": lambda res, req: res.negotiate({"a": 1}),
        "redirect": lambda res, req: res.redirect("/sync/text"),
        "no-content": lambda res, req: res.write_status(204).end_without_body(),
        "no-content-end": lambda res, req: res.write_status(204).end("lost"),
        "not-modified": lambda res, req: res.write_status(304).write_header("ETag", '"1"').end(""),
        "length": lambda res, req: res.write_header("Content-Length", "7").end("text"),
        "bodiless": lambda res, req: res.write_header("Content-Length", "7").end_without_body(),
        "parts": lambda res, req: res.write_status(206).write("a").write("").write("b").end("c"),
        "parts-without-end": lambda res, req: res.write("a").end_without_body(),
        "parts-late": write_late,
        "sized": lambda res, req: res.try_end("text", 4),
        "sized-empty": lambda res, req: res.try_end("", 0),
        "chunk": chunk,
        "writable": writable,
        "drained": drained,
        "cork": lambda res, req: res.cork(lambda res: res.write_status(202).write("a").end("text")),
        "generated": generated,
        "generated-at-once": generated_at_once,
        "nothing-generated": nothing_generated,
        "fails-at-first": fails_at_first,
        "events": events,
        "file": lambda res, req: res.send_file(f"{folder}/small.txt"),
        "file-as": lambda res, req: res.send_file(f"{folder}/small.txt", content_type="a/b", download_name="x.txt"),
        "big-file": big_file,
        "no-file": lambda res, req: res.send_file(f"{folder}/none.txt"),
        "late": late,
        "callback": callback,
        "body": body,
        "from-thread": from_thread,
        "cookie-from-thread": cookie_from_thread,
        "from-thread-late": from_thread_late,
        "fail": fail,
        "fail-late": fail_late,
        "refuse": refuse,
        "refuse-late": refuse_late,
        "unanswered": lambda res, req: None,
        "unserialisable": lambda res, req: res.end(object()),
        "read": read,
        "validated": validated,
        "last": lambda res, req: res.end("last", True),
    }


def sockets():
    """Return upgrade handlers by name."""
    names = ("sec-websocket-key", "sec-websocket-protocol", "sec-websocket-extensions")

    def upgrade(res, req, context):
        res.write_header("X-Handler", "1").upgrade(*map(req.get_header, names), context, {"user": "Ann"})

    async def upgrade_late(res, req, context):
        await asyncio.sleep(0)
        upgrade(res, req, context)

    def fail(res, req, context):
        raise LookupError("no room")

    async def refuse(res, req, context):
        await asyncio.sleep(0)
        raise HTTPError(403, "not you")

    def malformed(res, req, context):
        res.upgrade("short", None, None, context)

    return {
        "ws": upgrade,
        "ws-late": upgrade_late,
        "ws-fail": fail,
        "ws-refuse": refuse,
        "ws-malformed": malformed,
        "ws-answer": lambda res, req, context: res.write_status(402).end("pay"),
    }


class Gzip:
    """A filter as a compressor is."""

    def __init__(self):
        self._made = zlib.compressobj(wbits=31)

    def feed(self, data):
        return self._made.compress(data)

    def finish(self):
        return self._made.flush()


class Upper:
    """A filter that keeps the last part until the end."""

    def __init__(self):
        self._kept = b""

    def feed(self, data):
        kept, self._kept = self._kept, bytes(data).upper()
        return kept

    def finish(self):
        return self._kept + b"!"


class Tired:
    """A filter that fails in the middle."""

    fed = 0

    def feed(self, data):
        self.fed += 1
        if self.fed == 2:
            raise LookupError("tired of feeding")
        return data

    def finish(self):
        return b""


class Broken:
    """A filter that fails at once."""

    def feed(self, data):
        raise LookupError("broken")

    def finish(self):
        return b""


def changes(kind, folder):
    """Hooks that change the content."""
    app = make_app(kind)
    routes = ways(folder)

    def compress(res, req):
        if res.filter_body(Gzip()):
            res.set_header("Content-Encoding", "gzip").write_header("Vary", "Accept-Encoding")

    def content(res, req):
        if res.content is not None:
            res.content = res.content.upper() + "ß".encode()

    def status(res, req):
        res.write_status(int(req.get_query("status") or 200))

    async def status_late(res, req):
        await asyncio.sleep(0)
        status(res, req)

    def cookie(res, req):
        res.set_cookie("a", "1").set_cookie("a", "2")
        res.set_header("X-Cookies", res.get_header("set-cookie"))

    app.before_send(compress, prefix="/gzip")
    app.before_send(lambda res, req: res.filter_body(Upper()), prefix="/upper")
    app.before_send(lambda res, req: res.filter_body(Upper()), prefix="/both")
    app.before_send(compress, prefix="/both")
    app.before_send(content, prefix="/content")
    app.before_send(status, prefix="/status")
    app.before_send(status_late, prefix="/status-late")
    app.before_send(cookie, prefix="/cookie")
    app.before_send(lambda res, req: res.filter_body(Tired()), prefix="/tired")
    app.before_send(compress, prefix="/set-behind")
    app.before_send(content, prefix="/set-behind")
    app.before_send(lambda res, req: res.filter_body(Broken()), prefix="/broken")

    @app.before_send(prefix="/wrong")
    def wrong(res, req):
        found = []
        for value in (None, 5, {"a": 1}, ["a"], bytearray(b"b"), memoryview(b"m"), "text"):
            try:
                res.content = value
                found.append("set")
            except Exception as error:
                found.append(type(error).__name__)
        for body_filter in (None, object(), lambda data: data):
            try:
                res.filter_body(body_filter)
                found.append("put")
            except Exception as error:
                found.append(type(error).__name__)
        res.write_header("X-Found", " ".join(found))

    for prefix in (
        "gzip",
        "upper",
        "both",
        "content",
        "status",
        "status-late",
        "cookie",
        "tired",
        "wrong",
        "set-behind",
        "broken",
    ):
        for name, handler in routes.items():
            app.get(f"/{prefix}/{name}", handler)
        app.static(f"/{prefix}/static", folder)
    return app


def hostile(kind):
    """Hooks that answer, raise and never end."""
    app = make_app(kind)
    notes = []
    app.get("/notes", lambda res, req: res.end(notes))

    def noted(name):
        def note(outcome):
            notes.append([name, outcome.status, outcome.aborted])

        app.after_response(note, prefix=f"/{name}")

    tries = {
        "end": lambda res: res.end("hook"),
        "send": lambda res: res.send("hook", status=404),
        "redirect": lambda res: res.redirect("/"),
        "write": lambda res: res.write("hook"),
        "try_end": lambda res: res.try_end("hook", 4),
        "send_chunk": lambda res: res.send_chunk(b"hook", 4),
        "end_without_body": lambda res: res.end_without_body(),
        "send_file": lambda res: res.send_file(__file__),
        "stream": lambda res: res.stream(["hook"]),
        "events": lambda res: res.events(["hook"]),
        "upgrade": lambda res: res.upgrade("x" * 24, None, None, None),
        "render": lambda res: res.render("x"),
        "write_continue": lambda res: res.write_continue(),
    }

    @app.register
    @socketify_ext.extension("rude")
    def rude(request, response, ws, *, app):
        @app.before_send(prefix="/answers")
        def answer(res, req):
            res.write_header("X-Before", "1")
            tries[req.get_query("how")](res)

        @app.before_send(prefix="/answers-late")
        async def answer_late(res, req):
            res.write_header("X-Before", "1")
            await asyncio.sleep(0.001)
            result = tries[req.get_query("how")](res)
            if asyncio.iscoroutine(result):
                await result

        @app.before_send(prefix="/raises")
        def fail(res, req):
            res.write_header("X-Before", "1")
            raise LookupError("no header")

        @app.before_send(prefix="/raises-late")
        async def fail_late(res, req):
            await asyncio.sleep(0.001)
            res.write_header("X-Before", "1")
            raise HTTPError(404)

        @app.before_send(prefix="/cancelled")
        async def cancelled(res, req):
            raise asyncio.CancelledError

        @app.before_send(prefix="/splits")
        def split(res, req):
            res.write_header("X-Before", "1")
            res.write_header("X-Name", req.get_header("name") + "\r\nX-Injected: 1")

        @app.before_send(prefix="/hangs")
        async def hang(res, req):
            notes.append("hangs")
            await asyncio.sleep(3600)

        @app.before_send(prefix="/closes")
        def close(res, req):
            res.close()

        @app.before_send(prefix="/closes-late")
        async def close_late(res, req):
            await asyncio.sleep(0)
            res.close()

        @app.before_send(prefix="/spawns")
        async def spawn(res, req):
            async def answer():
                await asyncio.sleep(0)
                res.end("hook")

            task = asyncio.create_task(answer())
            await asyncio.wait([task])
            notes.append(type(task.exception()).__name__)

        app.before_send(lambda res, req: res.write_header("X-After", "1"))

    async def slow(res, req):
        await asyncio.sleep(0)
        res.end("handler")

    def parts(res, req):
        res.write("han").write("dler").end()

    async def twice(res, req):
        res.end("handler")
        res.end("twice").write_header("X-Late", "1").write_status(404)
        res.send("again", status=500, headers=[("X-Late", "1")])
        notes.append(["answered", res.has_responded()])

    async def raises(res, req):
        res.end("handler")
        raise LookupError("after the answer")

    def raises_in_parts(res, req):
        res.write("handler")
        raise LookupError("after a part")

    names = (
        "answers",
        "answers-late",
        "raises",
        "raises-late",
        "cancelled",
        "splits",
        "hangs",
        "closes",
        "closes-late",
    )
    for name in (*names, "spawns"):
        noted(name)
        app.get(f"/{name}", lambda res, req: res.end("handler"))
        app.get(f"/{name}/late", slow)
        app.get(f"/{name}/parts", parts)
        app.get(f"/{name}/twice", twice)
        app.get(f"/{name}/raises", raises)
        app.get(f"/{name}/raises-in-parts", raises_in_parts)
    return app


def pipelined(kind):
    """Answers whose hooks wait, or do not."""
    app = make_app(kind)

    def name(res, req):
        res.write_header("X-Name", req.get_query("name"))

    async def name_late(res, req):
        await asyncio.sleep(0.05)
        name(res, req)

    async def late(res, req):
        await asyncio.sleep(0)
        res.end(req.get_query("name"))

    async def echo(res, req):
        res.end((await res.get_data()).getvalue())

    for prefix, hook in (("/sync", name), ("/late", name_late)):
        app.before_send(hook, prefix=prefix)
        app.get(f"{prefix}/at-once", lambda res, req: res.end(req.get_query("name")))
        app.get(f"{prefix}/late", late)
        app.get(f"{prefix}/parts", lambda res, req: res.write(req.get_query("name")).end("!"))
        app.post(f"{prefix}/echo", echo)
    return app


def ending(kind):
    """A hook that waits when the server ends."""
    app = socketify_ext.App(shutdown_grace=0.1, shutdown_timeout=2)

    @app.before_send(prefix="/hangs")
    async def hang(res, req):
        print("hook waits", flush=True)
        try:
            await asyncio.sleep(3600)
        finally:
            print("hook cancelled", flush=True)

    app.before_send(lambda res, req: res.write_header("X-After", "1"))
    app.get("/hangs", lambda res, req: res.end("handler"))
    app.get("/hangs/parts", lambda res, req: res.write("han").write("dler").end())
    app.get("/never", lambda res, req: (res.grab_aborted_handler(), print("never answers", flush=True)))
    return app


def leaving(kind):
    """A hook that waits when the client leaves."""
    app = socketify_ext.App(cancel_on_abort=kind == "cancel")
    notes, gate = [], asyncio.Event()
    app.get("/notes", lambda res, req: res.end(notes))
    app.get("/open", lambda res, req: (gate.set(), res.end("")))

    @app.before_send(prefix="/held")
    async def hold(res, req):
        notes.append("waits")
        try:
            await gate.wait()
        except asyncio.CancelledError:
            notes.append("cancelled")
            raise
        notes.append(["left", res.aborted])
        res.write_header("X-Late", "1")

    app.after_response(lambda outcome: notes.append(["outcome", outcome.status, outcome.aborted]), prefix="/held")

    async def streamed(res, req):
        async def parts():
            try:
                while True:
                    yield "part"
                    await asyncio.sleep(0.001)
            finally:
                notes.append("closed")

        await res.stream(parts())

    async def drained(res, req):
        res.write("part")
        await res.drain()
        notes.append("drained")

    async def chunk(res, req):
        notes.append(["chunk", *await res.send_chunk(b"x" * SIZE, SIZE)])

    app.get("/held/text", lambda res, req: res.end("text"))
    app.get("/held/stream", streamed)
    app.get("/held/drained", drained)
    app.get("/held/chunk", chunk)
    return app


def contexts(kind):
    """Context variables of requests whose answers come from elsewhere."""
    import contextvars

    app = make_app(kind)
    user = contextvars.ContextVar("user", default="nobody")
    waiting = []
    for suspend in (False, True):
        prefix = "/late" if suspend else "/sync"

        def hook(res, req):
            res.write_header("X-User", user.get())
            user.set(f"hook of {user.get()}")

        async def hook_late(res, req):
            await asyncio.sleep(0)
            res.write_header("X-User", user.get())
            user.set(f"hook of {user.get()}")

        app.before_send(hook_late if suspend else hook, prefix=prefix)

        def wait(res, req):
            user.set(req.get_header("name"))
            waiting.append(res.grab_aborted_handler())

        def release(res, req):
            user.set(req.get_header("name"))
            while waiting:
                waiting.pop().end("released")
            res.end("releases")

        async def late(res, req):
            await asyncio.sleep(0)
            user.set(req.get_header("name"))
            await asyncio.sleep(0)
            res.end("late")

        app.get(f"{prefix}/wait", wait)
        app.get(f"{prefix}/release", release)
        app.get(f"{prefix}/late", late)
        app.get(f"{prefix}/at-once", lambda res, req: (user.set(req.get_header("name")), res.end("at once"))[1])
        app.get(f"{prefix}/unanswered", lambda res, req: user.set(req.get_header("name")))
        app.get(f"{prefix}/returned", lambda res, req: user.set(req.get_header("name")) or {"a": 1})
        app.get(f"{prefix}/unset", lambda res, req: res.end(user.get()))
    return app


def ungzip(data):
    """Decompress a body."""
    return gzip.decompress(data)
