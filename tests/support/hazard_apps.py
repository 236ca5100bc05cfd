"""The apps of `test_hazards.py`: for each row, an extension and routes on which the row shows in the core.

This file runs in the server's process; for a bare core app nothing of `socketify_ext` is imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import socketify

POOLS = {"none": (0, 0), "http": (10, 0), "ws": (0, 10), "both": (10, 10)}
TEXT = socketify.OpCode.TEXT

Register = Callable[[Any], None]
Build = Callable[[Any, Register], None]


@dataclass(frozen=True)
class Row:
    """One row: what builds its part of an app, under which pools the core shows it, and whether a stock app is safe."""

    build: Build
    pools: tuple[str, ...]
    stock: bool


ROWS: dict[str, Row] = {}


def row(*pools: str, stock: bool = False) -> Callable[[Build], Build]:
    """Name the function below as a row; the pools are those under which the core shows it."""

    def add(build: Build) -> Build:
        ROWS[build.__name__] = Row(build, pools or ("none",), stock)
        return build

    return add


def new_app(kind: str, pools: str = "none", **options: Any) -> Any:
    """Make an app: "core" and "stock" are the core's own, "install" one that was installed, "app" is ours."""
    http, ws = POOLS[pools]
    if kind in ("core", "stock"):
        return socketify.App(None, http, ws)
    import socketify_ext

    if kind == "install":
        return socketify_ext.install(socketify.App(None, http, ws), **options)
    return socketify_ext.App(None, http, ws, **options)


def register(app: Any, kind: str, function: Any) -> None:
    """Register an extension: bare where the core or `install` takes it, else declared."""
    if kind in ("app", "stock"):
        import socketify_ext

        function = socketify_ext.extension(function.__name__)(function)
    app.register(function)


def make(kind: str, rows: list[str], pools: str) -> Any:
    """Make an app that has the extensions and routes of `rows`."""
    app = new_app(kind, pools)
    for name in rows:
        ROWS[name].build(app, lambda function: register(app, kind, function))
    return app


class Happened:
    """What has happened, and a way to wait for more of it."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._more = asyncio.Event()

    def add(self, item: Any) -> None:
        self.items.append(item)
        self._more.set()
        self._more.clear()

    async def reach(self, count: int) -> list[Any]:
        while len(self.items) < count:
            await self._more.wait()
        return self.items

    def route(self, app: Any, path: str) -> None:
        """Answer with the items once there are as many as the header `count` says."""

        async def wait(res: Any, req: Any) -> None:
            count = int(req.get_header("count") or 0)
            items = await self.reach(count)
            res.cork(lambda response: response.end(json.dumps(items, default=str)))

        app.get(path, wait)


def upgrade(res: Any, req: Any, context: Any) -> None:
    """Accept a WebSocket."""
    res.upgrade(
        req.get_header("sec-websocket-key"),
        req.get_header("sec-websocket-protocol"),
        req.get_header("sec-websocket-extensions"),
        context,
    )


def nothing(*arguments: Any) -> None:
    """Handle an event by doing nothing."""


def outcome(attempt: Callable[[], Any]) -> str:
    """Report how a call ended: "ok", or the error's name."""
    try:
        attempt()
    except Exception as error:
        return type(error).__name__
    return "ok"


# -- what one user sees of another


@row("none", "http", stock=True)
def h01(app: Any, register: Register) -> None:
    def h01_cart(request: Any, response: Any, ws: Any) -> None:
        request.property("items", [])
        response.property("trail", {"seen": []})

    def add(res: Any, req: Any) -> None:
        req.items.append(req.get_header("item"))
        res.trail["seen"].append(req.get_header("item"))
        res.end([req.items, res.trail])

    register(h01_cart)
    app.get("/h01", add)


@row("none", "http", stock=True)
def h02(app: Any, register: Register) -> None:
    def h02_token(request: Any, response: Any, ws: Any) -> None:
        @request.method
        async def token(self: Any) -> Any:
            await asyncio.sleep(0.01)
            return self.get_header("token")

        @request.method
        def everything(self: Any) -> list[Any]:
            names = [self.get_header("token"), self.get_headers().get("token"), self.get_cookie("token")]
            queries = [self.get_query("token"), *(self.get_queries() or {}).get("token", [])]
            return [*names, *queries, self.get_parameter(0), self.get_url(), self.get_full_url(), self.get_method()]

    register(h02_token)

    async def late(res: Any, req: Any) -> None:
        token = await req.token()
        everything = req.everything()
        unanswerable = outcome(req.is_ancient)
        res.cork_end(json.dumps([token, everything, unanswerable]))

    def spawn(res: Any, req: Any) -> None:
        res.run_async(late(res, req))

    app.get("/h02/late/:token", late)
    app.get("/h02/spawn/:token", spawn)


