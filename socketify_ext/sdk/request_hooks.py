"""The declaration of request hooks: functions around every request and every WebSocket, and for each route."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, overload

from .. import errors
from .path_prefix import covers, matches

if TYPE_CHECKING:
    from .path_prefix import Segments
    from .provenance import Provenance
    from .route_info import RouteInfo

Function = TypeVar("Function", bound=Callable[..., Any])
Where = Callable[["RouteInfo"], bool]
Event = Literal[
    "before_request",
    "before_upgrade",
    "before_send",
    "on_error",
    "after_response",
    "on_ws_open",
    "on_ws_message",
    "on_ws_close",
    "on_route",
]

PARAMETERS: Final[dict[Event, tuple[str, ...]]] = {
    "before_request": ("res", "req"),
    "before_upgrade": ("res", "req"),
    "before_send": ("res", "req"),
    "on_error": ("error", "res", "req"),
    "after_response": ("outcome",),
    "on_ws_open": ("ws",),
    "on_ws_message": ("ws", "message", "opcode"),
    "on_ws_close": ("ws", "code", "message"),
    "on_route": ("route",),
}

LIFECYCLE_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {"on_listen": ("address",), "before_close": ()}


@dataclass(frozen=True, eq=False)
class RequestHook:
    """One hook.

    Attributes:
        event: when it is called.
        function: what is called.
        prefix: the segments of its path prefix.
        provenance: of the extension that it comes from, None for the app itself.
        where: chooses the routes that it is for, None for all.
    """

    event: Event
    function: Callable[..., Any]
    prefix: Segments = ()
    provenance: Provenance | None = None
    where: Where | None = None

    def __str__(self) -> str:
        """Return its name for errors."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return f"{self.event} hook {name} of {owner(self.provenance)}"

    def covers(self, pattern: str) -> bool | None:
        """Whether all paths of a route are below the prefix; None if that depends on a request's path.

        Args:
            pattern: the route's, as in "/items/:id" or "/files/*".
        """
        return covers(self.prefix, pattern)

    def matches(self, path: str | None) -> bool:
        """Whether a path is below the prefix, as it is or as a handler may understand it."""
        return matches(self.prefix, path)


def owner(provenance: Provenance | None) -> str:
    """Return the owner of a hook, for errors."""
    return "the app" if provenance is None else f"extension {provenance}"


