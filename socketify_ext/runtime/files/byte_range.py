"""The Range header: one range of bytes, as far as it can be read (RFC 9110, 14)."""

from __future__ import annotations

import re
from typing import Final

_ONE_RANGE: Final = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)
_MOST: Final = 2**63  # no file is larger


def byte_range(header: str | None, size: int) -> range | None:
    """Return the bytes that a Range header asks for.

    Args:
        header: the value of the header.
        size: the size of the whole, in bytes.

    Returns:
        The positions; an empty range where the header asks for none that there are (416); None where the whole is to
        be sent: the header is missing, malformed, in another unit, or asks for several ranges.
    """
    found = _ONE_RANGE.fullmatch(header) if header else None
    if found is None:
        return None
    first, last = found[1], found[2]
    if not first:
        return _last_bytes(_position(last), size) if last else None
    start, stop = _position(first), _position(last) + 1 if last else size
    if last and stop <= start:
        return None
    return range(start, min(stop, size)) if start < size else range(0)


def _last_bytes(length: int, size: int) -> range | None:
    if length and not size:  # all of nothing, which Content-Range can't say
        return None
    return range(max(0, size - length), size) if length else range(0)


def _position(digits: str) -> int:
    digits = digits.lstrip("0")
    return min(int(digits or "0"), _MOST) if len(digits) < 20 else _MOST
