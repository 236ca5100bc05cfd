"""An app whose handlers do what a request says, and note what each call has returned, raised and logged."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from contextvars import ContextVar
from typing import Any

# The objects of the last request and of the last socket, for calls after their handlers.
HELD: dict[str, Any] = {"res": None, "req": None, "ws": None, "app": None}
NOTES: list[str] = []
_TURNS = 5  # of the loop, in which all runs that other threads have handed over, and what comes of it


class Text(str):
    """Text of a subclass, whose length is not what it says."""

    __slots__ = ()

    def __len__(self):
        return 1000

    def encode(self, *_):
        return b"not this"


class Data(bytes):
    """Bytes of a subclass, whose length is not what it says."""

    def __len__(self):
        return 1000


class Number(int):
    """A number that is none of the statuses to `type`."""


class Hostile:
    """An object that answers the request wherever it is looked at."""

    def __str__(self):
        HELD["res"].end(b"from str")
        return "hostile"

    def __repr__(self):
        return "Hostile()"

    def __hash__(self):
        HELD["res"].end(b"from hash")
        return 1

    def __eq__(self, other):
        HELD["res"].end(b"from eq")
        return True

    def __bool__(self):
        HELD["res"].end(b"from bool")
        return True

    def __index__(self):
        HELD["res"].end(b"from index")
        return 0


class Serializer:
    """JSON that answers, fails, or makes what is not bytes, where the object says so."""

    def dumps(self, value):
        note("dumps")
        if isinstance(value, dict):
            if "answers" in value:
                HELD["res"].end(b"from dumps")
            if "writes" in value:
                HELD["res"].write(b"begun ")
            if "bodiless" in value:
                HELD["res"].write_status(204)
            if "fails" in value:
                raise ValueError("from dumps")
            if "text" in value:
                return "text\u20ac"
        return json.dumps(value, default=repr).encode()

    loads = staticmethod(json.loads)


class Notes(logging.Handler):
    """Notes what is logged."""

    def emit(self, record: logging.LogRecord) -> None:
        note(f"log: {record.getMessage()}")


def note(text: str) -> None:
    """Note something, without what differs between two processes."""
    NOTES.append(re.sub(r"0x[0-9a-f]+|line \d+|Response object|Request object", "...", text))


def shown(value: Any) -> str:
    """Show what a call has returned."""
    for name, held in HELD.items():
        if value is held is not None:
            return name
    return f"{type(value).__name__} {value!r}"


def call(target: str, name: str, arguments: str) -> None:
    """Make one call, as in `call("res", "end", "b'x', True")`."""
    from socketify import OpCode

    names = {"OpCode": OpCode, "Text": Text, "Data": Data, "Number": Number, "Hostile": Hostile, **HELD}
    where = f"{target}.{name}({arguments})"
    try:
        function = getattr(HELD[target], name)
        result = eval(f"function({arguments})", {**names, "function": function})  # noqa: S307 - the test's own text
    except BaseException as error:
        note(f"{where}: {type(error).__name__}: {error}")
    else:
        note(f"{where}: {shown(result)}")


def take(steps: list[list[str]]) -> None:
    """Make calls: `thread` makes the next ones in another thread, and `copy` in another context."""
    for number, (target, name, arguments) in enumerate(steps):
        if target == "thread":
            thread = threading.Thread(target=take, args=(steps[number + 1 :],))
            thread.start()
            thread.join()
            return
        call(target, name, arguments)


def make_programs() -> Any:
    """Make the app: `/steps/...` takes the steps of its header `steps`, in the way that its header `way` names, and `/ws/...`
    those of a message."""
    from socketify import CompressOptions

    import socketify_ext

    app = socketify_ext.App(on_collision="replace")
    HELD["app"] = app
    app.json_serializer(Serializer())
    logging.getLogger("socketify_ext").addHandler(Notes())

    def program(res: Any, req: Any) -> tuple[str, list[list[str]]]:
        HELD.update(res=res, req=req)
        way, steps = req.get_header("way"), json.loads(req.get_header("steps"))
        return way, steps

    def handle(res: Any, req: Any) -> Any:
        way, steps = program(res, req)
        if way == "late":
            return late(res, steps)
        if way == "started":
            res.run_async(late(res, steps))
            return None
        if way == "after":
            take(steps[:2])
            app.loop.loop.call_soon(after, steps[2:])
            return None
        if way == "body":
            take(steps[:2])
            res.on_data(lambda res, part, is_end: receive_body(res, part, is_end, steps[2:]))
            return None
        if way == "yields":
            take(steps[:2])
            req.set_yield(True)
            return None
        if way == "preserved":
            req.preserve()
        if way == "corked":
            res.cork(lambda res: take(steps))
            return None
        take(steps)
        if way == "raises":
            raise ValueError("from the handler")
        if way == "exits":
            raise socketify_ext.HTTPError(418, "teapot")
        return {"returned": 1} if way == "returns" else None

    def after(steps: list[list[str]]) -> None:
        take(steps)
        note("after")

    def receive_body(res: Any, part: bytes, is_end: bool, steps: list[list[str]]) -> None:
        note(f"part {part!r} {is_end}")
        if is_end:
            take(steps)
            if not res.has_responded():
                res.end(b"behind the body")

    async def late(res: Any, steps: list[list[str]]) -> None:
        take(steps[:2])
        await asyncio.sleep(0)
        take(steps[2:])
        if not res.has_responded():
            res.end(b"late")

    def adopt(res: Any, req: Any) -> None:
        HELD.update(res=res, req=req)
        take(json.loads(req.get_header("steps"))[2:])

    app.any("/steps/:first/:second", handle)
    app.get("/steps/:first/*", adopt)
    app.get("/steps/*", adopt)

    watched = app.scope("/watched")
    watched.any("/:first/:second", handle)
    watched.after_response(lambda outcome: note(f"outcome {outcome.status} {outcome.aborted}"))

    hooked = app.scope("/hooked")
    hooked.any("/:first/:second", handle)
    hooked.before_send(lambda res, req: res.write_header("X-Hook", "1") and None)

    guarded = app.scope("/guarded")
    guarded.any("/:first/:second", handle)
    guarded.on_error(lambda error, res, req: None)

    @socketify_ext.extension("taking")
    def taking(request: Any, response: Any, ws: Any, *, app: Any) -> None:
        app.route_option(
            "taken", type=bool, apply=lambda route, _: route.read_body(lambda *taken: note(f"taken {taken[2]}"))
        )

    app.register(taking)
    app.scope("/taken").any("/:first/:second", handle, taken=True)

    @socketify_ext.extension("shouting")
    def shouting(request: Any, response: Any, ws: Any) -> None:
        @request.method(override=True)
        def get_full_url(self: Any) -> str:
            return "/overridden?name=overridden"

        @request.method(override=True)
        def get_parameter(self: Any, index: Any) -> Any:
            found = super(type(self), self).get_parameter(index)
            return f"<{found}>"

        @response.method(override=True)
        def end(self: Any, message: Any = b"", end_connection: bool = False) -> Any:
            return super(type(self), self).end(message, end_connection)

    overridden = app.scope("/overridden")
    overridden.register(shouting)
    overridden.any("/:first/:second", handle)

    seen: ContextVar[str] = ContextVar("seen", default="nothing")

    def opened(ws: Any) -> None:
        seen.set("opened")
        ws.subscribe("room")

    def receive(ws: Any, message: Any, opcode: Any) -> None:
        HELD.update(ws=ws)
        note(f"message {message!r} {opcode!r} after {seen.get()}")
        seen.set("a message")
        app.loop.loop.call_soon(end, ws, _TURNS)
        if isinstance(message, str) and message.startswith("["):
            take(json.loads(message))
            ws.send("handled", 1)
        elif message:
            ws.send(message, opcode)

    async def receive_late(ws: Any, message: Any, opcode: Any) -> None:
        await asyncio.sleep(0)
        receive(ws, message, opcode)

    def receive_and_fail(ws: Any, message: Any, opcode: Any) -> None:
        receive(ws, message, opcode)
        raise ValueError("from the handler")

    def end(ws: Any, turns: int) -> None:
        if turns:
            app.loop.loop.call_soon(end, ws, turns - 1)
        elif not ws.closed:
            ws.end(1000, "done")

    def closed(ws: Any, code: int, message: Any) -> None:
        note(f"closed {code} {message!r} after {seen.get()}")

    for path, handler in {"/now": receive, "/late": receive_late, "/fails": receive_and_fail}.items():
        behavior = {"open": opened, "message": handler, "close": closed}
        app.ws("/ws" + path, behavior)
        app.ws("/packed" + path, {**behavior, "compression": CompressOptions.SHARED_COMPRESSOR})

    async def notes(res: Any, _req: Any) -> None:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        found = list(NOTES)
        NOTES.clear()
        res.send(json.dumps(found), "application/json")

    app.get("/notes", notes)
    return app
