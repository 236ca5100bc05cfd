"""The outbox of one process: what is on its way into the inbox."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import Callable
from typing import Final

from ...sdk.deadline import end, within
from .inbox.shared import Ack, Entry, Outcome, Post, SharedInbox
from .outage_log import OutageLog, log, set_aside

BATCH: Final = 500
"""Entries that are written at once."""

MAX_WAITING: Final = 10_000
"""Entries that wait at most; while the engine is away for long, messages beyond are refused."""

OVERHEAD: Final = 1024
"""Bytes that an entry takes beside its text, about."""

SHARE: Final = 8
"""One user's entries are at most this part of all that wait."""

PAUSE: Final = (0.02, 1.0)
"""Seconds between two tries, at first and at last."""

Done = Callable[[Outcome], None]


class Outbox:
    """Write entries to the inbox one batch after the other, in the order in which they came, until each is written."""

    def __init__(self, inbox: SharedInbox, max_bytes: int) -> None:
        self._inbox = inbox
        self._max_bytes = max_bytes
        self._bytes = 0
        self._counts: dict[str, int] = {}  # entries that wait, by who made them
        self._outage = OutageLog("can't write to the inbox")
        self._waiting: deque[tuple[Entry, Done | None]] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def __len__(self) -> int:
        """Return how many entries wait."""
        return len(self._waiting)

    def put(self, entry: Post | Ack, done: Done | None = None) -> bool:
        """Take an entry, and call `done` when it is written; tells whether there was room."""
        maker, size = _maker(entry), _size(entry)
        count = self._counts.get(maker, 0)
        if (
            len(self._waiting) >= MAX_WAITING
            or count >= max(1, MAX_WAITING // SHARE)
            or self._bytes + size > self._max_bytes
        ):
            return False
        self._counts[maker] = count + 1
        self._bytes += size
        self._waiting.append((entry, done))
        self._emptied.clear()
        self._filled.set()
        return True

    async def close(self, timeout: float) -> None:
        """Write what waits, within `timeout` seconds, and end."""
        with contextlib.suppress(asyncio.TimeoutError):
            await within(self._emptied.wait(), timeout)
        await end(self._task)
        if self._waiting:
            log.error("extension 'pm': %s entries did not reach the inbox; no sender has a receipt", len(self._waiting))

    async def _run(self) -> None:
        while True:
            await self._filled.wait()
            batch = [self._waiting[index] for index in range(min(len(self._waiting), BATCH))]
            outcomes = await self._write([entry for entry, _ in batch])
            for (entry, done), outcome in zip(batch, outcomes, strict=True):
                self._waiting.popleft()
                self._forget(entry)
                if done is not None:
                    _call(done, outcome)
            if not self._waiting:
                self._filled.clear()
                self._emptied.set()

    def _forget(self, entry: Entry) -> None:
        self._bytes -= _size(entry)
        maker = _maker(entry)
        self._counts[maker] -= 1
        if not self._counts[maker]:
            del self._counts[maker]

    async def _write(self, entries: list[Entry]) -> list[Outcome]:
        pause = PAUSE[0]
        while True:
            try:
                outcomes = await self._inbox.write(entries)
            except (TypeError, ValueError, LookupError, ArithmeticError) as error:  # of the entries, not of the engine
                if len(entries) == 1:
                    return [set_aside(entries[0], error)]
                return [outcome for entry in entries for outcome in await self._write([entry])]
            except Exception as error:  # whatever the engine's client raises when the engine is away
                self._outage.failed(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE[1])
            else:
                self._outage.recovered()
                return outcomes


def _maker(entry: Entry) -> str:
    return entry.username if isinstance(entry, Ack) else entry.message.sender


def _size(entry: Entry) -> int:
    """Return about the bytes that an entry takes while it waits."""
    if isinstance(entry, Ack):
        return OVERHEAD
    message = entry.message
    return sys.getsizeof(message.body) + 4 * (len(message.to) + len(message.sender)) + OVERHEAD


def _call(done: Done, outcome: Outcome) -> None:
    try:
        done(outcome)
    except Exception:  # one sender's, and the messages of all others wait behind it
        log.exception("extension 'pm' could not tell a sender what became of a message")
