"""The app of `test_conformance.py`: one extension with members on each target, seen from every handler and event."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import socketify

import socketify_ext

POOLS = {"none": (0, 0), "http": (100, 0), "ws": (0, 100), "both": (100, 100)}
STYLES = ("sync", "async", "late")
METHODS = ("get", "post", "put", "patch", "delete", "options", "head", "connect", "trace", "any")
EVENTS = ("upgrade", "open", "message", "drain", "ping", "pong", "close", "subscription")
MEMBERS: dict[str, Callable[[Any], Any]] = {
    "method": lambda target: target.shout("hey"),
    "coroutine": lambda target: target.whisper("hey"),
    "property": lambda target: target.mood,
    "fresh": lambda target: [*target.notes, target.notes.append("seen")],
    "override": lambda target: target.get_remote_address(),
}


@socketify_ext.extension("conformance")
def conformance(request: Any, response: Any, ws: Any) -> None:
    """Put the same members on each target."""
    for target in (request, response, ws):

        @target.method
        def shout(self: Any, word: str) -> str:
            return f"{word.upper()} {type(self).__name__}"

        @target.method
        async def whisper(self: Any, word: str) -> str:
            return f"({word})"

        target.property("mood", "calm")
        target.property("notes", [])
    for target in (response, ws):
        target.method(lambda self: "nowhere", name="get_remote_address", override=True)
    request.method(lambda self: "nowhere", name="get_remote_address")


def make(kind: str, pools: str) -> Any:
    """Make a "stock" app or our own "app"."""
    http, sockets = POOLS[pools]
    app = (socketify.App if kind == "stock" else socketify_ext.App)(None, http, sockets)
    build(app)
    return app


def run(app: Any) -> None:
    """Build on the app that the core's command line has made."""
    socketify_ext.install(app)
    build(app)


def build(app: Any) -> None:
    """Register the extension, then add all routes."""
    app.register(conformance)
    for style in STYLES:
        add_member_route(app, style)
        add_sockets(app, style)
    for method in METHODS:
        getattr(app, method)(f"/method/{method}", answer_with(method))
    app.any("/any", answer_with("any"))
    app.get("/happened/:session/:event", tell)
    add_errors(app)


# -- requests


def add_member_route(app: Any, style: str) -> None:
    """Answer with what a member of a target gives."""

    def sync(res: Any, req: Any) -> None:
        value = member(res, req)
        if inspect.iscoroutine(value):
            try:
                value.send(None)
            except StopIteration as end:
                value = end.value
        res.end({"value": value})

    async def suspending(res: Any, req: Any) -> None:
        if style == "late":
            await asyncio.sleep(0.001)
        value = member(res, req)
        if inspect.iscoroutine(value):
            value = await value
        res.cork_end({"value": value})

    app.get(f"/{style}/:target/:member", sync if style == "sync" else suspending)


def member(res: Any, req: Any) -> Any:
    """Ask the target that the path names for the member that it names."""
    target = {"request": req, "response": res}[req.get_parameter(0)]
    return MEMBERS[req.get_parameter(1)](target)


def answer_with(method: str) -> Callable[[Any, Any], None]:
    """Answer with the route's method and the request's."""

    def answer(res: Any, req: Any) -> None:
        res.write_header("x-route", f"{method} {req.get_method()} {req.shout('hey')}")
        if req.get_method().upper() == "HEAD":
            res.end_without_body()
        else:
            res.end(res.shout("hey"))

    return answer


