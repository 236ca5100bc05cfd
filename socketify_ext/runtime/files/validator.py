"""The validators of a file and the conditions of a request (RFC 9110, 8.8 and 13)."""

from __future__ import annotations

import re
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from .http_date import read_date

if TYPE_CHECKING:
    from ..request import Request

_TAG: Final = re.compile(r'(W/)?("[^"]*")')
_SECOND: Final = 1_000_000_000  # nanoseconds


class Validator:
    """What a client's copy of a file is compared with: `etag`, and `date` for Last-Modified."""

    __slots__ = ("_is_settled", "_seconds", "date", "etag")

    def __init__(self, modified: int, size: int, coding: str = "") -> None:
        """Make the validators of one representation.

        Args:
            modified: when the file was modified, in nanoseconds since 1970.
            size: its size in bytes.
            coding: its content coding, which has a tag of its own.
        """
        now = time.time_ns()
        self.etag = f'"{modified & (2**64 - 1):x}-{size:x}{coding and "-"}{coding}"'
        # Later than now is not a date that may be sent (RFC 9110, 8.8.2.1), and the year has four digits.
        self._seconds = max(0, min(modified, now) // _SECOND)
        self.date = formatdate(self._seconds, usegmt=True)
        # A file may change twice in a second, so that a date says for sure what it was only afterwards.
        self._is_settled = now - modified >= _SECOND

    def fails(self, request: Request) -> bool:
        """Report whether If-Match or, without it, If-Unmodified-Since asks not to answer (412)."""
        is_current = self._is_among(request, "if-match", is_weak=False)
        if is_current is not None:
            return not is_current
        since = _date(request, "if-unmodified-since")
        return since is not None and self._seconds > since

    def is_fresh(self, request: Request) -> bool:
        """Report whether the client's copy is the current one (304)."""
        is_current = self._is_among(request, "if-none-match", is_weak=True)
        if is_current is not None:
            return is_current
        since = _date(request, "if-modified-since")
        return since is not None and self._seconds <= since

    def allows_range(self, request: Request) -> bool:
        """Report whether If-Range, if it is there, names the current file."""
        if request.get_header("if-range") is None:
            return True
        given = single(request, "if-range")
        return given == self.etag or (given == self.date and self._is_settled)

    def _is_among(self, request: Request, name: str, *, is_weak: bool) -> bool | None:
        """Report whether this is one of the tags in all lines of a header; None where there are none."""
        first = request.get_header(name)
        if first is None or first == self.etag:
            return None if first is None else True
        tags = ", ".join(request.get_header_list(name))
        return tags == "*" or any(tag == self.etag and (is_weak or not weak) for weak, tag in _TAG.findall(tags))


def single(request: Request, name: str) -> str | None:
    """Return the value of a header that is no list; None where it comes several times."""
    lines = request.get_header_lines(name)
    return lines[0].strip() if len(lines) == 1 else None


def _date(request: Request, name: str) -> int | None:
    """Return a header's date in seconds; any other text is ignored (RFC 9110, 13.1.3)."""
    if request.get_header(name) is None:
        return None
    return read_date(single(request, name) or "")
