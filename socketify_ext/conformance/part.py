"""The parts of a target beside members, as a process that serves describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..sdk.provenance import Provenance, location, source_location

if TYPE_CHECKING:
    from .report import PartKind


@dataclass(frozen=True)
class Part:
    """A part beside members: its name for the report, whose it is, and what leads to it.

    `event` is that of a hook or of a WebSocket, the method of a route, or when a function runs; `path` the prefix of a hook
    or the pattern of a route.
    """

    name: str
    kind: PartKind
    place: str
    extension: str | None
    event: str = ""
    path: str = ""


def part_of(kind: PartKind, event: str, function: Any, provenance: Provenance | None, path: str = "") -> Part:
    """Describe a part that is a function."""
    own = getattr(function, "__name__", type(function).__name__)
    name = {
        "route": f"{event.upper()} {path}",
        "event": f"WS {path} {event}",
        "hook": f"{event} {own}" + (f" {path}" if path else ""),
        "route option": f"route option {event}",
    }.get(kind, f"{event} {own}")
    if event == "not_found":
        name = "not_found"
    extension = None if provenance is None else provenance.extension
    return Part(name, kind, location(*source_location(function)), extension, event, path)


def service_part(kind: PartKind, name: str, provenance: Provenance) -> Part:
    """Describe a part that is an object of the extension."""
    return Part(name, kind, provenance.location, provenance.extension)