@row("http", "both", stock=True)
def h12(app: Any, register: Register) -> None:
    def h12_members(request: Any, response: Any, ws: Any) -> None:
        request.property("name", "nobody")
        ws.property("name", "nobody")

    register(h12_members)

    def both(res: Any, req: Any) -> None:
        secret = req.get_header("secret")
        if secret:
            req.secret = res.secret = req.name = secret
        res.end([getattr(req, "secret", None), getattr(res, "secret", None), req.name])

    async def late(res: Any, req: Any) -> None:
        secret = req.get_header("secret")
        if secret:
            req.secret = res.secret = req.name = secret
        await asyncio.sleep(0)
        res.cork_end(json.dumps([getattr(req, "secret", None), getattr(res, "secret", None), req.name]))

    def message(ws: Any, data: str, opcode: Any) -> None:
        seen = [getattr(ws, "secret", None), ws.name]
        if data:
            ws.secret = ws.name = data
        ws.send(json.dumps(seen), TEXT)

    app.get("/h12", both)
    app.get("/h12/late", late)
    app.ws("/h12/ws", {"upgrade": upgrade, "open": nothing, "message": message, "close": nothing})


# -- WebSocket events


def _events(app: Any, register: Register, path: str) -> None:
    happened = Happened()
    name = path.strip("/")

    def extension(request: Any, response: Any, ws: Any) -> None:
        def hello(self: Any) -> str:
            return "hello"

        hello.__name__ = f"hello_{name}"
        ws.method(hello)
        ws.property(f"greeting_{name}", "good day")

    extension.__name__ = f"{name}_events"
    register(extension)

    def record(event: str) -> Callable[..., None]:
        def handler(ws: Any, *arguments: Any) -> None:
            greeting = getattr(ws, f"hello_{name}")(), getattr(ws, f"greeting_{name}")
            happened.add([event, *greeting])
            if event == "open":
                ws.subscribe("news")
            if event in ("open", "message"):
                ws.send(f"{event} {greeting[0]}", TEXT)

        return handler

    events = ("open", "message", "ping", "pong", "close")
    app.ws(path, {"upgrade": upgrade, **{event: record(event) for event in events}})
    happened.route(app, f"{path}/events")


@row("none", stock=True)
def h03(app: Any, register: Register) -> None:
    _events(app, register, "/h03")


@row("http")
def h04(app: Any, register: Register) -> None:
    _events(app, register, "/h04")


@row("none")
def h05(app: Any, register: Register) -> None:
    happened = Happened()

    def h05_member(request: Any, response: Any, ws: Any) -> None:
        @ws.method
        def sign(self: Any) -> str:
            return "signed"

    register(h05_member)

    def message(ws: Any, data: str, opcode: Any) -> None:
        if data == "subscribe":
            ws.send(str(ws.subscribe("news")), TEXT)
            return
        chunk = bytes(256 * 1024)
        while not ws.get_buffered_amount():
            ws.send(chunk)

    def drain(ws: Any) -> None:
        if not ws.get_buffered_amount():
            ws.send(f"drained {ws.sign()}", TEXT)

    def subscription(ws: Any, topic: str, new: int, old: int) -> None:
        happened.add([ws.sign(), topic, new, old])

    events = {"message": message, "drain": drain, "subscription": subscription, "close": nothing}
    app.ws("/h05", {"upgrade": upgrade, "max_backpressure": 64 * 1024 * 1024, **events})
    happened.route(app, "/h05/events")


@row("both")
def h06(app: Any, register: Register) -> None:
    async def message(ws: Any, *arguments: Any) -> None:
        ws.send(json.dumps([str(argument) for argument in arguments]), TEXT)
        await asyncio.sleep(0)

    app.ws("/h06", {"upgrade": upgrade, "open": nothing, "message": message, "close": nothing})


