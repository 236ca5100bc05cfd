"""Requests by route: how many, how fast, with which status; counted while somebody looks."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, Final

_MOST: Final = 100
"""Requests that are counted of each second: the first ones, and how long they took to come tells the rest."""


class RequestCounter:
    """Count requests by a hook that is there only while it counts.

    Args:
        app: gets the hook, and loses it.
        soon: calls a function once the loop is free.
    """

    def __init__(self, app: Any, soon: Callable[[Callable[[], None]], object]) -> None:
        self._app = app
        self._soon = soon
        self._is_counting = False
        self._durations: dict[str, list[float]] = defaultdict(list)
        self._statuses: dict[str, Counter[str]] = defaultdict(Counter)
        self._left = _MOST
        self._began = self._ended = 0.0

    def start(self) -> None:
        """Begin to count."""
        self._left, self._began = _MOST, time.perf_counter()
        if not self._is_counting:
            self._is_counting = True
            self._app.after_response(self._count, where=_answers)

    def stop(self) -> None:
        """Count no more."""
        if self._is_counting:
            self._is_counting, self._ended = False, time.perf_counter()
            self._app.remove_hook(self._count)

    def _count(self, outcome: Any) -> None:
        name = f"{outcome.method} {outcome.route}"
        self._durations[name].append(outcome.duration)
        self._statuses[name]["aborted" if outcome.status is None else f"{outcome.status // 100}xx"] += 1
        self._left -= 1
        if self._left == 0:
            self._soon(self._rest)  # not now: the hooks of this answer are running

    def _rest(self) -> None:
        """Stop until the next take, unless there was one meanwhile."""
        if self._left <= 0:
            self.stop()

    def take(self) -> dict[str, Any]:
        """Return the figures since the last call by route, and count again."""
        seconds = (time.perf_counter() if self._is_counting else self._ended) - self._began
        durations, statuses = self._durations, self._statuses
        self._durations, self._statuses = defaultdict(list), defaultdict(Counter)
        self.start()
        return {
            name: {
                "rate": round(sum(counts.values()) / seconds, 1),
                "statuses": {status: round(count / seconds, 1) for status, count in sorted(counts.items())},
                **_percentiles(sorted(durations[name])),
            }
            for name, counts in statuses.items()
        }


def is_counting(function: Any) -> bool:
    """Whether a hook is that of a `RequestCounter`, which is there while somebody looks."""
    return isinstance(getattr(function, "__self__", None), RequestCounter)


def _answers(route: Any) -> bool:
    return not route.is_websocket


def _percentiles(durations: list[float]) -> dict[str, float]:
    """Return percentiles in milliseconds."""
    last = len(durations) - 1
    return {f"p{part}": round(1000 * durations[round(last * part / 100)], 3) for part in (50, 90, 99)}
