"""KeyedLock at a key within one process, in the order in which they were asked for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict


class KeyedLock:
    """Lock keys, each for one task at a time; a key that is neither held nor waited for takes no memory."""

    def __init__(self) -> None:
        self._waiting: dict[str, OrderedDict[asyncio.Future[None], None]] = {}

    async def acquire(self, key: str, deadline: float) -> None:
        """Lock a key.

        Args:
            key: what to lock.
            deadline: the loop's time at which to give up.

        Raises:
            TimeoutError: it stayed locked until the deadline.
        """
        queue = self._waiting.get(key)
        if queue is None:
            self._waiting[key] = OrderedDict()
            return
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        queue[turn] = None
        timer = loop.call_at(deadline, _give_up, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release(key)  # it came, and nobody is there to use it
            raise
        finally:
            timer.cancel()
            queue.pop(turn, None)  # one that gave up leaves nothing behind

    def release(self, key: str) -> None:
        """Unlock a key, for the task that has waited longest."""
        queue = self._waiting[key]
        while queue:
            turn, _ = queue.popitem(last=False)
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]


def _give_up(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(TimeoutError())