NATIVE_CALLS: dict[str, Callable[[Any], Any]] = {
    "send": lambda ws: ws.send("after close", TEXT),
    "cork_send": lambda ws: ws.cork_send("after close", TEXT),
    "send_first_fragment": lambda ws: ws.send_first_fragment("after close", TEXT),
    "send_fragment": lambda ws: ws.send_fragment("after close"),
    "send_last_fragment": lambda ws: ws.send_last_fragment("after close"),
    "end": lambda ws: ws.end(1000, "after close"),
    "cork_end": lambda ws: ws.cork_end(1000, "after close"),
    "cork": lambda ws: ws.cork(lambda inner: inner.send("after close", TEXT)),
    "subscribe": lambda ws: ws.subscribe("news"),
    "unsubscribe": lambda ws: ws.unsubscribe("news"),
    "is_subscribed": lambda ws: ws.is_subscribed("news"),
    "get_topics": lambda ws: ws.get_topics(),
    "for_each_topic": lambda ws: ws.for_each_topic(nothing),
    "get_buffered_amount": lambda ws: ws.get_buffered_amount(),
    "get_remote_address": lambda ws: ws.get_remote_address(),
    "get_remote_address_bytes": lambda ws: ws.get_remote_address_bytes(),
}


@row("none")
def h07(app: Any, register: Register) -> None:
    kept: list[Any] = []
    closed = Happened()
    late = Happened()

    async def on_close(ws: Any, code: int, message: Any) -> None:
        closed.add(code)
        await asyncio.sleep(0)
        late.add(outcome(lambda: ws.send("after close", TEXT)))

    def poke(res: Any, req: Any) -> None:
        call = NATIVE_CALLS[req.get_parameter(0)]
        res.end([outcome(lambda ws=ws: call(ws)) for ws in kept])

    def forget(res: Any, req: Any) -> None:
        for ws in kept:
            ws.close()
        kept.clear()
        res.end("forgotten")

    def open_leaving(ws: Any) -> None:
        for topic in ("one", "two", "three"):
            ws.subscribe(topic)

    def close_leaving(ws: Any, code: int, message: Any) -> None:
        ws.subscribe("four")
        ws.close()
        left.add(code)

    def subscription(ws: Any, topic: str, new: int, old: int) -> None:
        if new < old:  # the core walks the topics of a socket that goes
            ws.unsubscribe(topic)
            ws.subscribe("five")
            ws.end(1000)
            ws.close()

    left = Happened()
    leaving = {"open": open_leaving, "message": lambda ws, data, opcode: ws.close(), "close": close_leaving}
    app.ws("/h07/leaving", {"upgrade": upgrade, **leaving, "subscription": subscription})
    left.route(app, "/h07/left")
    topics = ("one", "two", "three", "four", "five")
    app.get("/h07/listeners", lambda res, req: res.end([app.num_subscribers(topic) for topic in topics]))

    events = {"open": lambda ws: kept.append(ws.clone()), "message": nothing, "close": on_close}
    app.ws("/h07", {"upgrade": upgrade, **events})
    app.get("/h07/poke/:call", poke)
    app.get("/h07/forget", forget)
    closed.route(app, "/h07/closed")
    late.route(app, "/h07/late")


@row("both")
def h08(app: Any, register: Register) -> None:
    kept: list[Any] = []

    def h08_member(request: Any, response: Any, ws: Any) -> None:
        ws.property("title", "captain")

        @ws.method
        def salute(self: Any) -> str:
            return f"aye, {self.title}"

    register(h08_member)

    def message(ws: Any, data: str, opcode: Any) -> None:
        clone = ws.clone()
        kept.append(clone)
        ws.send(clone.salute(), TEXT)

    def push(res: Any, req: Any) -> None:
        for ws in kept:
            ws.send(f"pushed: {ws.salute()}", TEXT)
        res.end("pushed")

    app.ws("/h08", {"upgrade": upgrade, "open": nothing, "message": message, "close": nothing})
    app.get("/h08/push", push)


@row("both")
def h22(app: Any, register: Register) -> None:
    async def accept(res: Any, req: Any, context: Any) -> None:
        upgrade(res, req, context)

    def message(ws: Any, data: str, opcode: Any) -> None:
        ws.send(data, TEXT)

    events = {"open": nothing, "message": message, "close": nothing}
    app.ws("/h22", {"upgrade": accept, **events})

    async def accept_late(res: Any, req: Any, context: Any) -> None:
        await asyncio.sleep(0)
        upgrade(res, req, context)

    app.ws("/h22/late", {"upgrade": accept_late, **events})


