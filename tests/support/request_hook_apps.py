"""Apps with request hooks, served by `test_request_hooks.py` in processes of their own."""

import asyncio
import pathlib
import re

from builtin_apps import make_app

import socketify_ext
from socketify_ext import HTTPError

ROOT = pathlib.Path(__file__).parents[2]


class Notes:
    """What the hooks of an app have seen, told and forgotten at /notes, which no hook notes."""

    def __init__(self, app):
        self.notes = []
        app.get("/notes", lambda res, req: res.end(self.notes))
        app.get("/notes/forget", lambda res, req: (self.notes.clear(), res.end("")))

    def __call__(self, *note):
        self.notes.append(list(note))

    def outcome(self, outcome):
        if not outcome.route.startswith("/notes"):
            assert 0 < outcome.duration < 60
            self("after", outcome.status, outcome.method, outcome.route, outcome.aborted)


def noting(name, notes, **order):
    @socketify_ext.extension(name, **order)
    def declare(request, response, ws, *, app):
        @app.before_request(prefix="/order")
        def before(res, req):
            notes("before", name)

        @app.after_response(prefix="/order")
        def after(outcome):
            notes("after", name)

        app.on_ws_open(lambda ws: notes("open", name), prefix="/order")
        app.on_ws_close(lambda ws, code, message: notes("close", name, code), prefix="/order")

    return declare


def ordered(kind):
    """Hooks of three extensions and of the app, around routes that were there before."""
    app = make_app(kind)
    notes = Notes(app)
    app.get("/order/:id", lambda res, req: (notes("handler"), res.end("")))
    app.ws("/order/ws", {"open": lambda ws: notes("handler"), "message": lambda ws, text, opcode: ws.end(1000)})
    app.before_request(lambda res, req: notes("before", "the app"), prefix="/order/")
    app.register(noting("last", notes, after=["first", "middle"]))
    app.register(noting("middle", notes, after=["first"]))
    app.register(noting("first", notes))
    return app


def guarded(kind):
    """Hooks that answer, wait and fail."""
    app = make_app(kind)
    notes = Notes(app)
    app.error_handler = None

    @app.register
    @socketify_ext.extension("guard")
    def guard(request, response, ws, *, app):
        request.property("user")
        response.method(lambda self: self.end("a member"), name="greet")

        @app.before_request(prefix="/sync")
        def refuse(res, req):
            if req.get_header("token") is None:
                res.write_status(401).end("who are you?")

        @app.before_request(prefix="/async")
        async def look_up(res, req):
            await asyncio.sleep(0.001)
            req.user = req.get_header("token")
            if req.user is None:
                res.write_status(401).end("who are you?")

        @app.before_request(prefix="/straight")
        async def straight(res, req):
            if req.get_header("token") is None:
                raise HTTPError(401, "who are you?", {"www-authenticate": "Bearer"})

        @app.before_request(prefix="/fails")
        def fail(res, req):
            raise LookupError("no user")

        @app.before_request(prefix="/fails-late")
        async def fail_late(res, req):
            await asyncio.sleep(0.001)
            raise LookupError("no user")

    app.before_request(lambda res, req: req.get_url().startswith("/notes") or notes("second", req.get_url()))
    app.after_response(notes.outcome)

    def sync(res, req):
        notes("handler")
        res.end({"token": req.get_header("token"), "user": req.user, "id": req.get_parameter(0)})

    async def late(res, req):
        await asyncio.sleep(0.001)
        sync(res, req)

    def echo(res, req):
        parts = []

        def more(res, chunk, is_end):
            parts.append(chunk)
            if is_end:
                res.end(b"".join(parts))

        res.on_data(more)

    async def echo_late(res, req):
        res.end((await res.get_data()).getvalue())

    for hook in ("sync", "async", "straight", "fails", "fails-late"):
        app.get(f"/{hook}/sync/:id", sync)
        app.get(f"/{hook}/async/:id", late)
        app.post(f"/{hook}/echo", echo)
        app.post(f"/{hook}/echo-late", echo_late)
        app.get(f"/{hook}/greet", lambda res, req: res.greet())
        app.any(f"/{hook}/any", lambda res, req: res.end("any"))
        app.ws(f"/{hook}/ws", {"message": lambda ws, text, opcode: ws.send(text, opcode)})
        app.ws(f"/{hook}/ws-own", {"upgrade": upgrade, "message": lambda ws, text, opcode: ws.send(text, opcode)})
    return app


