# mypy: ignore-errors
"""An extension with annotations of every kind, and the app that has it."""

from __future__ import annotations

import datetime
import enum
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, NewType, Optional, TypeVar, Union

from evaluated import evaluated

import socketify_ext

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Station(Protocol):
        """What only a type checker sees."""

        name: str


T = TypeVar("T")
ResponseT = TypeVar("ResponseT", bound=socketify_ext.Response)
SHOWN = socketify_ext.PrivateProperty("shown", default_factory=list[str])
Metres = NewType("Metres", int)
Reading = dict[str, Union[int, "Decimal"]]


class Sky(enum.Enum):
    """The sky."""

    CLEAR = "clear"


class Report:
    """A report."""

    class Line:
        """One line of it."""


async def evaluated_reading(self: Any) -> Reading:
    return {}


@socketify_ext.extension("weather")
def weather(request: Any, response: Any, ws: Any) -> None:
    """Tell the weather."""

    request.property("city", "Oslo")
    request.property("units", default_factory=dict, type=dict[str, int])
    request.property("seen", default_factory=list)
    request.property("since", None, type=Optional[datetime.date])
    request.property("anything", None)

    @request.property
    def sky(self: Any) -> Sky:
        """Look up."""
        return Sky.CLEAR

    @request.property(name="set")
    async def warnings(self: Any) -> set[Report.Line]:
        """Hide a builtin."""
        return set()

    @request.property
    async def near(self: Any) -> Sequence[Station] | None: ...

    request.property(lambda self: 1, name="untyped")
    request.property(lambda self: Metres(1), name="length", type=Metres)
    ws.property(name="reading")(evaluated_reading)

    @request.method
    async def forecast(self: Any, days: int = 1, *, sky: Sky | None = None) -> list[Report.Line]:
        r'''Look ahead.

        With a backslash \ and "quotes" in it."'''

    @request.method
    def stations(self: Any, near: Sequence[Station] = (), /, within: Metres = Metres(10)) -> Reading: ...

    @request.method(name="list")
    def names(self: Any, *names: str, **limits: list[int]) -> Callable[[str, int], list[str]]:
        """Hide a builtin."""

    @request.method(name="datetime")
    def now(self: Any) -> Annotated[datetime.datetime, "local"]:
        """Hide a module."""

    @request.method
    def first(self: Any, values: Sequence[T], default: T) -> T:
        """Return the first value."""

    @request.method
    def either(self: Any, mode: Literal["dry", Sky.CLEAR], kind: type[Report]) -> tuple[int, ...]:
        """Choose."""

    @response.method
    def feed(self: Any) -> AsyncIterator[bytes]:
        """Send what comes."""

    @response.method
    def tinted(self: ResponseT, by: socketify_ext.Request) -> ResponseT:
        """Return itself, as its own class."""
        return self

    @response.method
    def shaded(self: socketify_ext.Response, *, by: Callable[[socketify_ext.Request], bool]) -> socketify_ext.Response:
        """Return itself, as the class of all responses."""
        SHOWN.get(self).append("shaded")
        return self

    @request.method
    def peer(self: socketify_ext.Request) -> socketify_ext.WebSocket | None:
        """Return a socket."""

    @response.method
    async def pages(self: Any) -> AsyncIterator[bytes]:
        """Return page after page."""
        yield b""

    @response.method(override=True)
    def redirect(self: Any, *, to: str) -> Any:
        """Replace the core's own."""

    @response.method
    def unannotated(self, value, status=200, *rest, **more):
        """Say nothing of its types."""

    request.property("town", "Oslo", deprecated="use city; gone in 2.0")

    @response.method(deprecated='use "feed"; gone in 2.0')
    async def old_feed(self: Any, size: int = 1) -> bytes:
        """Send what came."""
        return b"" * size

    @ws.method
    def bare(self: Any, queue: dict, numbers: "tuple", every: any, call: callable) -> list:  # type: ignore  # noqa: PGH003
        """Leave out what generic classes hold, and take functions for types, as the core does."""


def make() -> socketify_ext.App:
    """Make the app."""
    app = socketify_ext.App()
    app.register(weather)
    app.register(evaluated)
    return app