@row("both")
def h24(app: Any, register: Register) -> None:
    def h24_faulty(request: Any, response: Any, ws: Any) -> None:
        @request.method
        def explode(self: Any) -> None:
            raise ValueError("the request's own")

        @ws.method
        def implode(self: Any) -> None:
            raise ValueError("the socket's own")

    register(h24_faulty)

    def message(ws: Any, data: str, opcode: Any) -> None:
        if data == "fail":
            ws.implode()
        ws.send(data, TEXT)

    happened = Happened()

    async def late(ws: Any, data: bytes) -> None:
        await asyncio.sleep(0)
        happened.add("late")
        ws.implode()

    def explode(res: Any, req: Any) -> None:
        req.explode()

    app.ws("/h24", {"upgrade": upgrade, "message": message, "ping": late, "close": nothing})
    app.get("/h24/request", explode)
    happened.route(app, "/h24/happened")


@row("none")
def h30(app: Any, register: Register) -> None:
    def message(ws: Any, data: str, opcode: Any) -> None:
        if data == "wrong":
            ws.send(outcome(lambda: ws.end(70_000, "no code")), TEXT)
        elif data.isdigit():
            ws.end(int(data))
        elif data == "twice":
            ws.end(4002, "once")
            ws.end(4003, "twice")
        else:
            ws.send(outcome(lambda: ws.send(object())), TEXT)

    app.ws("/h30", {"upgrade": upgrade, "message": message, "close": nothing})


# -- one answer for each request


@row("none")
def h09(app: Any, register: Register) -> None:
    refused = Happened()

    def twice(res: Any, req: Any) -> None:
        res.end("first")
        res.end("second")

    async def late(res: Any, req: Any) -> None:
        res.end("first")
        await asyncio.sleep(0.02)
        res.end("second")
        res.cork_end("third")
        res.write("fourth")
        res.try_end("fifth", 5)
        res.send("sixth")
        res.redirect("/seventh")
        res.end_without_body()
        res.close()
        refused.add(req.get_url())

    async def slow(res: Any, req: Any) -> None:
        await refused.reach(1)
        res.cork_end("slow")

    def data_after(res: Any, req: Any) -> None:
        res.end("answered")
        res.on_data(lambda response, chunk, is_end: response.end("from the data"))
        res.on_aborted(lambda response: None)
        res.on_writable(lambda response, offset: True)

    def forget(res: Any, req: Any) -> None:
        refused.items.clear()
        res.end("forgotten")

    app.get("/h09/twice", twice)
    app.get("/h09/late", late)
    app.get("/h09/slow", slow)
    app.post("/h09/data", data_after)
    app.get("/h09/forget", forget)
    app.get("/h09/ok", lambda res, req: res.end("ok"))


@row("none")
def h10(app: Any, register: Register) -> None:
    async def at_once(res: Any, req: Any) -> None:
        pass

    async def late(res: Any, req: Any) -> None:
        await asyncio.sleep(0)

    async def by_task(res: Any, req: Any) -> None:
        res.run_async(late(res, req))

    def mixed(res: Any, req: Any) -> None:
        res.try_end("abc", 6)
        res.end("def")

    key = "dGhlIHNhbXBsZSBub25jZQ=="
    app.get("/h10/mixed", mixed)
    app.get("/h10/upgrade", lambda res, req: res.upgrade(key, "", "", None))
    app.get("/h10/sync", nothing)
    app.get("/h10/async", at_once)
    app.get("/h10/late", late)
    app.get("/h10/task", by_task)


@row("http")
def h11(app: Any, register: Register) -> None:
    def spawn(res: Any, req: Any) -> None:
        async def work(token: str) -> None:
            await asyncio.sleep(0.005)
            res.cork(lambda response: response.end(token))

        res.run_async(work(req.get_header("token")))

    app.get("/h11", spawn)