class RequestHooks:
    """The hooks around requests and WebSockets that an app, a scope and a single route offer.

    Each works bare, `@app.before_request`, with a path prefix of whole segments, `@app.before_request(prefix="/api")`, and
    for chosen routes, `@app.before_request(where=lambda route: "auth" in route.options)`. Hooks of extensions run in
    resolved order, then those of the app itself; they apply to existing routes too.
    """

    __slots__ = ()

    def _add_hook(self, hook: RequestHook) -> None:
        raise NotImplementedError

    @property
    def _hooked_by(self) -> Provenance | None:
        return None

    @property
    def _base(self) -> Segments:
        """The segments that stand before each prefix."""
        return ()

    @overload
    def before_request(self, function: Function, /, *, prefix: str = "/", where: Where | None = None) -> Function: ...
    @overload
    def before_request(self, /, *, prefix: str = "/", where: Where | None = None) -> Callable[[Function], Function]: ...
    def before_request(self, function: Any = None, /, *, prefix: str = "/", where: Where | None = None) -> Any:
        """Call `function(res, req)`, sync or async, before the handler; an answer skips later hooks and the handler.

        WebSocket upgrades are requests too: an answer refuses the WebSocket.

        Args:
            function: raises and answers as a handler does.
            prefix: leading segments of the path, as in "/api"; all paths by default.
            where: called once with the `RouteInfo` of each route; False leaves the route out.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("before_request", function, prefix, where)

    @overload
    def before_upgrade(self, function: Function, /, *, prefix: str = "/", where: Where | None = None) -> Function: ...
    @overload
    def before_upgrade(self, /, *, prefix: str = "/", where: Where | None = None) -> Callable[[Function], Function]: ...
    def before_upgrade(self, function: Any = None, /, *, prefix: str = "/", where: Where | None = None) -> Any:
        """Call `function(res, req)`, sync or async, before a request becomes a WebSocket; an answer refuses it.

        It comes after the hooks of `before_request` and before the route's own upgrade handler.

        Args:
            function: raises and answers as a handler does.
            prefix: leading segments of the path, as in "/api"; all paths by default.
            where: called once with the `RouteInfo` of each route; False leaves the route out.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("before_upgrade", function, prefix, where)

    @overload
    def before_send(self, function: Function, /, *, prefix: str = "/", where: Where | None = None) -> Function: ...
    @overload
    def before_send(self, /, *, prefix: str = "/", where: Where | None = None) -> Callable[[Function], Function]: ...
    def before_send(self, function: Any = None, /, *, prefix: str = "/", where: Where | None = None) -> Any:
        """Call `function(res, req)`, sync or async, once just before the head of any answer goes.

        Answers of handlers, hooks and errors, 404, 405, 413 and 500, files, streams, events and refused or accepted
        upgrades. The function reads and changes the status, the headers and the content; it can't answer itself.

        Args:
            function: its errors are logged, and the answer goes on.
            prefix: leading segments of the path, as in "/api"; all paths by default.
            where: called once with the `RouteInfo` of each route; False leaves the route out.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("before_send", function, prefix, where)

    @overload
    def on_error(self, function: Function, /, *, prefix: str = "/", where: Where | None = None) -> Function: ...
    @overload
    def on_error(self, /, *, prefix: str = "/", where: Where | None = None) -> Callable[[Function], Function]: ...
    def on_error(self, function: Any = None, /, *, prefix: str = "/", where: Where | None = None) -> Any:
        """Call `function(error, res, req)`, sync or async, when an error is about to become an answer.

        The first function that answers decides; without one, the app's error handler or the default answer does. The
        status and the headers of the error, as of an `HTTPError`, are set before.

        Args:
            function: answers as a handler does, or only looks; its own errors are logged.
            prefix: leading segments of the path, as in "/api"; all paths by default.
            where: called once with the `RouteInfo` of each route; False leaves the route out.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("on_error", function, prefix, where)

    @overload
    def after_response(self, function: Function, /, *, prefix: str = "/", where: Where | None = None) -> Function: ...
    @overload
    def after_response(self, /, *, prefix: str = "/", where: Where | None = None) -> Callable[[Function], Function]: ...
    def after_response(self, function: Any = None, /, *, prefix: str = "/", where: Where | None = None) -> Any:
        """Call `function(outcome)`, sync or async, once for each request: answered, failed or aborted.

        Args:
            function: gets an `Outcome`; its errors are logged.
            prefix: leading segments of the path, as in "/api"; all paths by default.
            where: called once with the `RouteInfo` of each route; False leaves the route out.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("after_response", function, prefix, where)

    @overload
    def on_ws_open(self, function: Function, /, *, prefix: str = "/", where: Where | None = None) -> Function: ...
    @overload
    def on_ws_open(self, /, *, prefix: str = "/", where: Where | None = None) -> Callable[[Function], Function]: ...
    def on_ws_open(self, function: Any = None, /, *, prefix: str = "/", where: Where | None = None) -> Any:
        """Call `function(ws)`, sync or async, when a WebSocket opens, before the route's own handler.

        Args:
            function: its errors are logged.
            prefix: leading segments of the path, as in "/api"; all paths by default.
            where: called once with the `RouteInfo` of each route; False leaves the route out.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("on_ws_open", function, prefix, where)

    @overload
    def on_ws_message(self, function: Function, /, *, prefix: str = "/", where: Where | None = None) -> Function: ...
    @overload
    def on_ws_message(self, /, *, prefix: str = "/", where: Where | None = None) -> Callable[[Function], Function]: ...
    def on_ws_message(self, function: Any = None, /, *, prefix: str = "/", where: Where | None = None) -> Any:
        """Call `function(ws, message, opcode)`, sync or async, for each message before the route's own handler.

        Args:
            function: returns False to refuse the message, which later hooks and the handler then don't get, as after an
                error, which is logged; other messages of the connection wait for one that is async.
            prefix: leading segments of the path, as in "/api"; all paths by default.
            where: called once with the `RouteInfo` of each route; False leaves the route out.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("on_ws_message", function, prefix, where)

    @overload
    def on_ws_close(self, function: Function, /, *, prefix: str = "/", where: Where | None = None) -> Function: ...
    @overload
    def on_ws_close(self, /, *, prefix: str = "/", where: Where | None = None) -> Callable[[Function], Function]: ...
    def on_ws_close(self, function: Any = None, /, *, prefix: str = "/", where: Where | None = None) -> Any:
        """Call `function(ws, code, message)`, sync or async, when a WebSocket closes, before the route's own handler.

        Args:
            function: its errors are logged.
            prefix: leading segments of the path, as in "/api"; all paths by default.
            where: called once with the `RouteInfo` of each route; False leaves the route out.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("on_ws_close", function, prefix, where)

    def _hook(self, event: Event, function: Any, prefix: Any, where: Any) -> Any:
        segments, who = self._segments(event, prefix), owner(self._hooked_by)
        if where is not None:
            write = f"Write @app.{event}(where=...) with a function of (route)"
            check_function(who, event, ("route",), where, write, is_sync=True)

        def add(function: Function) -> Function:
            check_function(who, event, PARAMETERS[event], function, is_sync=event == "on_route")
            self._add_hook(RequestHook(event, function, segments, self._hooked_by, where))
            return function

        return add if function is None else add(function)

    def _segments(self, event: Event, prefix: Any) -> tuple[str, ...]:
        if prefix == "/":
            return ()
        given = prefix.split("/") if isinstance(prefix, str) else [prefix]
        if given[0] == "" and len(given) > 1:
            segments = tuple(given[1:-1] if given[-1] == "" else given[1:])
            if not any(not part or part.startswith((":", "*")) or "?" in part for part in segments):
                return (*self._base, *segments)
        raise errors.SignatureError(
            owner(self._hooked_by),
            f"calls app.{event}",
            f"{prefix!r} is not a path prefix",
            f'Write whole segments without parameters: app.{event}(prefix="/api")',
        )


