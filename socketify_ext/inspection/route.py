"""A route as plain data, with the file and line of its handler."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from socketify_ext.sdk.provenance import location, source_location

if TYPE_CHECKING:
    from socketify_ext.sdk.route_info import RouteInfo

# Values whose own text says all: the text of others may differ in each process, or hold what is secret.
_PLAIN: Final = (bool, int, float, complex, str, bytes, type(None))


@dataclass(frozen=True)
class Route:
    """A route of an app.

    Attributes:
        method, pattern: as in "GET" and "/users/:id"; "WS" for a WebSocket.
        scope: the label of its scope, "" for the app itself.
        handler: the name of the function.
        file, line: of the function; "" and 0 for one without code of its own.
        added: file and line of the call that has added it, as in "shop.py:12".
        options: the values by name, as text.
        extension: that has added it, None for the program itself.
    """

    method: str
    pattern: str
    scope: str
    handler: str
    file: str
    line: int
    added: str
    options: dict[str, str]
    extension: str | None

    @property
    def name(self) -> str:
        """Return the method and the pattern."""
        return f"{self.method} {self.pattern}"

    @property
    def location(self) -> str:
        """Return the file and line of the handler, as in "shop.py:12"."""
        return location(self.file, self.line) if self.file else ""


def describe_route(info: RouteInfo, scope: str) -> Route:
    """Describe a route of a scope."""
    handler = _handler(info)
    is_own = getattr(handler, "__module__", "").startswith("socketify_ext.runtime")  # what serves a folder's files
    file, line = ("", 0) if is_own else source_location(handler)
    return Route(
        method=info.method,
        pattern=info.pattern,
        scope=scope,
        handler="files" if is_own else _name(handler),
        file="" if line == 0 else file,
        line=line,
        added=info.location,
        options={name: shown_value(value) for name, value in info.options.items()},
        extension=info.extension,
    )


def _handler(info: RouteInfo) -> Any:
    """Return the function that stands for the route; for a WebSocket that of its messages, or the first one."""
    if not info.is_websocket:
        return info.handler
    events = [info.handler.get("message"), *info.handler.values()]
    return next((each for each in events if callable(each)), None)


def _name(handler: Any) -> str:
    if handler is None:
        return "none"
    name = getattr(handler, "__qualname__", None) or type(handler).__name__
    return str(name).rpartition("<locals>.")[2]


def shown_value(value: Any) -> str:
    """Return the text of an option's value: the same in each process."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{shown_value(key)}: {shown_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(map(shown_value, value))) + "}"
    if type(value) in (list, tuple):
        return "[" + ", ".join(map(shown_value, value)) + "]"
    if inspect.isclass(value) or inspect.isroutine(value):
        return _name(value)
    return inspect.formatannotation(value) if hasattr(value, "__origin__") else f"<{type(value).__name__}>"