class Written:
    """Something that is no text, and is written as one."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


INJECTIONS: dict[str, Callable[[Any], Any]] = {
    "value": lambda res: res.write_header("x-a", "1\r\nx-injected: 1"),
    "value-lf": lambda res: res.write_header("x-a", "1\nx-injected: 1"),
    "value-cr": lambda res: res.write_header("x-a", "1\rx-injected: 1"),
    "value-nul": lambda res: res.write_header("x-a", "1\0x-injected: 1"),
    "value-bytes": lambda res: res.write_header(b"x-a", b"1\r\nx-injected: 1"),
    "name": lambda res: res.write_header("x-injected: 1\r\nx-a", "1"),
    "name-space": lambda res: res.write_header("x-injected x-a", "1"),
    "name-bytes": lambda res: res.write_header(b"x-injected\n", "1"),
    "name-empty": lambda res: res.write_header("", "x-injected"),
    "status": lambda res: res.write_status("200 OK\r\nx-injected: 1"),
    "status-bytes": lambda res: res.write_status(b"200 OK\r\nx-injected: 1"),
    "redirect": lambda res: res.redirect("/\r\nx-injected: 1"),
    "send-headers": lambda res: res.send("body", headers=[("x-injected", "1"), ("x-a", "1\r\nx-injected: 1")]),
    "send-type": lambda res: res.send("body", content_type=b"text/plain\r\nx-injected: 1"),
    "send-late": lambda res: res.send("body", status=404, headers=[("x-a", "1\r\nx-injected: 1")]),
    "send-status": lambda res: res.send("body", status="200 OK\r\nx-injected: 1"),
    "cookie-name": lambda res: res.set_cookie("a\r\nx-injected", "1", None),
    "cookie-path": lambda res: res.set_cookie("a", "1", {"path": "/\r\nx-injected: 1"}),
    "cookie-object": lambda res: res.set_cookie("a", "1", {"path": Written("/\r\nx-injected: 1")}),
    "cookie-domain": lambda res: res.set_cookie("a", "1", {"domain": "here; x-injected=1"}),
}


@row("none")
def h13(app: Any, register: Register) -> None:
    def inject(res: Any, req: Any) -> None:
        res.end(outcome(lambda: INJECTIONS[req.get_parameter(0)](res)))

    def uncaught(res: Any, req: Any) -> None:
        res.write_header("x-a", "1\r\nx-injected: 1")
        res.end("written")

    def inject_protocol(res: Any, req: Any, context: Any) -> None:
        res.upgrade(req.get_header("sec-websocket-key"), "a\r\nx-injected: 1", "", context)

    app.ws("/h13/ws", {"upgrade": inject_protocol})
    app.get("/h13/uncaught", uncaught)
    app.get("/h13/case/:name", inject)


@row("none")
def h14(app: Any, register: Register) -> None:
    def count(res: Any, req: Any) -> None:
        res.write_header("x-count", 5)
        res.write_header("x-ratio", 0.5)
        res.end("counted")

    app.get("/h14", count)


@row("none")
def h15(app: Any, register: Register) -> None:
    statuses: dict[str, Any] = {"text": "200 OK", "bytes": b"200 OK", "code": 200, "other": "404 Not Found"}

    def send(res: Any, req: Any) -> None:
        res.send("body", status=statuses[req.get_parameter(0)], headers=[("x-a", "1")])

    app.get("/h15/:status", send)


@row("none")
def h16(app: Any, register: Register) -> None:
    def cookies(res: Any, req: Any) -> None:
        res.set_cookie("first", "1", {"path": "/", "httponly": True})
        res.set_cookie("second", "two; x=y", None)
        getattr(res, req.get_parameter(0))("body")

    app.get("/h16/:method", cookies)


# -- registration


def _reserved(name: str) -> Callable[..., None]:
    def extension(request: Any, response: Any, ws: Any) -> None:
        def method(self: Any, *arguments: Any) -> None:
            """Take the core's place."""

        method.__name__ = name
        (request if name.startswith("get_") else response).method(method)

    extension.__name__ = f"h17_{name}"
    return extension


@row("none", stock=True)
def h17(app: Any, register: Register) -> None:
    refused: dict[str, str] = {}
    for name in ("end", "get_header", "write_header", "get_method"):
        try:
            register(_reserved(name))
        except Exception as error:
            refused[name] = str(error)
    app.get("/h17", lambda res, req: res.end(refused))


@row("none", stock=True)
def h18(app: Any, register: Register) -> None:
    def h18_first(request: Any, response: Any, ws: Any) -> None:
        @request.method
        def customer(self: Any) -> str:
            return "the first one's"

    def h18_second(request: Any, response: Any, ws: Any) -> None:
        @request.method
        def customer(self: Any) -> str:
            return "the second one's"

    register(h18_first)
    refused = outcome_text(lambda: register(h18_second))
    app.get("/h18", lambda res, req: res.end([refused, req.customer()]))


