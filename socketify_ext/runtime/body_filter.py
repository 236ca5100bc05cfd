"""What `res.filter_body` takes."""

from __future__ import annotations

from typing import Protocol


class BodyFilter(Protocol):
    """Changes a body on its way, part by part, as a compressor does."""

    def feed(self, data: bytes, /) -> bytes:
        """Take a part; return what is to be sent now, which may be nothing."""
        ...

    def finish(self) -> bytes:
        """Return what is to be sent at the end."""
        ...