class AppHooks(RequestHooks):
    """The hooks that an app, a scope and an app surface offer: those around requests, and the one for each route."""

    __slots__ = ()

    @overload
    def on_route(self, function: Function, /, *, prefix: str = "/", where: Where | None = None) -> Function: ...
    @overload
    def on_route(self, /, *, prefix: str = "/", where: Where | None = None) -> Callable[[Function], Function]: ...
    def on_route(self, function: Any = None, /, *, prefix: str = "/", where: Where | None = None) -> Any:
        """Call `function(route)` once for each route, those that are there already included.

        It may add routes, of which the other hooks are told, and it may return a mapping of options for the route; those
        that the route has already stay as they are.

        Args:
            function: sync; gets a `RouteInfo`. Its error refuses what has added the route.
            prefix: leading segments of the path, as in "/api"; all paths by default.
            where: called once with the `RouteInfo` of each route; False leaves the route out.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("on_route", function, prefix, where)


def check_function(
    who: str, event: str, names: Sequence[str], function: Any, write: str = "", *, is_sync: bool = False
) -> None:
    """Refuse a hook that can't be called with its arguments.

    Args:
        who: gives it.
        event: when it is called.
        names: of the arguments.
        function: what is called.
        write: the fix; by default, to write it as a decorator.
        is_sync: whether nothing would await it.

    Raises:
        SignatureError: it can't.
    """
    parameters = ", ".join(names)
    why = None
    if not callable(function):
        why = f"a {type(function).__name__} can't be called"
    elif is_sync and inspect.iscoroutinefunction(function):
        why = "it is a coroutine function, and nothing is awaited while a route is added"
    else:
        try:
            inspect.signature(function).bind(*names)
        except TypeError:
            why = f"the function can't be called with ({parameters})"
        except ValueError:  # written in C, without a signature
            return
    if why is not None:
        fix = write or f"Write @app.{event} above a function of ({parameters})"
        raise errors.SignatureError(who, f"calls app.{event}", why, fix)