def outcome_text(attempt: Callable[[], Any]) -> str:
    """Return the text of the error that a call raises, "" if there is none."""
    try:
        attempt()
    except Exception as error:
        return str(error)
    return ""


@row("none")
def h19(app: Any, register: Register) -> None:
    app.get("/h19", lambda res, req: res.end(req.arrived_late()))

    def message(ws: Any, data: str, opcode: Any) -> None:
        ws.send(outcome_text(lambda: ws.arrived_later()) or "there", TEXT)

    app.ws("/h19/ws", {"upgrade": upgrade, "message": message, "close": nothing})

    def h19_late(request: Any, response: Any, ws: Any) -> None:
        @request.method
        def arrived_late(self: Any) -> str:
            return "there"

    def h19_later(request: Any, response: Any, ws: Any) -> None:
        @ws.method
        def arrived_later(self: Any) -> None:
            """Be there."""

    def late(res: Any, req: Any) -> None:
        register(h19_later)
        res.end("registered")

    register(h19_late)
    app.get("/h19/register", late)


# -- start and end: apps of their own


def starting(kind: str, failing: bool = False) -> Any:
    """Make an app with two start-up functions of its own and, where the kind has that, two extensions with theirs."""
    app = new_app(kind)
    order: list[str] = []
    if kind != "core":
        import socketify_ext

        @socketify_ext.extension("steady")
        def steady(request: Any, response: Any, ws: Any, *, app: Any) -> None:
            app.on_startup(lambda: order.append("steady"))
            app.on_shutdown(lambda: print("steady was stopped", flush=True))

        @socketify_ext.extension("shaky", requires=["steady"])
        def shaky(request: Any, response: Any, ws: Any, *, app: Any) -> None:
            @app.on_startup
            async def rise() -> None:
                await asyncio.sleep(0)
                if failing:
                    raise OSError("no database here")
                order.append("shaky")

            app.on_shutdown(lambda: print("shaky was stopped", flush=True))

        app.register(steady)
        app.register(shaky)

    @app.on_start
    def first() -> None:
        order.append("first")

    @app.on_start
    async def second() -> None:
        await asyncio.sleep(0)
        if failing:
            raise OSError("no database here")
        order.append("second")

    app.get("/order", lambda res, req: res.end(order))
    return app


def stopping(kind: str, hanging: bool = False) -> Any:
    """Make an app that says what is stopped, with a request and a socket that may be open at that time."""
    limits = {"shutdown_timeout": 0.3} if hanging else {}
    app = new_app(kind, **limits)
    if kind != "core":
        import socketify_ext

        @socketify_ext.extension("store")
        def store(request: Any, response: Any, ws: Any, *, app: Any) -> None:
            @app.on_shutdown
            async def leave() -> None:
                await asyncio.sleep(0)
                print("stopped: store", flush=True)

        app.register(store)

    @app.on_shutdown
    def first() -> None:
        print("stopped: first", flush=True)

    @app.on_shutdown
    async def second() -> None:
        await asyncio.sleep(3600 if hanging else 0)
        print("stopped: second", flush=True)

    async def kill(res: Any, req: Any) -> None:
        os.kill(os.getpid(), getattr(signal, req.get_parameter(0)))
        await asyncio.sleep(0.1)
        res.cork_end("answered in time")

    def close(res: Any, req: Any) -> None:
        res.end("closing")
        app.close()

    app.get("/ready", lambda res, req: res.end("ready"))
    app.get("/kill/:name", kill)
    app.get("/close", close)
    app.ws("/ws", {"upgrade": upgrade, "message": lambda ws, data, opcode: ws.send(data, TEXT)})
    return app


# -- asyncio


