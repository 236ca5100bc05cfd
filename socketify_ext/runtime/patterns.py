"""Routes before they are bound: what the core's router takes otherwise than it is written, and what can't be called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from .. import errors
from ..sdk.suggest import suggestion
from .parameters import parameter_names

PARAMETERS: Final = ("res", "req")
# What each handler of a WebSocket is called with.
EVENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "upgrade": ("res", "req", "context"),
    "open": ("ws",),
    "message": ("ws", "message", "opcode"),
    "drain": ("ws",),
    "ping": ("ws", "message"),
    "pong": ("ws", "message"),
    "close": ("ws", "code", "message"),
    "subscription": ("ws", "topic", "new", "old"),
}
# The range of each limit of a WebSocket, in its own unit, beyond which the core takes another number or ends the process.
LIMITS: Final[Mapping[str, tuple[int, int]]] = {
    "compression": (0, 0xFFFF),
    "max_payload_length": (0, 0xFFFFFFFF),
    "idle_timeout": (8, 960),  # seconds, or 0
    "max_backpressure": (0, 0xFFFFFFFF),
    "close_on_backpressure_limit": (False, True),
    "reset_idle_timeout_on_send": (False, True),
    "send_pings_automatically": (False, True),
    "max_lifetime": (0, 240),  # minutes
}
_MOST_SEGMENTS: Final = 100  # MAX_URL_SEGMENTS of the core's HttpRouter.h; it drops what comes after
_OPTIONAL: Final = re.compile(r"/:[\w-]*\?(?:/|$)")
_PARAMETER: Final = re.compile(r":[\w-]*")
_FOREIGN_PARAMETER: Final = re.compile(r"\{(\w*)[^}]*\}|<(?:\w+:)?(\w*)>")


def route_key(name: str) -> str:
    """Return what a route is to the core's router, in which parameters have no name; a last slash does count.

    Args:
        name: method and pattern, as in "GET /users/:id".
    """
    method, _, pattern = name.partition(" ")
    return f"{method} /" + "/".join(part[0] if part.startswith((":", "*")) else part for part in pattern[1:].split("/"))


def check_pattern(who: str, method: str, path: Any) -> None:
    """Check that the core's router takes a pattern as it is written.

    Raises:
        RouteError: it would take it for another, never match it, or end the process.
    """
    if not isinstance(path, str):
        write = (
            f'Write @app.{method}("/path") above the function'
            if callable(path)
            else f'Write app.{method}("/path", ...)'
        )
        _refuse(who, method, path, f"a {type(path).__name__} is not a path", write)
    if not path.startswith("/"):
        meant = f"/{path}"
        _refuse(who, method, path, "it does not begin with a slash", f'Write app.{method}("{_shown(meant)}", ...)')
    if not path.isprintable():
        _refuse(who, method, path, "it holds a control character", "Leave it out")
    if _OPTIONAL.search(path):
        _refuse(who, method, path, "a parameter can't be optional", "Add a second route without it")
    if "?" in path or "#" in path:
        _refuse(who, method, path, "a route has no query", "End it before the ? or #; see req.get_query()")
    segments = path[1:].split("/")
    if len(segments) > _MOST_SEGMENTS:
        _refuse(
            who, method, path, f"it has more than {_MOST_SEGMENTS} segments", 'Write a shorter one that ends in "/*"'
        )
    for number, part in enumerate(segments, 1):
        _check_parameter(who, method, path, part)
        if part.startswith("*") and (part != "*" or number < len(segments)):
            _refuse(who, method, path, "* stands for the rest of a path", 'Write it alone and last, as in "/files/*"')
        if method == "static" and part.startswith((":", "*")):
            _refuse(who, method, path, f"{part} is not a folder's path", 'Write it plainly, as in "/files"')
    _check_names(who, method, path)


def _check_names(who: str, method: str, path: str) -> None:
    """Check that no two parameters have one name."""
    names = parameter_names(path)
    for name in filter(None, names):
        if names.count(name) > 1:
            _refuse(who, method, path, f"two parameters are named {name}", "Give one of them another name")


def _check_parameter(who: str, method: str, path: str, part: str) -> None:
    """Check a segment that is a parameter, or was meant to be one."""
    foreign = _FOREIGN_PARAMETER.search(part)
    if foreign is not None:
        name = foreign[1] or foreign[2] or "name"
        if foreign[0] == part:
            _refuse(who, method, path, f"{part} is not a parameter here", f"Write :{name}")
        _refuse(who, method, path, f"{foreign[0]} is a part of {part}, and a parameter is not", f"Write /:{name}/")
    named = _PARAMETER.match(part)
    if named is not None and named[0] != part:
        _refuse(who, method, path, f"{part} takes any text, as a parameter is a whole segment", f"Write {named[0]}")


def check_handler(who: str, method: str, path: str, handler: Any, parameters: tuple[str, ...] = PARAMETERS) -> None:
    """Check that a handler can be called, as far as can be seen.

    Raises:
        RouteError: it can't.
    """
    shown = ", ".join(parameters)
    if not callable(handler):
        _refuse(who, method, path, f"a {type(handler).__name__} can't be called", f"Give a function of ({shown})")
    if not _can_take(handler, parameters):
        _refuse(who, method, path, f"{_name(handler)} can't be called with ({shown})", f"Give a function of ({shown})")


def check_max_body(who: str, method: str, path: str, max_body: Any) -> None:
    """Check a route's own limit of bodies.

    Raises:
        RouteError: it is not a number of bytes.
    """
    if method == "ws":
        fix = "Limit its messages with max_payload_length"
        _refuse(who, method, path, "a WebSocket has no body that max_body could limit", fix)
    if type(max_body) is not int or max_body < 0:
        _refuse(who, method, path, f"max_body={max_body!r} is not a number of bytes", "Write it as max_body=50_000_000")


def check_not_awaitable(result: Any) -> Any:
    """Return what a function that is called while a route is added has returned.

    Raises:
        TypeError: it has to be awaited, which nothing does.
    """
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError("it returns a coroutine, and nothing is awaited while a route is added")
    return result


def check_behavior(who: str, path: str, behavior: Mapping[str, Any]) -> None:
    """Check the handlers of a WebSocket, and that nothing else is asked for than there is.

    Raises:
        RouteError: a key is unknown, a handler can't be called, or a limit is out of its range.
    """
    for key, value in behavior.items():
        if key in EVENTS:
            if value is not None:
                check_handler(who, "ws", f"{path}, {key}", value, EVENTS[key])
        elif key in LIMITS:
            _check_limit(who, path, key, value)
        else:
            known = (*EVENTS, *LIMITS)
            fix = suggestion(key, known) if isinstance(key, str) else ""
            _refuse(who, "ws", path, f"{key!r} is neither an event nor a limit", fix or f"There are {', '.join(known)}")


def _check_limit(who: str, path: str, key: str, value: Any) -> None:
    least, most = LIMITS[key]
    if isinstance(least, bool):
        known, fix = isinstance(value, int), "Write True or False"
    else:
        zero = " or 0" if least else ""
        known = isinstance(value, int) and (value == 0 or least <= value <= most)
        fix = f"Write a number from {least} to {most}{zero}"
    if not known:
        _refuse(who, "ws", path, f"it can't have {key}={value!r}", fix)


def _can_take(handler: Callable[..., Any], parameters: tuple[str, ...]) -> bool:
    if hasattr(handler, "__signature__"):  # one that is made up says nothing of the call
        return True
    try:
        # A decorator's own signature counts, not that of the function in it, which may be called with more.
        inspect.signature(handler, follow_wrapped=False).bind(*parameters)
    except TypeError:
        return False
    except Exception:  # written in C, or an object whose attributes answer in their own way
        return True
    return True


def _name(handler: Any) -> str:
    return getattr(handler, "__qualname__", None) or type(handler).__name__


def _shown(path: str) -> str:
    return "".join(character for character in path if character.isprintable())


def _refuse(who: str, method: str, path: Any, why: str, fix: str) -> NoReturn:
    shown = path if isinstance(path, str) and path.isprintable() else repr(path)
    raise errors.RouteError(who, f"adds {method.upper()} {shown}", why, fix)
