"""Extensions that do what no extension may, for the conformance check: it must end with a report, and say who it was."""

from __future__ import annotations

import asyncio
import builtins
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import socketify
from pydantic import BaseModel, Field

import socketify_ext
from socketify_ext import HTTPError, extension


class EscapingError(BaseException):
    """What `except Exception` lets pass."""


HARMFUL: dict[str, str] = {}  # the kind of finding, by the function of each hook
_hooks: list[Any] = []


def hooked(kind, event="before_request"):
    """Make a hook of the function below, for paths that begin with its name; `kind` is what is to be found."""

    def declare(function):
        name = function.__name__
        HARMFUL[name] = kind

        @extension(name.replace("_", "-"))
        def declared(request: Any, response: Any, ws: Any, *, app: Any) -> None:
            """Be checked."""
            getattr(app, event)(function, prefix=f"/{name}")

        _hooks.append(declared)
        return declared

    return declare


@hooked("hangs")
def blocks_for_ever(res, req):
    time.sleep(3600)


@hooked("hangs")
async def waits_for_ever(res, req):
    await asyncio.Event().wait()


@hooked("hangs", event="after_response")
async def waits_for_ever_after(outcome):
    await asyncio.Event().wait()


@hooked("hangs", event="on_ws_open")
async def opens_for_ever(ws):
    await asyncio.Event().wait()


@hooked("slow")
async def is_slow(res, req):
    await asyncio.sleep(1.2)


@hooked("crashes")
def exits(res, req):
    os._exit(3)


@hooked("crashes")
def exits_at_post(res, req):
    if req.get_method() == "POST":
        os._exit(4)


@hooked("crashes")
def quits(res, req):
    sys.exit(5)


@hooked("crashes")
async def quits_late(res, req):
    await asyncio.sleep(0)
    raise KeyboardInterrupt


@hooked("raises")
def escapes(res, req):
    raise EscapingError("gone")


@hooked("raises")
async def is_cancelled(res, req):
    raise asyncio.CancelledError


@hooked("raises")
def recurses(res, req):
    recurses_without_end()


def recurses_without_end():
    return recurses_without_end()


@hooked("crashes")
def segfaults(res, req):
    import ctypes

    ctypes.string_at(0)


@hooked("")
def forks(res, req):
    if os.fork() == 0:
        os._exit(0)


@hooked("")
def prints_binary(res, req):
    os.write(1, bytes(range(256)) * 100)
    os.write(2, b"\xff\xfe\n")
    print("\x1b[2J\udcff".encode("utf-8", "replace"))


@hooked("raises")
def answers_and_raises(res, req):
    res.end("mine")
    raise ValueError("after the answer")


@hooked("raises")
def fails_for_post(res, req):
    if req.get_method() == "POST":
        raise ValueError("no POST")


@hooked("")
def refuses(res, req):
    if req.get_header("x-key") != "open":
        raise HTTPError(401, "no key")


@hooked("late-read")
def reads_late(res, req):
    async def write():
        await asyncio.sleep(0.01)
        req.get_header("user-agent")

    req.task = req.app.loop.loop.create_task(write())


@hooked("logged")
def fails_in_a_task(res, req):
    async def fail():
        await asyncio.sleep(0.01)
        raise ValueError("in a task")

    req.task = asyncio.get_running_loop().create_task(fail())


@hooked("raises", event="before_send")
def fails_at_heads(res, req):
    raise ValueError("at a head")


@hooked("raises", event="on_error")
def fails_at_errors(error, res, req):
    raise LookupError("at an error")


@hooked("raises", event="on_ws_message")
async def fails_at_messages(ws, message, opcode):
    raise ValueError("at a message")


@hooked("hangs", event="before_upgrade")
async def never_upgrades(res, req):
    await asyncio.Event().wait()


last: dict[str, str] = {}


@hooked("leaks")
def tells_of_others(res, req):
    res.write_header("x-last", last.get("user", "nobody"))
    last["user"] = req.get_header("x-user") or ""


@hooked("crashes")
def closes_files(res, req):
    os.closerange(3, 200)


@extension("patches-json")
def patches_json(request: Any, response: Any, ws: Any) -> None:
    """Write JSON in its own way."""
    json.dumps = lambda *_, **__: "{}"
    json.loads = lambda *_, **__: {}
    request.property("patched", default=True, type=bool)