@row("none")
def h23(app: Any, register: Register) -> None:
    async def with_anyio() -> str:
        import anyio

        done: list[str] = []

        async def work(name: str) -> None:
            await anyio.sleep(0.001)
            done.append(name)

        with anyio.move_on_after(0.001) as scope:
            await anyio.sleep(3600)
        async with anyio.create_task_group() as group:
            group.start_soon(work, "one")
            group.start_soon(work, "two")
        with anyio.fail_after(5):
            done.append(await anyio.to_thread.run_sync(lambda: "thread"))
        return f"{scope.cancelled_caught} {sorted(done)}"

    async def with_tasks() -> str:
        current = asyncio.current_task()
        task = asyncio.create_task(asyncio.sleep(0, "done"), name="named")
        name = task.get_name()
        result = await task
        cancelled = asyncio.create_task(asyncio.sleep(3600))
        await asyncio.sleep(0)
        cancelled.cancel()
        gone = (await asyncio.gather(cancelled, return_exceptions=True))[0]
        return f"{name} {result} {type(gone).__name__} {current is asyncio.current_task() is not None}"

    async def with_timeouts() -> str:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.sleep(3600), 0.001)
        if sys.version_info < (3, 11):
            return "in time"
        try:
            async with asyncio.timeout(0.001):
                await asyncio.sleep(3600)
        except TimeoutError:
            pass
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))
        return "in time"

    async def with_client(url: str) -> str:
        import httpx2

        async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=5) as client:
            answers = await asyncio.gather(*(client.get(url) for _ in range(3)))
        return " ".join(answer.text for answer in answers)

    works: dict[str, Callable[..., Any]] = {
        "anyio": with_anyio,
        "tasks": with_tasks,
        "timeouts": with_timeouts,
        "client": with_client,
    }

    async def answer(res: Any, req: Any) -> None:
        name, url, late = req.get_parameter(0), req.get_header("url"), req.get_header("late")
        if late:
            await asyncio.sleep(0)
        result = await (works[name](url) if name == "client" else works[name]())
        res.cork_end(result)

    ready: list[str] = []

    async def get_ready() -> None:
        await asyncio.sleep(0)
        ready.append("ready")

    app.run_async(get_ready())  # the loop does not run yet
    app.get("/h23/ready", lambda res, req: res.end(ready))
    app.get("/h23/work/:name", answer)
    app.get("/h23/target", lambda res, req: res.end("target"))


# -- clients that leave


AFTER_ABORT: dict[str, Callable[[Any], Any]] = {
    "write": lambda res: res.write("more"),
    "write_status": lambda res: res.write_status(200),
    "write_header": lambda res: res.write_header("x-a", "1"),
    "set_cookie": lambda res: res.set_cookie("a", "1", None),
    "send": lambda res: res.send("more"),
    "try_end": lambda res: res.try_end("more", 4),
    "cork": lambda res: res.cork(lambda inner: inner.write("more")),
    "cork_send": lambda res: res.cork_send("more"),
    "get_write_offset": lambda res: res.get_write_offset(),
    "write_offset": lambda res: res.write_offset(0),
    "get_remote_address": lambda res: res.get_remote_address(),
    "get_remote_address_bytes": lambda res: res.get_remote_address_bytes(),
    "get_proxied_remote_address": lambda res: res.get_proxied_remote_address(),
    "get_native_handle": lambda res: res.get_native_handle(),
    "has_responded": lambda res: res.has_responded(),
    "pause": lambda res: res.pause(),
    "resume": lambda res: res.resume(),
    "on_data": lambda res: res.on_data(nothing),
    "on_writable": lambda res: res.on_writable(nothing),
    "on_aborted": lambda res: res.on_aborted(nothing),
    "send_chunk": lambda res: res.send_chunk(b"more", 4),
    "get_data": lambda res: res.get_data(),
    "upgrade": lambda res: res.upgrade("key", "", "", None),
    "redirect": lambda res: res.redirect("/"),
    "end_without_body": lambda res: res.end_without_body(),
    "end": lambda res: res.end("more"),
    "close": lambda res: res.close(),
}


@row("none")
def h25(app: Any, register: Register) -> None:
    happened = Happened()

    def h25_stream(request: Any, response: Any, ws: Any) -> None:
        @response.method
        async def begin(self: Any) -> None:
            left = asyncio.Event()
            self.on_aborted(lambda res: left.set())
            self.write("begin")
            await left.wait()
            happened.add({name: outcome(lambda call=call: call(self)) for name, call in AFTER_ABORT.items()})

    register(h25_stream)

    async def endless(res: Any, req: Any) -> None:
        res.write("begin")
        while not res.aborted:
            res.write("x" * 1000)
            await asyncio.sleep(0)
        res.end("the end")

    gone = Happened()

    def fail(res: Any) -> None:
        gone.add("gone")
        raise ValueError("in an abort handler")

    app.get("/h25/fail", lambda res, req: res.on_aborted(fail))
    gone.route(app, "/h25/gone")
    app.get("/h25", lambda res, req: res.run_async(res.begin()))
    app.get("/h25/endless", endless)
    happened.route(app, "/h25/happened")


