"""A route as it was written, before it is checked and bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .provenance import location
from .route_info import NO_OPTIONS

if TYPE_CHECKING:
    from .provenance import Provenance


@dataclass(frozen=True)
class DeclaredRoute:
    """One call of a route method.

    Attributes:
        method: the name of the method: "get", "ws", "static", "not_found".
        path: below the prefix of the scope.
        target: the handler; the behavior of a WebSocket, the directory of static files.
        options: as they were given, with `max_body` where it is not None.
        file, line: of the call.
        provenance: of the extension that makes it, None for the program itself.
    """

    method: str
    path: str
    target: Any
    options: Mapping[str, Any] = field(default_factory=lambda: NO_OPTIONS)
    file: str = ""
    line: int = 0
    provenance: Provenance | None = None

    @property
    def who(self) -> str:
        """Return who adds the route, for errors."""
        return "the app" if self.provenance is None else f"extension {self.provenance}"

    @property
    def location(self) -> str:
        """Return the file's name and the line, as in "shop.py:12"."""
        return location(self.file, self.line)