def upgrade(res, req, context):
    names = ("sec-websocket-key", "sec-websocket-protocol", "sec-websocket-extensions")
    res.upgrade(*map(req.get_header, names), context, {"user": "Ann"})


def failing(kind):
    """The same failing hook, with an error handler."""
    app = guarded(kind)
    app.set_error_handler(lambda error, res, req: res.write_status(418).end(str(error)))
    return app


def finished(kind, folder=None):
    """All ways in which a request ends."""
    app = make_app(kind)
    notes = Notes(app)

    @app.register
    @socketify_ext.extension("watch")
    def watch(request, response, ws, *, app):
        @app.after_response
        def broken(outcome):
            if outcome.route == "/broken":
                raise LookupError("no such counter")

        @app.after_response
        async def broken_late(outcome):
            await asyncio.sleep(0)
            if outcome.route == "/broken":
                raise LookupError("no such late counter")

    app.after_response(notes.outcome)
    app.before_request(lambda res, req: notes("before", req.get_url()), prefix="/next")

    async def late(res, req):
        await asyncio.sleep(0.001)
        res.write_status(201).end({"ok": True})

    async def fail_late(res, req):
        await asyncio.sleep(0.001)
        raise LookupError("late")

    async def chunks(res, req):
        await res.send_chunk(b"x" * 10, 10)

    async def forgotten(res, req):
        await asyncio.sleep(0.001)

    def refuse(res, req):
        raise HTTPError(404, "no such item")

    def leave(res, req):
        req.set_yield(True)

    def fail(res, req):
        raise LookupError("now")

    def fail_begun(res, req):
        res.write("begun")
        raise LookupError("now")

    def twice(res, req):
        res.end("one")
        res.end("two")

    def hang(res, req):
        notes("hangs", "hang")
        res.grab_aborted_handler()

    def hang_begun(res, req):
        notes("hangs", "hang-begun")
        res.grab_aborted_handler()
        res.write_status(206).write("begun")

    routes = {
        "text": lambda res, req: res.end("text"),
        "json": lambda res, req: res.end({"a": 1}),
        "header": lambda res, req: res.write_header("a", "b").end("text"),
        "status": lambda res, req: res.write_status(202).end("text"),
        "all": lambda res, req: res.write_status(202).write_header("a", "b").end({"a": 1}),
        "send": lambda res, req: res.send("text", "text/plain", 203),
        "redirect": lambda res, req: res.redirect("/text"),
        "empty": lambda res, req: res.write_status(204).end_without_body(),
        "chunked": lambda res, req: res.write_status(206).write("a").write("b").end("c"),
        "sized": lambda res, req: res.try_end("text", 4),
        "cork": lambda res, req: res.cork(lambda res: res.write_status(202).end("text")),
        "late": late,
        "chunks": chunks,
        "forgotten": forgotten,
        "nothing": lambda res, req: None,
        "refuse": refuse,
        "fail": fail,
        "fail-late": fail_late,
        "fail-begun": fail_begun,
        "twice": twice,
        "closed": lambda res, req: res.close(),
        "hang": hang,
        "hang-begun": hang_begun,
        "broken": lambda res, req: res.end("fine"),
        "unserialisable": lambda res, req: res.end(object()),
    }
    for name, handler in routes.items():
        app.get(f"/{name}", handler)
    app.head("/head", lambda res, req: res.end("text"))
    app.any("/any", lambda res, req: res.end("text"))
    app.get("/next/one", leave)
    app.get("/next/:id", leave)
    app.any("/next/*", lambda res, req: res.write_status(202).end("at last"))
    app.get("/nowhere", leave)
    app.get("/left/ws", leave)
    app.ws("/left/ws", {"message": lambda ws, text, opcode: ws.send(text, opcode)})
    app.ws("/ws", {"upgrade": upgrade})
    app.ws("/refused/ws", {"upgrade": lambda res, req, context: res.write_status(403).end("no")})
    if folder is not None:
        app.static("/files", folder)
    return app