def add_errors(app: Any) -> None:
    """Raise in a handler of each style."""

    def failing(request: Any, response: Any, ws: Any) -> None:
        @request.method
        def refuse(self: Any) -> None:
            raise socketify_ext.HTTPError(403, {"reason": "no"}, headers={"x-reason": "no"})

    app.register(failing)
    errors: dict[str, Callable[[Any], Any]] = {
        "member": lambda req: req.refuse(),
        "own": lambda req: fail(404, "nothing here"),
        "phrase": lambda req: fail(409),
        "rare": lambda req: fail(499, "left"),
        "split": lambda req: fail(400, "split", {"x-a": "1\r\nx-injected: 1"}),
        "unserialisable": lambda req: fail(400, {(1, 2): 3}),
        "surrogate": lambda req: fail(400, "\ud800"),
        "other": lambda req: {}["secret"],
    }

    def fail(*arguments: Any) -> None:
        raise socketify_ext.HTTPError(*arguments)

    def sync(res: Any, req: Any) -> None:
        errors[req.get_parameter(0)](req)

    async def at_once(res: Any, req: Any) -> None:
        errors[req.get_parameter(0)](req)

    async def late(res: Any, req: Any) -> None:
        await asyncio.sleep(0)
        errors[req.get_parameter(0)](req)

    for style, handler in zip(STYLES, (sync, at_once, late), strict=True):
        app.get(f"/error/{style}/:error", handler)


# -- sockets

# What has happened to each socket, by the session that its client chose: event -> arguments and members.
happened: dict[tuple[str, str], dict[str, Any]] = {}
changed = asyncio.Event()


async def tell(res: Any, req: Any) -> None:
    """Answer with what an event was given, once it has happened."""
    key = req.get_parameter(0), req.get_parameter(1)
    while key not in happened:
        await changed.wait()
    res.cork_end(happened[key])


def record(session: str, event: str, targets: list[Any], arguments: tuple[Any, ...]) -> None:
    """Note the first time of an event."""
    members = [MEMBERS[name](target) for target in targets for name in ("method", "property", "fresh")]
    plain = [argument.decode() if isinstance(argument, bytes) else argument for argument in arguments]
    happened.setdefault((session, event), {"arguments": plain, "members": members})
    changed.set()
    changed.clear()


def styled(style: str, event: str, first: Callable[..., None]) -> Callable[..., Any]:
    """Make an event's handler in a style; what a stock app's socket may be too dead for later is done at once."""

    def sync(ws: Any, *arguments: Any) -> None:
        first(ws, *arguments)
        record(ws.get_user_data(), event, [ws], arguments)

    async def suspending(ws: Any, *arguments: Any) -> None:
        first(ws, *arguments)
        session = ws.get_user_data()
        if style == "late":
            await asyncio.sleep(0.001)
        record(session, event, [ws], arguments)

    async def message(ws: Any, data: Any, opcode: Any) -> None:
        await suspending(ws, data, opcode)

    if style == "sync":
        return sync
    return message if event == "message" else suspending


def nothing(*arguments: Any) -> None:
    """Do nothing first."""


def add_sockets(app: Any, style: str) -> None:
    """Add two WebSocket routes: one for the upgrade in this style, one for every other event."""

    def accept(res: Any, req: Any, context: Any) -> None:
        session = req.get_header("session")
        names = ("key", "protocol", "extensions")
        res.upgrade(*(req.get_header(f"sec-websocket-{name}") for name in names), context, session)

    def upgrade(res: Any, req: Any, context: Any) -> None:
        record(req.get_header("session"), "upgrade", [req, res], ())
        accept(res, req, context)

    async def upgrade_suspending(res: Any, req: Any, context: Any) -> None:
        if style == "late":
            await asyncio.sleep(0.001)
        upgrade(res, req, context)

    def subscribe(ws: Any) -> None:
        ws.subscribe(ws.get_user_data())

    def fill(ws: Any, data: Any, opcode: Any) -> None:
        if data == "fill":
            while not ws.get_buffered_amount():
                ws.send(bytes(256 * 1024))
            ws.send("full", socketify.OpCode.TEXT)

    first: dict[str, Callable[..., None]] = {"open": subscribe, "message": fill}
    events = {event: styled(style, event, first.get(event, nothing)) for event in EVENTS[1:]}
    app.ws(f"/ws/{style}", {"upgrade": accept, "max_backpressure": 64 * 1024 * 1024, **events})
    app.ws(f"/upgrade/{style}", {"upgrade": upgrade if style == "sync" else upgrade_suspending})
