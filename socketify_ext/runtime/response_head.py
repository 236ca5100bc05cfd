"""The bytes of a response's head: a status line, and header lines that each come after their line break."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from .headers import BODILESS, OK

CONTENT_TYPE: Final = b"Content-Type"


def join_head(status: bytes | None, lines: bytes, cookies: Mapping[Any, bytes] | None) -> bytes:
    """Return the whole head: the core writes a status as it is, so it takes the head in one call."""
    head = (status or OK) + lines
    if not cookies:
        return head
    return b"".join((head, *(b"\r\nSet-Cookie: " + cookie for cookie in cookies.values())))


def is_bodiless(status: bytes | None) -> bool:
    """Check whether answers with a status line have no body (RFC 9110, 15.3.5 and 15.4.5)."""
    return status is not None and status.startswith(BODILESS)


def has_content_type(lines: bytes) -> bool:
    """Check whether a Content-Type is among the header lines."""
    return b"\r\ncontent-type: " in lines.lower()


def has_header(lines: bytes, beginning: bytes) -> bool:
    """Check whether a header is among the lines; it is given as the beginning of its line."""
    return beginning.lower() in lines.lower()


def header_values(lines: bytes, beginning: bytes) -> list[bytes]:
    """Return the values of the header lines of one name, which is given as the beginning of its line."""
    name = beginning[2:].lower()
    return [line[len(name) :] for line in lines.split(b"\r\n")[1:] if line[: len(name)].lower() == name]


def header_items(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Return the names and the values of the header lines."""
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines.split(b"\r\n")[1:])]


def without_header(lines: bytes, beginning: bytes) -> bytes:
    """Return the header lines without those of one name, which is given as the beginning of its line."""
    name = beginning.lower()
    return _filtered(lines, lambda line: not line.lower().startswith(name))


def without_body_headers(lines: bytes) -> bytes:
    """Return the header lines without those that describe a body."""
    return _filtered(lines, lambda line: not _describes_body(line))


def _filtered(lines: bytes, is_kept: Callable[[bytes], bool]) -> bytes:
    each = (b"\r\n" + line for line in lines.split(b"\r\n")[1:])
    return b"".join(line for line in each if is_kept(line))


def _describes_body(line: bytes) -> bool:
    return line.lower().startswith((b"\r\ncontent-", b"\r\netag:", b"\r\nlast-modified:", b"\r\ncache-control:"))
