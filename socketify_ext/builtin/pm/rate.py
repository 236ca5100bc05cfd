"""How often one sender may write: a token bucket for each."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from typing import Final

MAX_SENDERS: Final = 10_000
"""Senders that are remembered; the one that wrote least recently is forgotten first."""

_LIMIT: Final = re.compile(r"([1-9][0-9]{0,8})\s*/\s*(second|minute|hour|day)")
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def parse_rate(rate: str) -> tuple[tuple[int, int], ...]:
    """Read "10/second; 200/minute" as pairs of a count and of seconds.

    Raises:
        ValueError: it is written in another way.
    """
    found = [_LIMIT.fullmatch(part.strip()) for part in rate.split(";")]
    if None in found:
        raise ValueError(f"{rate!r} is not a rate")
    return tuple((int(limit[1]), _SECONDS[limit[2]]) for limit in found if limit is not None)


class Rate:
    """Count what each sender writes, in this process.

    Each limit is a bucket: as many messages as it says at once, and then as fast as it says.

    Args:
        rate: as `parse_rate` reads it.
    """

    def __init__(self, rate: str) -> None:
        self._limits = parse_rate(rate)
        self._senders: OrderedDict[str, tuple[float, list[float]]] = OrderedDict()

    def allows(self, sender: str) -> bool:
        """Count one message; whether it may go. One that may not takes nothing from any bucket."""
        now = time.monotonic()
        before, tokens = self._senders.pop(sender, (now, [float(count) for count, _ in self._limits]))
        filled = [
            min(count, left + (now - before) * count / seconds)
            for (count, seconds), left in zip(self._limits, tokens, strict=True)
        ]
        may = all(left >= 1 for left in filled)
        self._senders[sender] = now, [left - 1 for left in filled] if may else filled
        if len(self._senders) > MAX_SENDERS:
            self._senders.popitem(last=False)
        return may
