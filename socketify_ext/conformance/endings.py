"""Routes that answer in every way that there is, for the hooks around them, the serializer and the backplane."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from ..errors import HTTPError, RouteOptionError
from .places import ANSWERS, PREFIX
from .watch import ProbeError

_TEXT: Final = 1
_SMALL: Final = 16  # bytes that a body may have where one is too large


def add_endings(app: Any, prefixes: Iterable[str]) -> None:
    """Add the routes below each prefix of a hook."""
    for prefix in prefixes:
        root = f"{prefix}{PREFIX}"
        for name, handler in zip(ANSWERS, HANDLERS, strict=True):
            app.any(f"{root}/{name}/:cell", handler)
        app.post(f"{root}/posted/:cell", _text)
        app.post(f"{root}/small/:cell", _text, max_body=_SMALL)
        app.ws(f"{root}/chat/:cell", {"message": _Chat(app)})
        app.ws(f"{root}/closed/:cell", {"upgrade": _refuse, "message": _Chat(app)})


def add_option(app: Any, name: str, value: Any) -> None:
    """Add routes that have a route option; a WebSocket has it where it takes it.

    Raises:
        RouteOptionError: no route takes it.
    """
    app.any(f"{PREFIX}/option-{name}/:cell", _text, **{name: value})
    with contextlib.suppress(RouteOptionError):
        app.ws(f"{PREFIX}/option-{name}-chat/:cell", {"message": _Chat(app)}, **{name: value})


def _text(res: Any, req: Any) -> None:
    res.end(f"probe {req.get_method()}")


async def _json(res: Any, req: Any) -> None:
    await asyncio.sleep(0)
    res.end({"cell": req.get_parameter(0)})


def _returned(_res: Any, _req: Any) -> Any:
    return {"probe": "returned"}


async def _body(res: Any, req: Any) -> None:
    del req
    given = await res.get_json()
    await asyncio.sleep(0.001)
    res.end(given)


async def _stream(res: Any, req: Any) -> None:
    del req
    res.write("first ")
    await asyncio.sleep(0.001)
    res.write("second")
    res.end("")


def _file(res: Any, req: Any) -> Any:
    del req
    return res.send_file(__file__)


async def _events(res: Any, req: Any) -> None:
    del req

    async def some() -> AsyncIterator[str]:
        yield "probe"
        await asyncio.sleep(0)
        yield "probe"

    await res.events(some())


def _refused(_res: Any, _req: Any) -> None:
    raise HTTPError(403, "probe")


async def _refused_late(_res: Any, _req: Any) -> None:
    await asyncio.sleep(0.001)
    raise HTTPError(403, "probe")


def _failed(_res: Any, _req: Any) -> None:
    raise ProbeError("a handler of the check fails")


async def _failed_late(_res: Any, _req: Any) -> None:
    await asyncio.sleep(0.001)
    raise ProbeError("a handler of the check fails")


def _unanswered(_res: Any, _req: Any) -> None:
    """Return without an answer."""


async def _waiting(res: Any, _req: Any) -> None:
    """Answer when the client has left."""
    left = asyncio.Event()
    res.on_aborted(lambda _: left.set())
    await left.wait()


HANDLERS: Final = (
    _text,
    _json,
    _returned,
    _body,
    _stream,
    _file,
    _events,
    _refused,
    _refused_late,
    _failed,
    _failed_late,
    _unanswered,
    _waiting,
)


def _refuse(_res: Any, _req: Any, _context: Any) -> None:
    raise HTTPError(403, "probe")


class _Chat:
    """Send each message back, and one to all by the app's own way."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, ws: Any, message: Any, opcode: Any) -> None:
        ws.send(message, opcode)
        if opcode == _TEXT:
            ws.subscribe(message)
            self.app.publish(message, f"published {message}", opcode)
