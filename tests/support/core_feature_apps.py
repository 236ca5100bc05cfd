"""The apps of `test_core_features.py`: what the core offers, each on a `socketify_ext.App` and on an installed app.

This file runs in the server's process; the core's CLI loads `run`, `run_secure` and `websocket` from it.
"""

from __future__ import annotations

import array
import asyncio
import functools
import json
import os
from typing import Any

import socketify
from socketify import AppListenOptions, AppOptions, MiddlewareRouter, OpCode, middleware

import socketify_ext

METHODS = ("get", "post", "put", "patch", "delete", "options", "head", "connect", "trace", "any")
BIG = 8 * 1024 * 1024
TEXT = OpCode.TEXT


def new_app(kind: str, options: AppOptions | None = None) -> Any:
    """Make an app: "install" is the core's own with pools, installed, as its CLI makes one."""
    if kind == "install":
        return socketify_ext.install(socketify.App(options, 10, 10))
    return socketify_ext.App(options, 10, 10)


@functools.cache
def big_body() -> bytes:
    """Return a body that no socket buffer holds, in which each part names its position."""
    return array.array("Q", range(BIG // 8)).tobytes()


class Engine:
    """A template engine: `render` is all that the core asks for."""

    def render(self, name: str, **values: Any) -> str:
        if name == "missing":
            raise LookupError("no such template")
        return f"<{name}>" + "".join(f"{key}={value};" for key, value in sorted(values.items()))


class Serializer:
    """JSON that can be told from the standard one, as text or bytes."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def dumps(self, value: Any) -> str | bytes:
        text = json.dumps({"by": self.kind, "value": value})
        return text if self.kind == "str" else text.encode()

    def loads(self, data: str | bytes) -> Any:
        return {"read by": self.kind, "value": json.loads(data)}


# -- routers and middlewares


def allow(res: Any, req: Any, data: Any = None) -> Any:
    user = req.get_header("x-user")
    if user is None:
        res.write_status(403).end("forbidden")
        return None
    return [user]


async def allow_late(res: Any, req: Any, data: Any = None) -> Any:
    await asyncio.sleep(0)
    return allow(res, req, data)


def note(res: Any, req: Any, data: Any = None) -> Any:
    return [*data, "sync"]


async def note_late(res: Any, req: Any, data: Any = None) -> Any:
    await asyncio.sleep(0)
    return [*data, "async"]


def tell(res: Any, req: Any, data: Any = None) -> Any:
    res.cork_end({"data": data, "url": req.get_url(), "query": req.get_query("q"), "first": req.get_parameter(0)})


def routing(app: Any) -> None:
    plain = app.router()
    prefixed = app.router("/api")
    guarded = app.router("/guarded", allow, note_late)
    chained = MiddlewareRouter(app, allow, note)

    @plain.get("/plain")
    def get_plain(res: Any, req: Any) -> None:
        res.end("plain")

    @guarded.get("/:id")
    async def get_guarded(res: Any, req: Any, data: Any) -> None:
        tell(res, req, data)

    def answer(method: str) -> Any:
        return lambda res, req, data=None: res.end("" if method == "head" else f"{method} by {req.get_method()}")

    for method in METHODS:
        getattr(app, method)(f"/direct/{method}", answer(method))
        getattr(prefixed, method)(f"/{method}")(answer(method))
        getattr(chained, method)(f"/chained/{method}", answer(method))

    for path, functions in {
        "sync": (allow, note, tell),
        "async": (allow_late, note_late, tell),
        "mixed": (allow, note_late, note, tell),
        "nested": (allow, middleware(note, note), middleware(note_late), tell),
    }.items():
        app.get(f"/middleware/{path}/:id", middleware(*functions))


def next_routes(app: Any) -> None:
    def leave(res: Any, req: Any) -> None:
        res.write_header("x-left", "yes").set_cookie("left", "yes", {})
        req.set_yield(1)

    async def leave_async(res: Any, req: Any) -> None:
        req.set_yield(1)

    async def leave_and_answer(res: Any, req: Any) -> None:
        req.set_yield(1)
        await asyncio.sleep(0)
        res.end("late")

    def answer_and_leave(res: Any, req: Any) -> None:
        res.end("answered")
        req.set_yield(1)

    def fail_and_leave(res: Any, req: Any) -> None:
        req.set_yield(1)
        raise LookupError("no user")

    app.get("/next/sync", leave)
    app.get("/next/async", leave_async)
    app.get("/next/both", leave_and_answer)
    app.get("/next/answered", answer_and_leave)
    app.get("/next/failed", fail_and_leave)
    app.get("/next/:name", lambda res, req: res.end(f"next {req.get_parameter(0)}"))
    app.get("/nowhere", leave)
    app.get("/socket/left", leave)
    app.ws("/socket/left", {"message": lambda ws, message, opcode: ws.send(message, opcode)})


# -- answers


def answers(app: Any) -> None:
    app.template(Engine())
    app.get("/render/:name", lambda res, req: res.render(req.get_parameter(0), title="a", body=1))

    async def render_late(res: Any, req: Any) -> None:
        await asyncio.sleep(0)
        res.render("late")

    def cookies(res: Any, req: Any) -> None:
        res.set_cookie("one", "1", {"path": "/", "httponly": True, "samesite": "None", "secure": True})
        res.set_cookie("two", "a b;c", {"max-age": 5})
        res.end({"session": req.get_cookie("session"), "none": req.get_cookie("none")})

    async def raise_late(res: Any, req: Any) -> None:
        await asyncio.sleep(0)
        raise ValueError("secret")

    def raise_now(res: Any, req: Any) -> None:
        raise ValueError("secret")

    async def queries(res: Any, req: Any) -> None:
        before = [req.get_query(key) for key in ("a", "b", "c", "d")]
        again = [req.get_query(key) for key in ("a", "b", "c", "d")]
        await asyncio.sleep(0)
        after = [req.get_query(key) for key in ("a", "b", "c", "d")]
        res.cork_end({"before": before, "again": again, "after": after, "all": req.get_queries()})

    app.get("/render-late", render_late)
    app.get("/cookies", cookies)
    app.get("/redirect", lambda res, req: res.redirect("/elsewhere"))
    app.get("/redirect/301", lambda res, req: res.redirect("/elsewhere", 301))
    app.get("/send/json", lambda res, req: res.send({"a": 1}, status=201, headers=[("x-a", "1")]))
    app.get("/send/html", lambda res, req: res.send("<p>", b"text/html", "404 Not Found"))
    app.get("/send/none", lambda res, req: res.send(None, status=202))
    app.get("/cork", lambda res, req: res.cork(lambda inner: inner.write_status(202).end("corked")))
    app.get("/bodiless/:status", lambda res, req: res.write_status(int(req.get_parameter(0))).end_without_body())
    app.head("/bodiless", lambda res, req: res.write_header("content-length", 5).end_without_body())
    app.get("/raise", raise_now)
    app.get("/raise/late", raise_late)
    app.get("/queries", queries)


# -- bodies, in both directions


def streaming(app: Any) -> None:
    body = big_body()
    stalled: dict[str, asyncio.Event] = {}
    left = asyncio.Event()
    outcome: list[Any] = []

    def event(name: str) -> asyncio.Event:
        return stalled.setdefault(name, asyncio.Event())

    def parts(res: Any, req: Any) -> None:
        res.write("one ").write(b"two ").write({"three": 3})
        res.end(" four")

    def try_end(res: Any, req: Any) -> None:
        total, name = len(body), req.get_query("name")

        def more(response: Any, offset: int) -> bool:
            return bool(response.try_end(body[offset:], total)[0])

        res.on_aborted(lambda response: None)
        _, done = res.try_end(body, total)
        if not done:
            event(name).set()
            res.on_writable(more)

    async def send_chunks(res: Any, req: Any) -> None:
        name, size, start, done = req.get_query("name"), 1 << 20, 0, False
        res.write_header("content-type", "application/octet-stream")
        while not done and not res.aborted:
            waiting = asyncio.ensure_future(res.send_chunk(body[start : start + size], len(body)))
            if not waiting.done():
                event(name).set()
            _, done = await waiting
            start += size
        if res.aborted:
            outcome.extend(await res.send_chunk(b"more", 4))
            left.set()

    async def stalled_route(res: Any, req: Any) -> None:
        await event(req.get_query("name")).wait()
        res.cork_end("stalled")

    async def left_route(res: Any, req: Any) -> None:
        await left.wait()
        res.cork_end(outcome)

    async def chunk_after_the_answer(res: Any, req: Any) -> None:
        outcome = [await res.send_chunk(b"abc", 3), await res.send_chunk(b"abc", 3)]
        done.append(outcome)

    done: list[Any] = []
    app.get("/parts", parts)
    app.get("/try_end", try_end)
    app.get("/send_chunk", send_chunks)
    app.get("/stalled", stalled_route)
    app.get("/left", left_route)
    app.get("/chunk-after-the-answer", chunk_after_the_answer)
    app.get("/done", lambda res, req: res.end(done))


def reading(app: Any) -> None:
    def reader(name: str) -> Any:
        async def read(res: Any, req: Any) -> None:
            value = await getattr(res, name)()
            res.cork_end({"value": value.getvalue().decode() if name == "get_data" else value})

        return read

    def on_data(res: Any, req: Any) -> None:
        lengths: list[int] = []

        def part(response: Any, chunk: bytes, is_end: bool) -> None:
            lengths.append(len(chunk))
            if is_end:
                response.cork_end({"length": sum(lengths)})

        res.on_data(part)

    def on_data_async(res: Any, req: Any) -> None:
        async def part(response: Any, chunk: bytes, is_end: bool) -> None:
            await asyncio.sleep(0)
            if is_end:
                response.cork_end({"last": chunk.decode()})

        res.on_data(part)

    for name in ("get_data", "get_text", "get_json", "get_form_urlencoded"):
        app.post(f"/{name}", reader(name))
    app.post("/on_data", on_data)
    app.post("/on_data-async", on_data_async)


# -- WebSockets


def sockets(app: Any) -> None:
    def subscribe(ws: Any) -> None:
        ws.subscribe("room")
        ws.send({"topics": ws.get_topics(), "user": ws.get_user_data()}, TEXT)

    def message(ws: Any, message: str | bytes, opcode: int) -> None:
        if message == "leave":
            ws.unsubscribe("room")
            ws.send({"topics": ws.get_topics(), "there": app.num_subscribers("room")}, TEXT)
        elif message == "end":
            ws.end(4000, "over")
        else:
            ws.publish("room", {"said": message if isinstance(message, str) else message.decode()}, opcode)

    def upgrade(res: Any, req: Any, context: Any) -> None:
        res.upgrade(
            req.get_header("sec-websocket-key"),
            req.get_header("sec-websocket-protocol"),
            req.get_header("sec-websocket-extensions"),
            context,
            {"name": req.get_query("name")},
        )

    async def upgrade_late(res: Any, req: Any, context: Any) -> None:
        await asyncio.sleep(0)
        if req.get_query("name") == "stranger":
            res.cork(lambda inner: inner.write_status(403).end("stranger"))
        else:
            upgrade(res, req, context)

    def publish(res: Any, req: Any) -> None:
        app.publish("room", {"app": "says"}, TEXT)
        res.end(str(app.num_subscribers("room")))

    behavior = {"open": subscribe, "message": message}
    app.ws("/ws", behavior)
    app.ws("/ws/upgrade", {**behavior, "upgrade": upgrade})
    app.ws("/ws/upgrade-late", {**behavior, "upgrade": upgrade_late})
    app.post("/publish", publish)


def features(kind: str, folder: str, unix: str) -> Any:
    """Make an app that has everything, and listens on a unix socket besides the port it will be given."""
    app = new_app(kind)
    for part in (routing, next_routes, answers, streaming, reading, sockets):
        part(app)
    app.static("/files", folder)
    app.listen(AppListenOptions(domain=unix))
    return app


def secure(kind: str, certificate: str, key: str) -> Any:
    """Make an app behind TLS."""
    app = new_app(kind, AppOptions(key_file_name=key, cert_file_name=certificate))
    answers(app)
    streaming(app)
    sockets(app)
    return app


def variant(kind: str, handler: str, serializer: str) -> Any:
    """Make an app with an error handler, sync or async, and a serializer that gives text or bytes."""
    app = new_app(kind)
    app.json_serializer(Serializer(serializer))

    def answer(error: Exception, res: Any, req: Any) -> None:
        res.cork(lambda inner: inner.write_status(418).end(f"{type(error).__name__} at {req.get_url()}"))

    if handler == "sync":
        app.set_error_handler(answer)
    else:

        async def answer_late(error: Exception, res: Any, req: Any) -> None:
            await asyncio.sleep(0)
            answer(error, res, req)

        app.set_error_handler(answer_late)

    answers(app)
    reading(app)
    sockets(app)
    return app


def failing_handler(kind: str) -> Any:
    """Make an app whose error handler fails too."""
    app = new_app(kind)

    def fail(error: Exception, res: Any, req: Any) -> None:
        raise LookupError("the handler as well")

    app.set_error_handler(fail)

    answers(app)
    app.template(None)
    return app


def closing(kind: str) -> Any:
    """Make an app that a request ends, while another one still waits for its answer."""
    app = new_app(kind)
    waits, closed = asyncio.Event(), asyncio.Event()

    def close(res: Any, req: Any) -> None:
        res.end("closing")
        app.close()
        closed.set()

    async def wait(res: Any, req: Any) -> None:
        waits.set()
        await closed.wait()
        await asyncio.sleep(0)
        res.cork_end("waited")

    async def waiting(res: Any, req: Any) -> None:
        await waits.wait()
        res.cork_end("waiting")

    @app.on_shutdown
    def stopped() -> None:
        print("shut down")  # the test reads it

    app.get("/wait", wait)
    app.get("/waiting", waiting)
    app.get("/close", close)
    return app


# -- what the core's CLI loads


def run(app: Any) -> None:
    """Set up what the core's CLI has made."""
    socketify_ext.install(app)
    app.get("/", lambda res, req: res.end("served"))
    app.get("/process", lambda res, req: res.end(str(os.getpid()), end_connection=True))
    app.on_shutdown(lambda: print("shut down", flush=True))  # the test reads it


websocket = {
    "open": lambda ws: ws.send("hello", TEXT),
    "message": lambda ws, message, opcode: ws.send(message, opcode),
}
