"""The bodies that probes send: each in a format that parts may read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from json import dumps
from typing import Final


@dataclass(frozen=True)
class Body:
    """A body for one probe: its name for the report, its type, and its content, made from the text of the probe."""

    name: str
    type: str
    content: Callable[[str], bytes | None]

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that go with it."""
        return {"content-type": self.type} if self.type else {}


def _msgpack(cell: str) -> bytes:
    text = cell.encode()
    return b"\x81\xa5probe\xd9" + bytes([len(text)]) + text  # a map of one text


NO_BODY: Final = Body("", "", lambda _: None)
JSON: Final = Body("JSON", "application/json", lambda cell: dumps({"probe": cell}).encode())
BODIES: Final = (
    NO_BODY,
    JSON,
    Body("a form", "application/x-www-form-urlencoded", lambda cell: f"probe={cell}".encode()),
    Body("MessagePack", "application/msgpack", _msgpack),
    Body("text", "text/plain", lambda cell: cell.encode()),
)
