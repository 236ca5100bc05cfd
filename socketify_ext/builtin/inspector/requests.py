"""Requests by route: how many, how fast, with which status; counted while somebody looks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, Final

_MOST: Final = 500
"""Requests a second that are counted one by one; of more, a part of the time is counted."""

_PART: Final = 0.05  # seconds of each second that are counted then
_KEPT: Final = 1000  # durations of a route and second


class RequestCounter:
    """Count requests by a hook that is there only while it counts.

    Args:
        app: gets the hook, and loses it.
        later: calls a function after some seconds.
    """

    def __init__(self, app: Any, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._app = app
        self._later = later
        self._is_counting = False
        self._durations: dict[str, list[float]] = defaultdict(list)
        self._statuses: dict[str, Counter[str]] = defaultdict(Counter)
        self._seconds = 1.0  # that the next take is about

    def start(self) -> None:
        """Begin to count."""
        if not self._is_counting:
            self._is_counting = True
            self._app.after_response(self._count, where=_answers)

    def stop(self) -> None:
        """Count no more."""
        if self._is_counting:
            self._is_counting = False
            self._app.remove_hook(self._count)

    def _count(self, outcome: Any) -> None:
        name = f"{outcome.method} {outcome.route}"
        durations = self._durations[name]
        if len(durations) < _KEPT:
            durations.append(outcome.duration)
        self._statuses[name]["aborted" if outcome.status is None else f"{outcome.status // 100}xx"] += 1

    def take(self) -> dict[str, Any]:
        """Return the figures of the last second by route, and count the next one, or a part of it."""
        seconds, durations, statuses = self._seconds, self._durations, self._statuses
        self._durations, self._statuses = defaultdict(list), defaultdict(Counter)
        total = sum(sum(each.values()) for each in statuses.values())
        self.start()
        self._seconds = 1.0
        if total / seconds > _MOST:
            self._seconds = _PART
            self._later(_PART, self.stop)
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
