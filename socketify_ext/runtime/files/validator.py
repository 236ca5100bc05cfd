"""The validators of a file and the conditions of a request (RFC 9110, 8.8 and 13)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from email.utils import formatdate, parsedate_to_datetime
from typing import Final

_TAG: Final = re.compile(r'(W/)?("[^"]*")')
_LONGEST_DATE: Final = 64  # characters; the longest form has 33
_SECOND: Final = 1_000_000_000  # nanoseconds

Header = Callable[[str], "str | None"]


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

    def fails(self, header: Header) -> bool:
        """Report whether If-Match or, without it, If-Unmodified-Since asks not to answer (412)."""
        tags = header("if-match")
        if tags is not None:
            return tags.strip() != "*" and not self._is_among(tags, is_weak=False)
        since = _seconds(header("if-unmodified-since"))
        return since is not None and self._seconds > since

    def is_fresh(self, header: Header) -> bool:
        """Report whether the client's copy is the current one (304)."""
        tags = header("if-none-match")
        if tags is not None:
            return tags.strip() == "*" or self._is_among(tags, is_weak=True)
        given = header("if-modified-since")
        if given is None or given == self.date:
            return given is not None
        since = _seconds(given)
        return since is not None and self._seconds <= since

    def allows_range(self, header: Header) -> bool:
        """Report whether If-Range, if it is there, names the current file."""
        given = header("if-range")
        if given is None:
            return True
        given = given.strip()
        return given == self.etag or (given == self.date and self._is_settled)

    def _is_among(self, tags: str, *, is_weak: bool) -> bool:
        return any(tag == self.etag and (is_weak or not weak) for weak, tag in _TAG.findall(tags))


def _seconds(date: str | None) -> int | None:
    """Read an HTTP date; any other text is ignored (RFC 9110, 13.1.3)."""
    if date is None or len(date) > _LONGEST_DATE:
        return None
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