@extension("patches-the-core")
def patches_the_core(request: Any, response: Any, ws: Any) -> None:
    """Answer all with the same."""
    socketify.App.publish = lambda *_: False
    socketify_ext.App.run_forever = lambda *_: None
    builtins.repr = lambda _: "nothing"
    request.property("patched", default=True, type=bool)


@extension("patches-when-asked")
def patches_when_asked(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Patch at a request."""

    @app.before_request
    def patch(res: Any, req: Any) -> None:
        time.ctime = lambda *_: ""
        time.asctime = lambda *_: ""


@extension("raises-when-declared")
def raises_when_declared(request: Any, response: Any, ws: Any) -> None:
    """Never come to be."""
    raise EscapingError("no")


@extension("exits-when-declared")
def exits_when_declared(request: Any, response: Any, ws: Any) -> None:
    """Never come to be."""
    os._exit(6)


@extension("needs-a-database")
def needs_a_database(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Connect to what is not there."""

    @app.on_startup
    async def connect() -> None:
        await asyncio.open_connection("127.0.0.1", 1)

    @app.before_request
    def use(res: Any, req: Any) -> None:
        """Need it."""


@extension("never-starts")
def never_starts(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Wait for ever."""
    app.on_startup(asyncio.Event().wait)


@extension("never-stops")
def never_stops(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Block at the end."""

    @app.on_shutdown
    def stop() -> None:
        time.sleep(3600)


@extension("waits-when-it-stops")
def waits_when_it_stops(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Wait at the end."""

    @app.on_shutdown
    async def stop() -> None:
        await asyncio.Event().wait()


@extension("nothing")
def nothing(request: Any, response: Any, ws: Any) -> None:
    """Add nothing."""


@extension("only-hooks")
def only_hooks(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Look on."""
    app.before_request(lambda res, req: None)
    app.after_response(lambda outcome: None)
    app.on_ws_open(lambda ws: None)
    app.on_ws_close(lambda ws, code, message: None)


@extension("only-routes")
def only_routes(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Serve orders."""

    @app.get("/orders/:id")
    async def order(res: Any, req: Any) -> None:
        await asyncio.sleep(0)
        res.end({"id": req.get_parameter(0)})

    @app.post("/orders")
    async def place(res: Any, req: Any) -> None:
        given = await res.get_json()
        if not isinstance(given, dict) or given.get("sku") != "tea":
            raise HTTPError(422, "tea only")
        res.write_status(201).end(given)

    app.any("/any/*", lambda res, req: res.end(req.get_method()))
    app.not_found(lambda res, req: res.end("nowhere"))


@extension("bad-routes")
def bad_routes(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Serve badly."""
    seen: list[str] = []

    @app.get("/raises")
    def raises(res: Any, req: Any) -> None:
        raise KeyError("defect")

    @app.get("/blocks")
    async def blocks(res: Any, req: Any) -> None:
        time.sleep(0.06)  # noqa: ASYNC251 - what is to be found
        res.end("")

    @app.get("/hangs")
    async def hangs(res: Any, req: Any) -> None:
        await asyncio.Event().wait()

    @app.get("/leaks")
    def leaks(res: Any, req: Any) -> None:
        seen.append(req.get_header("x-user") or "")
        res.end(seen)

    @app.get("/answers-twice")
    def twice(res: Any, req: Any) -> None:
        res.end("")
        res.end("")


@extension("only-sockets")
def only_sockets(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Talk."""
    app.ws(
        "/chat/:room",
        {
            "open": lambda ws: ws.subscribe("room"),
            "message": lambda ws, message, opcode: ws.send(message, opcode),
            "ping": lambda ws, message: None,
            "pong": lambda ws, message: None,
            "close": lambda ws, code, message: None,
        },
    )


@extension("bad-sockets")
def bad_sockets(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Talk badly."""
    heard: list[Any] = []

    def message(ws: Any, text: Any, opcode: Any) -> None:
        heard.append(text)
        ws.send(str(heard), 1)

    def close(ws: Any, code: int, text: Any) -> None:
        raise ValueError("defect in close")

    app.ws("/chat", {"message": message, "close": close})


class Options(BaseModel):
    """Options with defects."""

    mode: str = Field("plain", description="how it works")
    size: int = None  # type: ignore[assignment]
    is_strict: bool = Field(default=False, description="whether it is strict")
    secret: str = Field("secret", description="signs")


@extension("bad-options", options=Options)
def bad_options(request: Any, response: Any, ws: Any, *, options: Options) -> None:
    """Fail where it is strict."""
    if options.is_strict:
        raise LookupError("strict is not ready")
    request.property("mode", default=options.mode, type=str)


@extension("writes-badly")
def writes_badly(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Write JSON that is none."""

    class Writer:
        dumps = staticmethod(lambda value, **_: "no json")
        loads = staticmethod(json.loads)

    app.json_serializer(Writer)


@extension("leaves-files-open")
def leaves_files_open(request: Any, response: Any, ws: Any) -> None:
    """Open a file each time."""
    opened: list[Any] = []

    @request.method
    def look(self: Any) -> str:
        """Open one."""
        opened.append(Path(__file__).open())  # noqa: SIM115 - what is to be found
        return "looked"


@extension("leaves-tasks")
def leaves_tasks(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Start a task each time."""
    started: list[Any] = []

    @request.method
    def watch(self: Any) -> str:
        """Start one."""
        started.append(app.loop.loop.create_task(asyncio.sleep(3600)))
        return "watched"


@extension("starts-threads")
def starts_threads(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Start a thread each time."""

    @app.before_request
    def start(res: Any, req: Any) -> None:
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()


@extension("modern")
def modern(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Use every hook, and declare options of routes."""

    @request.property
    def visitor(self: Any) -> str:
        """Name who came."""
        return self.get_header("x-user") or ""

    @app.before_upgrade
    def upgrade(res: Any, req: Any) -> None: ...

    @app.before_send
    async def send(res: Any, req: Any) -> None:
        await asyncio.sleep(0)
        res.write_header("x-seen", "yes")

    @app.on_error
    def failed(error: Any, res: Any, req: Any) -> None: ...

    @app.on_ws_message
    def heard(ws: Any, message: Any, opcode: Any) -> None: ...

    @app.on_listen
    def listening(address: Any) -> None: ...

    @app.before_close
    async def closing() -> None: ...

    @app.on_route
    def routed(route: Any) -> None: ...

    @app.before_request(where=lambda route: route.pattern == "/never")
    def never(res: Any, req: Any) -> None: ...

    def limit(route: Any, value: str) -> None:
        if not value.endswith("/minute"):
            raise ValueError("no rate")

        @route.before_request
        def limited(res: Any, req: Any) -> None: ...

    app.route_option("tags", type=list[str])
    app.route_option("rate", type=str, apply=limit)


@extension("guarded")
def guarded(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Let nobody in without a key."""

    @request.method
    def reached(self: Any) -> str:
        """Say that the handler runs."""
        return "reached"

    @app.before_request
    def guard(res: Any, req: Any) -> None:
        if req.get_header("x-key") != "open":
            raise HTTPError(401, "no key")


@extension("hanging")
def hanging(request: Any, response: Any, ws: Any, *, app: Any) -> None:
    """Let nobody in."""

    @request.method
    def reached(self: Any) -> str:
        """Say that the handler runs."""
        return "reached"

    @app.before_request
    async def never(res: Any, req: Any) -> None:
        await asyncio.Event().wait()

    @app.before_request(prefix="/elsewhere")
    def elsewhere(res: Any, req: Any) -> None: ...


# -- apps


def app_with(*extensions: Any) -> Any:
    """Make an app with extensions."""
    app = socketify_ext.App(shutdown_timeout=1.0)
    for each in extensions:
        app.register(each)
    return app


def harmful() -> Any:
    """Make an app with all hooks that do harm, each for paths of its own."""
    return app_with(*_hooks)


def sound() -> Any:
    """Make an app with extensions that have nothing but hooks, routes or sockets."""
    return app_with(only_hooks, only_routes, only_sockets)


def faulty() -> Any:
    """Make an app with routes, sockets and members that do harm."""
    return app_with(bad_routes, bad_sockets, leaves_files_open, leaves_tasks, waits_when_it_stops)


def patching() -> Any:
    """Make an app with extensions that replace what others use."""
    return app_with(patches_json, patches_the_core.only("request.patched").renamed(patched="other"), patches_when_asked)


def behind_a_guard() -> Any:
    """Make an app whose member is behind a hook that asks for a header."""
    return app_with(guarded)


def behind_a_hang() -> Any:
    """Make an app whose member is behind a hook that never ends."""
    return app_with(hanging)


def threading_app() -> Any:
    """Make an app that starts threads."""
    return app_with(starts_threads)


def writing_badly() -> Any:
    """Make an app whose serializer writes no JSON."""
    return app_with(writes_badly)


def stopping_never() -> Any:
    """Make an app that does not stop."""
    return app_with(never_stops)
