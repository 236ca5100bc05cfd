"""A kept answer, as bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """An answer with status 200.

    Attributes:
        made: when it was made, in seconds since 1970.
        headers: names and values that its handler has written.
        body: its body.
    """

    made: float
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def dump(self) -> bytes:
        """Return it as bytes."""
        return json.dumps([self.made, self.headers]).encode() + b"\n" + self.body

    @classmethod
    def load(cls, data: bytes) -> Entry | None:
        """Return what `dump` has written; None for anything else, as of another version."""
        head, _, body = data.partition(b"\n")
        try:
            made, headers = json.loads(head)
            return cls(float(made), tuple((str(name), str(value)) for name, value in headers), body)
        except (ValueError, TypeError):
            return None
