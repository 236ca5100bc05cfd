"""How far an event loop is behind: a timer that should have rung already tells."""

from __future__ import annotations

import asyncio


class LagMeter:
    """Measures the lag of the running loop.

    It asks to be woken in regular intervals, and counts how much later it is. While the loop is blocked it is not woken at
    all, so what is overdue counts too: the first request after a long block knows of it.

    Args:
        interval: seconds between two looks.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._last = 0.0

    @property
    def lag(self) -> float:
        """Return the seconds that the loop is behind, 0 while nothing is measured."""
        loop = self._loop
        if loop is None:
            return 0.0
        return max(self._last, loop.time() - self._due)

    def start(self) -> None:
        """Begin to measure the running loop."""
        self.stop()
        self._loop = loop = asyncio.get_running_loop()
        self._wait(loop)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop = self._timer = None
        self._last = 0.0

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + self._interval
        self._timer = loop.call_at(self._due, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        self._last = max(0.0, loop.time() - self._due)
        self._wait(loop)
