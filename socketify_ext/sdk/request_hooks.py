"""The declaration of request hooks: functions around every request and every WebSocket of an app."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from posixpath import normpath
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, overload
from urllib.parse import unquote

from .. import errors

if TYPE_CHECKING:
    from .provenance import Provenance

Function = TypeVar("Function", bound=Callable[..., Any])
Event = Literal[
    "before_request",
    "before_upgrade",
    "before_send",
    "on_error",
    "after_response",
    "on_ws_open",
    "on_ws_message",
    "on_ws_close",
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
}

LIFECYCLE_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {"on_listen": ("address",), "before_close": ()}


@dataclass(frozen=True)
class RequestHook:
    """One hook: its function, the segments of its path prefix, and where it comes from, None for the app itself."""

    event: Event
    function: Callable[..., Any]
    prefix: tuple[str, ...] = ()
    provenance: Provenance | None = None

    def __str__(self) -> str:
        """Return its name for errors."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return f"{self.event} hook {name} of {owner(self.provenance)}"

    def covers(self, pattern: str) -> bool | None:
        """Whether all paths of a route are below the prefix; None if that depends on a request's path.

        Args:
            pattern: the route's, as in "/items/:id" or "/files/*".
        """
        if not self.prefix:
            return True
        if not pattern.startswith("/"):
            return None
        segments = pattern[1:].split("/")
        for wanted, segment in zip(self.prefix, segments, strict=False):
            if segment.startswith((":", "*")):
                return None
            if segment != wanted:
                return False
        return len(segments) >= len(self.prefix)

    def matches(self, path: str | None) -> bool:
        """Whether a path is below the prefix, as it is or as a handler may understand it.

        A hook may guard the paths below its prefix: dot segments and percent-encoding don't lead past it, and text that
        is not a path is below every prefix.
        """
        if path is None or not path.startswith("/"):
            return True
        return self._leads(path[1:]) or (
            ("%" in path or "/." in path or "//" in path) and self._leads(normpath(unquote(path)).lstrip("/"))
        )

    def _leads(self, path: str) -> bool:
        return tuple(path.split("/")[: len(self.prefix)]) == self.prefix


def owner(provenance: Provenance | None) -> str:
    """Return the owner of a hook, for errors."""
    return "the app" if provenance is None else f"extension {provenance}"


