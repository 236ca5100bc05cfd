"""Forms as `application/x-www-form-urlencoded` (WHATWG URL, 5.1)."""

from __future__ import annotations

import re
from typing import Final

from ...errors import HTTPError

# As many escapes at once as stand together: a call for each would take a second for 1 MiB.
_ESCAPES: Final = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")


def read_urlencoded(data: bytes, max_fields: int | None = None, encoding: str = "utf-8") -> list[tuple[str, str]]:
    """Return names and values in order; what is not in the encoding is replaced.

    Raises:
        HTTPError: 413, there are more than `max_fields`.
    """
    pieces = [piece for piece in data.split(b"&") if piece]
    if max_fields is not None and len(pieces) > max_fields:
        raise too_many_fields(max_fields)
    pairs = (piece.partition(b"=") for piece in pieces)
    return [(_decoded(name, encoding), _decoded(value, encoding)) for name, _, value in pairs]


def too_many_fields(most: int) -> HTTPError:
    """Make the error of a form with more than `most` fields."""
    return HTTPError(413, f"the form has more than {most} fields")


def _decoded(data: bytes, encoding: str) -> str:
    data = data.replace(b"+", b" ")
    if b"%" in data:
        data = _ESCAPES.sub(_bytes_of, data)
    return data.decode(encoding, "replace")


def _bytes_of(escapes: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escapes[0].replace(b"%", b"").decode())
