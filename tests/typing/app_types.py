"""Types of weather:make, written by `socketify-ext stubs`; do not edit."""

# ruff: noqa
# mypy: disable-error-code="override,assignment,misc,import-untyped"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false, reportMissingTypeStubs=false
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socketify_ext
    from builtins import list as _builtins_list, set as _builtins_set
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import date, datetime as _datetime_datetime
    from decimal import Decimal
    from socketify_ext.typing import Limits, TypedApp
    from typing import Any, Literal, TypeVar
    from typing_extensions import Self, deprecated
    from weather import Metres, Report, Sky, Station, T
    V = TypeVar('V', bound=date)

    class Request(socketify_ext.Request):
        """Request with the members of 'weather' and 'evaluated'."""

        city: str

        units: dict[str, int]

        seen: _builtins_list[Any]

        since: date | None

        anything: Any

        @property
        @deprecated('use city; gone in 2.0')
        def town(self) -> str:
            ...
        @town.setter
        @deprecated('use city; gone in 2.0')
        def town(self, value: str) -> None: ...

        async def forecast(self, days: int = ..., *, sky: Sky | None = ...) -> _builtins_list[Report.Line]:
            """Look ahead.

            With a backslash \\ and "quotes" in it.\"
            """
            ...

        def stations(self, near: Sequence[Station] = ..., /, within: Metres = ...) -> dict[str, int | Decimal]: ...

        def list(self, *names: str, **limits: _builtins_list[int]) -> Callable[[str, int], _builtins_list[str]]:
            """Hide a builtin."""
            ...

        def datetime(self) -> _datetime_datetime:
            """Hide a module."""
            ...

        def first(self, values: Sequence[T], default: T) -> T:
            """Return the first value."""
            ...

        def either(self, mode: Literal['dry', Sky.CLEAR], kind: type[Report]) -> tuple[int, ...]:
            """Choose."""
            ...

        def peer(self) -> WebSocket | None:
            """Return a socket."""
            ...

        def latest(self, days: _builtins_list[V], otherwise: V | None = ...) -> V:
            """Return the latest day."""
            ...

    class Response(socketify_ext.Response):
        """Response with the members of 'weather'."""

        def feed(self) -> AsyncIterator[bytes]:
            """Send what comes."""
            ...

        def tinted(self, by: Request) -> Self:
            """Return itself, as its own class."""
            ...

        def shaded(self, *, by: Callable[[Request], bool]) -> Response:
            """Return itself, as the class of all responses."""
            ...

        def pages(self) -> AsyncIterator[bytes]:
            """Return page after page."""
            ...

        def redirect(self, *, to: str) -> Any:
            """Replace the core's own."""
            ...

        def unannotated(self, value: Any, status: Any = ..., *rest: Any, **more: Any) -> Any:
            """Say nothing of its types."""
            ...

        @deprecated('use "feed"; gone in 2.0')
        async def old_feed(self, size: int = ...) -> bytes:
            """Send what came."""
            ...

    class WebSocket(socketify_ext.WebSocket):
        """WebSocket with the members of 'weather' and 'evaluated'."""

        reading: Awaitable[dict[str, int | Decimal]]

        def bare(self, queue: dict[Any, Any], numbers: tuple[Any, ...], every: Any, call: Callable[..., Any]) -> _builtins_list[Any]:
            """Leave out what generic classes hold, and take functions for types, as the core does."""
            ...

        def tell(self, *days: date | str) -> date:
            """Tell of days."""
            ...

    class Behavior(Limits, total=False):
        """What `app.ws` takes."""

        upgrade: Callable[[Response, Request, Any], object]
        open: Callable[[WebSocket], object]
        message: Callable[[WebSocket, Any, Any], object]
        drain: Callable[[WebSocket], object]
        ping: Callable[[WebSocket, Any], object]
        pong: Callable[[WebSocket, Any], object]
        close: Callable[[WebSocket, Any, Any], object]
        subscription: Callable[[WebSocket, Any, Any, Any], object]

    class App(TypedApp[Response, Request]):
        """The app, for handlers of these types."""

        def ws(self, path: str, behavior: Behavior, **options: Any) -> Self: ...

    def install(
        app: object,
        *,
        on_collision: Literal["error", "keep", "replace"] = ...,
        registry: socketify_ext.Registry | None = ...,
        shutdown_grace: float = ...,
        shutdown_timeout: float = ...,
        max_body: int = ...,
        max_held_bodies: int = ...,
        cancel_on_abort: bool = ...,
    ) -> App:
        """Make an app that someone else made a `socketify_ext.App`; see `socketify_ext.install`."""
        ...
else:
    from socketify_ext import App, Request, Response, WebSocket, install

    Behavior = dict

__all__ = ["App", "Behavior", "Request", "Response", "WebSocket", "install"]