@row("http")
def h28(app: Any, register: Register) -> None:
    happened = Happened()

    def promise(res: Any, req: Any) -> None:
        res.grab_aborted_handler()

    async def late(res: Any, req: Any) -> None:
        await happened.reach(1)
        res.cork_end("late")

    def go_on(res: Any, req: Any) -> None:
        happened.add("on")
        res.end("on")

    app.get("/h28/promise", promise)
    app.get("/h28/late", late)
    app.get("/h28/go-on", go_on)
    app.get("/h28/ok", lambda res, req: res.end("ok"))


# -- errors


def _raise(error: Exception) -> None:
    raise error


@row("none")
def h26(app: Any, register: Register) -> None:
    endless: list[Any] = []
    endless.append(endless)
    values = {"object": object(), "complex": 1j, "endless": endless, "key": {(1, 2): 3}}

    def answer(res: Any, req: Any) -> None:
        getattr(res, req.get_parameter(1))(values[req.get_parameter(0)])

    async def answer_async(res: Any, req: Any) -> None:
        answer(res, req)

    async def answer_late(res: Any, req: Any) -> None:
        await asyncio.sleep(0)
        answer(res, req)

    app.get("/h26/sync/:value/:method", answer)
    app.get("/h26/async/:value/:method", answer_async)
    app.get("/h26/late/:value/:method", answer_late)


@row("none")
def h27(app: Any, register: Register) -> None:
    def echo(res: Any, req: Any) -> None:
        res.end(json.loads(req.get_header("text")))

    async def echo_body(res: Any, req: Any) -> None:
        body = await res.get_json()
        res.end(body["text"])

    def echo_header(res: Any, req: Any) -> None:
        res.write_header("x-text", json.loads(req.get_header("text")))
        res.end("written")

    def echo_cookie(res: Any, req: Any) -> None:
        res.set_cookie("text", json.loads(req.get_header("text")), None)
        res.end("written")

    def message(ws: Any, data: str, opcode: Any) -> None:
        ws.send(json.loads(data), TEXT)

    app.get("/h27", echo)
    app.post("/h27/body", echo_body)
    app.get("/h27/header", echo_header)
    app.get("/h27/cookie", echo_cookie)
    app.ws("/h27/ws", {"upgrade": upgrade, "message": message, "close": nothing})


@row("none")
def h29(app: Any, register: Register) -> None:
    def boom(response: Any) -> None:
        raise ValueError("inside a cork")

    def written(response: Any) -> None:
        response.write("a part")
        raise ValueError("inside a cork")

    async def late(res: Any, req: Any) -> None:
        await asyncio.sleep(0)
        res.cork(boom)

    async def late_written(res: Any, req: Any) -> None:
        await asyncio.sleep(0)
        res.cork(written)

    def partial(res: Any, req: Any) -> None:
        res.write("a part")
        raise ValueError("after a part")

    async def late_partial(res: Any, req: Any) -> None:
        res.write("a part")
        await asyncio.sleep(0)
        raise ValueError("after a part")

    def data(res: Any, req: Any) -> None:
        req.get_full_url()
        res.on_data(lambda response, chunk, is_end: _raise(ValueError("in a data handler")))

    def message(ws: Any, text: str, opcode: Any) -> None:
        if text == "fail":
            ws.cork(boom)
        ws.send(text, TEXT)

    app.get("/h29/sync", lambda res, req: res.cork(boom))
    app.get("/h29/async", late)
    app.get("/h29/sync-written", lambda res, req: res.cork(written))
    app.get("/h29/async-written", late_written)
    app.get("/h29/partial", partial)
    app.get("/h29/late-partial", late_partial)
    app.post("/h29/data", data)
    app.ws("/h29/ws", {"upgrade": upgrade, "message": message, "close": nothing})


if __name__ == "__main__":  # a process whose exit code is looked at
    served = globals()[sys.argv[1]](**json.loads(sys.argv[2]))
    served.listen({"port": 0, "host": "127.0.0.1"}, lambda config: print("listening", flush=True))
    served.run()