class RequestHooks:
    """The request hooks that an app and an app surface offer.

    Each works bare, `@app.before_request`, and with a path prefix of whole segments,
    `@app.before_request(prefix="/api")`. Hooks of extensions run in resolved order, then those of the app itself;
    they apply to existing routes too.
    """

    __slots__ = ()

    def _add_hook(self, hook: RequestHook) -> None:
        raise NotImplementedError

    @property
    def _hooked_by(self) -> Provenance | None:
        return None

    @overload
    def before_request(self, function: Function, /, *, prefix: str = "/") -> Function: ...
    @overload
    def before_request(self, /, *, prefix: str = "/") -> Callable[[Function], Function]: ...
    def before_request(self, function: Any = None, /, *, prefix: str = "/") -> Any:
        """Call `function(res, req)`, sync or async, before the handler; an answer skips later hooks and the handler.

        WebSocket upgrades are requests too: an answer refuses the WebSocket.

        Args:
            function: raises and answers as a handler does.
            prefix: leading segments of the path, as in "/api"; all paths by default.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("before_request", function, prefix)

    @overload
    def before_upgrade(self, function: Function, /, *, prefix: str = "/") -> Function: ...
    @overload
    def before_upgrade(self, /, *, prefix: str = "/") -> Callable[[Function], Function]: ...
    def before_upgrade(self, function: Any = None, /, *, prefix: str = "/") -> Any:
        """Call `function(res, req)`, sync or async, before a request becomes a WebSocket; an answer refuses it.

        It comes after the hooks of `before_request` and before the route's own upgrade handler.

        Args:
            function: raises and answers as a handler does.
            prefix: leading segments of the path, as in "/api"; all paths by default.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("before_upgrade", function, prefix)

    @overload
    def before_send(self, function: Function, /, *, prefix: str = "/") -> Function: ...
    @overload
    def before_send(self, /, *, prefix: str = "/") -> Callable[[Function], Function]: ...
    def before_send(self, function: Any = None, /, *, prefix: str = "/") -> Any:
        """Call `function(res, req)`, sync or async, once just before the head of any answer goes.

        Answers of handlers, hooks and errors, 404, 405, 413 and 500, files, streams, events and refused or accepted
        upgrades. The function reads and changes the status, the headers and the content; it can't answer itself.

        Args:
            function: its errors are logged, and the answer goes on.
            prefix: leading segments of the path, as in "/api"; all paths by default.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("before_send", function, prefix)

    @overload
    def on_error(self, function: Function, /, *, prefix: str = "/") -> Function: ...
    @overload
    def on_error(self, /, *, prefix: str = "/") -> Callable[[Function], Function]: ...
    def on_error(self, function: Any = None, /, *, prefix: str = "/") -> Any:
        """Call `function(error, res, req)`, sync or async, when an error is about to become an answer.

        The first function that answers decides; without one, the app's error handler or the default answer does. The
        status and the headers of the error, as of an `HTTPError`, are set before.

        Args:
            function: answers as a handler does, or only looks; its own errors are logged.
            prefix: leading segments of the path, as in "/api"; all paths by default.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("on_error", function, prefix)

    @overload
    def after_response(self, function: Function, /, *, prefix: str = "/") -> Function: ...
    @overload
    def after_response(self, /, *, prefix: str = "/") -> Callable[[Function], Function]: ...
    def after_response(self, function: Any = None, /, *, prefix: str = "/") -> Any:
        """Call `function(outcome)`, sync or async, once for each request: answered, failed or aborted.

        Args:
            function: gets an `Outcome`; its errors are logged.
            prefix: leading segments of the path, as in "/api"; all paths by default.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("after_response", function, prefix)

    @overload
    def on_ws_open(self, function: Function, /, *, prefix: str = "/") -> Function: ...
    @overload
    def on_ws_open(self, /, *, prefix: str = "/") -> Callable[[Function], Function]: ...
    def on_ws_open(self, function: Any = None, /, *, prefix: str = "/") -> Any:
        """Call `function(ws)`, sync or async, when a WebSocket opens, before the route's own handler.

        Args:
            function: its errors are logged.
            prefix: leading segments of the path, as in "/api"; all paths by default.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("on_ws_open", function, prefix)

    @overload
    def on_ws_message(self, function: Function, /, *, prefix: str = "/") -> Function: ...
    @overload
    def on_ws_message(self, /, *, prefix: str = "/") -> Callable[[Function], Function]: ...
    def on_ws_message(self, function: Any = None, /, *, prefix: str = "/") -> Any:
        """Call `function(ws, message, opcode)`, sync or async, for each message before the route's own handler.

        Args:
            function: returns False to refuse the message, which later hooks and the handler then don't get, as after an
                error, which is logged; other messages of the connection wait for one that is async.
            prefix: leading segments of the path, as in "/api"; all paths by default.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("on_ws_message", function, prefix)

    @overload
    def on_ws_close(self, function: Function, /, *, prefix: str = "/") -> Function: ...
    @overload
    def on_ws_close(self, /, *, prefix: str = "/") -> Callable[[Function], Function]: ...
    def on_ws_close(self, function: Any = None, /, *, prefix: str = "/") -> Any:
        """Call `function(ws, code, message)`, sync or async, when a WebSocket closes, before the route's own handler.

        Args:
            function: its errors are logged.
            prefix: leading segments of the path, as in "/api"; all paths by default.

        Raises:
            SignatureError: the function takes other arguments, or the prefix is not valid.
        """
        return self._hook("on_ws_close", function, prefix)

    def _hook(self, event: Event, function: Any, prefix: Any) -> Any:
        segments = self._segments(event, prefix)

        def add(function: Function) -> Function:
            provenance = self._hooked_by
            check_function(provenance, event, PARAMETERS[event], function)
            self._add_hook(RequestHook(event, function, segments, provenance))
            return function

        return add if function is None else add(function)

    def _segments(self, event: Event, prefix: Any) -> tuple[str, ...]:
        if prefix == "/":
            return ()
        given = prefix.split("/") if isinstance(prefix, str) else [prefix]
        if given[0] == "" and len(given) > 1:
            segments = tuple(given[1:-1] if given[-1] == "" else given[1:])
            if not any(not part or part.startswith((":", "*")) or "?" in part for part in segments):
                return segments
        raise errors.SignatureError(
            owner(self._hooked_by),
            f"calls app.{event}",
            f"{prefix!r} is not a path prefix",
            f'Write whole segments without parameters: app.{event}(prefix="/api")',
        )


def check_function(provenance: Provenance | None, event: str, names: Sequence[str], function: Any) -> None:
    """Refuse a hook that can't be called with its arguments.

    Raises:
        SignatureError: it can't.
    """
    parameters = ", ".join(names)
    why = None
    if not callable(function):
        why = f"a {type(function).__name__} can't be called"
    else:
        try:
            inspect.signature(function).bind(*names)
        except TypeError:
            why = f"the function can't be called with ({parameters})"
        except ValueError:  # written in C, without a signature
            return
    if why is not None:
        fix = f"Write @app.{event} above a function of ({parameters})"
        raise errors.SignatureError(owner(provenance), f"calls app.{event}", why, fix)
