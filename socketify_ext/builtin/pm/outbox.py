"""The outbox of one process: what is on its way into the inbox."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final

from .inbox.inbox import Ack, Entry, Inbox, Outcome, Post
from .outage import Outage, log

BATCH: Final = 500
"""Entries that are written at once."""

MAX_WAITING: Final = 10_000
"""Entries that wait at most; while the engine is away for long, messages beyond are refused."""

PAUSE: Final = (0.02, 1.0)
"""Seconds between two tries, at first and at last."""

Done = Callable[[Outcome], None]


class Outbox:
    """Write entries to the inbox one batch after the other, in the order in which they came, until each is written."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._outage = Outage("can't write to the inbox")
        self._waiting: deque[tuple[Entry, Done | None]] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def put(self, entry: Post | Ack, done: Done | None = None) -> bool:
        """Take an entry, and call `done` when it is written; tells whether there was room."""
        if len(self._waiting) >= MAX_WAITING:
            return False
        self._waiting.append((entry, done))
        self._emptied.clear()
        self._filled.set()
        return True

    async def close(self, timeout: float) -> None:
        """Write what waits, within `timeout` seconds, and end."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._emptied.wait(), timeout)
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if self._waiting:
            log.error("extension 'pm': %s entries did not reach the inbox; no sender has a receipt", len(self._waiting))

    async def _run(self) -> None:
        while True:
            await self._filled.wait()
            batch = [self._waiting[index] for index in range(min(len(self._waiting), BATCH))]
            outcomes = await self._write([entry for entry, _ in batch])
            for (_, done), outcome in zip(batch, outcomes, strict=True):
                self._waiting.popleft()
                if done is not None:
                    done(outcome)
            if not self._waiting:
                self._filled.clear()
                self._emptied.set()

    async def _write(self, entries: list[Entry]) -> list[Outcome]:
        pause = PAUSE[0]
        while True:
            try:
                outcomes = await self._inbox.write(entries)
            except Exception as error:  # whatever the engine's client raises when the engine is away
                self._outage.goes_on(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE[1])
            else:
                self._outage.is_over()
                return outcomes
