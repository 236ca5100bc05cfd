"""A route as data: what `app.routes`, hooks and options get to see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

NO_OPTIONS: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True)
class RouteInfo:
    """One route of an app; it never changes, and an app has another one where an option is added.

    Attributes:
        method: "GET" and the like, "ANY", or "WS" for a WebSocket.
        pattern: the whole path, with that of its scope: "/admin/users/:id".
        scope: the prefix of the scope that it was added to, "" for the app itself.
        handler: the function; for a WebSocket the handlers by event, for a folder what serves its files.
        location: file and line of the call that has added it, as in "shop.py:12".
        options: the options that it was given, validated once an extension has declared them.
        extension: the name of the extension that has added it, None for the program itself.
    """

    method: str
    pattern: str
    scope: str = ""
    handler: Any = field(default=None, hash=False)
    location: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: NO_OPTIONS, hash=False)
    extension: str | None = None

    @property
    def is_websocket(self) -> bool:
        """Whether it serves WebSockets."""
        return self.method == "WS"

    def with_options(self, options: Mapping[str, Any]) -> RouteInfo:
        """Return the route with further options, or with other values of those that it has."""
        return replace(self, options=MappingProxyType({**self.options, **options}))

    def __str__(self) -> str:
        """Return its name for errors, as in `GET /users/:id (shop.py:12)`."""
        return f"{self.method} {self.pattern}" + (f" ({self.location})" if self.location else "")
