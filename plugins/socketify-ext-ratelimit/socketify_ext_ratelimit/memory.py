"""Counts in memory: at constant cost for a request, bounded, without a timer."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

_GRADES: Final = 24  # powers of two of requests by which counts are told apart when one has to go


class Standing(NamedTuple):
    """How somebody stands with a limit."""

    is_allowed: bool
    remaining: int
    reset: int
    """Seconds, rounded up, until there is more."""


class Count:
    """What one client has asked for, by one limit."""

    __slots__ = ("expires", "grade", "hits", "previous", "start", "times")

    def __init__(self, now: float, period: float) -> None:
        self.start = now
        self.expires = now + period
        self.hits = 0
        self.previous = 0
        self.grade = 0
        self.times: list[float] | None = None  # a deque takes 600 bytes for the first of them


class MemoryCounts:
    """The counts of one limit.

    Where the table is full, a count whose window is over goes first, then one of those with the fewest requests (by
    powers of two), the oldest of them. To drop the count of somebody who has asked n times, an attacker must fill the
    table with clients of which each has asked about as often.

    Args:
        amount: requests that are allowed in a period.
        period: seconds.
        strategy: as in the options.
        max_entries: counts that are kept; "moving-window" keeps one for each request.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        amount: int,
        period: float,
        strategy: str,
        max_entries: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._amount, self._period, self._max_entries, self._clock = amount, period, max_entries, clock
        self._count = {
            "fixed-window": self._fixed,
            "moving-window": self._moving,
            "sliding-window-counter": self._sliding,
        }[strategy]
        self._life = period * 2 if strategy == "sliding-window-counter" else period
        self._counts: OrderedDict[bytes, Count] = OrderedDict()  # those that end first come first
        self._grades: list[OrderedDict[bytes, None]] = [OrderedDict() for _ in range(_GRADES)]
        self._size = 0

    @property
    def size(self) -> int:
        """Get the number of entries."""
        return self._size

    def hit(self, key: bytes) -> Standing:
        """Count a request of the client with this key."""
        now = self._clock()
        self._drop_expired(now)
        count = self._counts.get(key)
        if count is not None and count.expires <= now:
            self._drop(key)
            count = None
        if count is None:
            count = Count(now, self._life)
        is_allowed, remaining, reset = self._count(count, now, key)
        grade = min(count.hits.bit_length(), _GRADES - 1)
        if grade != count.grade and key in self._counts:
            self._grades[count.grade].pop(key, None)
            self._grades[grade][key] = None
            count.grade = grade
        return Standing(is_allowed, max(0, remaining), max(1, math.ceil(min(reset, self._period))))

    def _fixed(self, count: Count, now: float, key: bytes) -> tuple[bool, int, float]:
        if not count.hits:
            self._keep(key, count)
        count.hits += 1
        return count.hits <= self._amount, self._amount - count.hits, count.expires - now

    def _moving(self, count: Count, now: float, key: bytes) -> tuple[bool, int, float]:
        times = count.times
        if times is None:
            times = count.times = []
        over = bisect_right(times, now - self._period)
        if over:
            del times[:over]
            self._size -= over
        is_allowed = len(times) < self._amount
        if is_allowed:
            self._keep(key, count)
            times.append(now)
            count.expires = now + self._period
            self._counts.move_to_end(key)
        count.hits = len(times)
        return is_allowed, self._amount - len(times), times[0] + self._period - now

    def _sliding(self, count: Count, now: float, key: bytes) -> tuple[bool, int, float]:
        if not count.hits and not count.previous:
            self._keep(key, count)
        elif now >= count.start + self._period:
            count.previous, count.hits = count.hits, 0
            count.start += self._period
            count.expires = count.start + self._life
            self._counts.move_to_end(key)
        elapsed = (now - count.start) / self._period
        used = count.previous * (1 - elapsed) + count.hits
        is_allowed = used + 1 <= self._amount
        if is_allowed:
            count.hits += 1
            used += 1
        reset = count.start + self._period - now
        spare = self._amount - 1 - count.hits  # of what the window before still counts for
        if count.previous and spare >= 0:
            reset = count.start + self._period * max(0.0, 1 - spare / count.previous) - now
        return is_allowed, int(self._amount - used), reset

    def _keep(self, key: bytes, count: Count) -> None:
        """Make room for one more entry, and count it."""
        while self._size >= self._max_entries and self._counts:
            self._drop(self._victim(key))
        if key not in self._counts:
            self._counts[key] = count
            self._grades[count.grade][key] = None
        self._size += 1

    def _victim(self, key: bytes) -> bytes:
        """Find the count to drop, that of `key` last of all."""
        for grade in self._grades:
            for found in grade:
                if found != key:
                    return found
        return key

    def _drop_expired(self, now: float) -> None:
        """Drop at most two counts whose window is over: more than a request can add, so that they all go in time."""
        for _ in range(2):
            key = next(iter(self._counts), None)
            if key is None or self._counts[key].expires > now:
                return
            self._drop(key)

    def _drop(self, key: bytes) -> None:
        count = self._counts.pop(key)
        self._grades[count.grade].pop(key, None)
        self._size -= 1 if count.times is None else len(count.times)