def prefixed(kind):
    """Hooks below prefixes that patterns and paths decide."""
    app = make_app(kind)
    notes = Notes(app)
    for prefix in ("/api", "/api/items", "/b/c"):
        app.before_request(lambda res, req, prefix=prefix: notes("before", prefix), prefix=prefix)
        app.after_response(lambda outcome, prefix=prefix: notes("after", prefix), prefix=prefix)
        app.on_ws_open(lambda ws, prefix=prefix: notes("open", prefix), prefix=prefix)
        app.on_ws_close(lambda ws, code, message, prefix=prefix: notes("close", prefix), prefix=prefix)

    async def leave_async(res, req):
        req.set_yield(True)

    for path in ("/api", "/api/items", "/api/:id", "/apis", "/:any/items", "/*"):
        app.get(path, lambda res, req, path=path: res.end(path))
    app.get("/b/yield", leave_async)
    app.ws("/api/ws", {"message": lambda ws, text, opcode: ws.send(text, opcode)})
    app.ws("/:any/ws/late", {"upgrade": upgrade_late, "message": lambda ws, text, opcode: ws.send(text, opcode)})
    app.ws("/:any/ws", {"message": lambda ws, text, opcode: ws.send(text, opcode)})
    return app


async def upgrade_late(res, req, context):
    await asyncio.sleep(0.001)
    upgrade(res, req, context)


def sockets(kind):
    """Hooks of WebSockets that fail, wait and close."""
    app = make_app(kind)
    notes = Notes(app)

    @app.register
    @socketify_ext.extension("presence")
    def presence(request, response, ws, *, app):
        ws.property("seen", default_factory=list)

        @app.on_ws_open
        def broken(ws):
            raise LookupError("no room")

        @app.on_ws_open
        async def enter(ws):
            await asyncio.sleep(0.001)
            ws.seen.append("hook")
            ws.send("entered", 1)

        @app.on_ws_open(prefix="/closing")
        def close(ws):
            ws.close()

        @app.on_ws_close
        def broken_close(ws, code, message):
            raise LookupError("no room to leave")

        @app.on_ws_close
        async def leave(ws, code, message):
            await asyncio.sleep(0)
            notes("left", code, (message or b"").decode(), ws.route)

    events = {
        "open": lambda ws: notes("open"),
        "message": lambda ws, text, opcode: ws.send(",".join(ws.seen), 1),
        "close": lambda ws, code, message: notes("close", code),
    }
    app.ws("/ws", events)
    app.ws("/closing", events)
    return app


def late(kind):
    """Hooks that come at start-up and while the server runs."""
    app = make_app(kind)
    notes = Notes(app)
    app.get("/item", lambda res, req: res.end("item"))
    app.ws("/ws", {"upgrade": upgrade})

    @app.register
    @socketify_ext.extension("late")
    def late(request, response, ws, *, app):
        @app.on_startup
        async def start():
            app.after_response(notes.outcome)

        def add(res, req):
            app.before_request(lambda res, req: res.end("hooked"), prefix="/item")
            res.end("added")

        app.get("/add", add)

    return app


def waiting_at_the_end(kind):
    """A request that nobody answers before the server stops."""
    app = socketify_ext.App(shutdown_grace=0.01)
    app.after_response(lambda outcome: print("outcome", outcome.status, outcome.aborted, flush=True))
    app.get("/hang", lambda res, req: (res.grab_aborted_handler(), res.write("begun")))
    app.get("/last", lambda res, req: (res.end("last"), app.close()))
    return app


def many(kind):
    """Routes that a hook holds up, each with its own token."""
    app = make_app(kind)

    @app.before_request
    async def wait(res, req):
        await asyncio.sleep(0.001)

    app.get("/token/:id", lambda res, req: res.end([req.get_header("token"), req.get_parameter(0), req.get_query("q")]))
    return app


def documented(number):
    """Run an example of docs/hooks.md up to where it listens."""
    text = (ROOT / "docs" / "hooks.md").read_text()
    example = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[number].partition("\napp.listen")[0]
    names = {}
    exec(example, names)  # noqa: S102 - it is ours
    return names["app"]
