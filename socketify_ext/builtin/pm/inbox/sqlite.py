"""The inbox in an SQLite file, shared by the processes of one machine."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from ....sdk.deadline import end
from ....stores._sqlite import connect
from ..message import Message
from ..outage_log import OutageLog, set_aside
from ..topics import decoded, encoded
from .shared import KEPT, Ack, Entry, Outcome, Page, Post, Row

POLL: Final = 0.02
"""Seconds between two looks for what other processes have written, while somebody here listens."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS pm (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    username TEXT NOT NULL, -- encoded as in topics
    id TEXT NOT NULL,
    origin TEXT NOT NULL,
    frame TEXT NOT NULL,
    at REAL NOT NULL, -- when it came
    done REAL -- when it was acknowledged
);
CREATE UNIQUE INDEX IF NOT EXISTS pm_id ON pm (username, id);
CREATE INDEX IF NOT EXISTS pm_number ON pm (username, number);
CREATE INDEX IF NOT EXISTS pm_unread ON pm (username, number) WHERE done IS NULL;
CREATE INDEX IF NOT EXISTS pm_at ON pm (at);
CREATE INDEX IF NOT EXISTS pm_done ON pm (done) WHERE done IS NOT NULL;
"""

_ALL: Final = "SELECT number, origin, frame FROM pm WHERE username = ? AND number > ? ORDER BY number LIMIT ?"
_UNREAD: Final = _ALL.replace(" ORDER", " AND done IS NULL ORDER")

SWEEP: Final = 50
"""Rows that each write takes out, beside three for each that it adds: so ended rows never pile up."""

_SWEEP_DONE: Final = "DELETE FROM pm WHERE number IN (SELECT number FROM pm WHERE done < ? LIMIT ?)"
_SWEEP_OLD: Final = "DELETE FROM pm WHERE number IN (SELECT number FROM pm WHERE at < ? LIMIT ?)"

_OF_THE_ENTRY: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    TypeError,
    ValueError,
    ArithmeticError,
)
"""Errors that trying again would not change, and that concern one entry; all others are an outage."""

Result = TypeVar("Result")


class SqliteInbox:
    """Keep messages in a file, with a thread that writes and one that reads, which needs not wait for the disk.

    Every commit is on the disk when it returns (write-ahead log, synchronous=FULL).

    Args:
        path: the file; it is made where it is missing.
        size: messages that wait for one user at most.
        expire: seconds after which a message goes that nobody has acknowledged.
    """

    def __init__(self, path: str, size: int, expire: float) -> None:
        self._expire = expire
        self._path = path
        self._size = size
        self._watched: set[str] = set()
        self._poller: asyncio.Task[None] | None = None

    async def open(self, heard: Callable[[str], None]) -> None:
        """Open the file and look for changes; see `SharedInbox`."""
        self._heard = heard
        self._written = asyncio.Event()
        self._writer, self._reader = (ThreadPoolExecutor(1, f"socketify-ext-pm-{name}") for name in ("write", "read"))
        await self._run(self._writer, self._open_writing)
        await self._run(self._reader, self._open_reading)
        self._poller = asyncio.get_running_loop().create_task(self._poll())

    async def close(self) -> None:
        """Close the file."""
        if self._poller is not None:
            await end(self._poller)
        await self._run(self._reader, self._read_from.close)
        await self._run(self._writer, self._write_to.close)
        for thread in (self._reader, self._writer):
            thread.shutdown(wait=False)

    async def write(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Keep messages and forget acknowledged ones in one transaction; see `SharedInbox`."""
        outcomes = await self._run(self._writer, lambda: self._write(entries))
        self._written.set()
        return outcomes

    async def read(self, username: str, after: int, limit: int, *, unread: bool) -> Page:
        """Read a user's frames; see `SharedInbox`."""
        return await self._run(self._reader, lambda: self._read(username, after, limit, unread))

    def watch(self, username: str) -> None:
        """Look for a user's new messages."""
        self._watched.add(username)

    def unwatch(self, username: str) -> None:
        """Stop listening for a user's new messages."""
        self._watched.discard(username)

    async def _poll(self) -> None:
        outage = OutageLog(f"can't look into the inbox {self._path}")
        while True:
            timer = asyncio.get_running_loop().call_later(POLL, self._written.set)
            await self._written.wait()
            timer.cancel()
            self._written.clear()
            if not self._watched:
                continue
            try:
                for username in await self._run(self._reader, self._changed):
                    if username in self._watched:
                        self._heard(username)
                outage.recovered()
            except sqlite3.Error as error:
                outage.failed(error)

    async def _run(self, thread: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    # -- in the reading thread

    def _open_reading(self) -> None:
        self._read_from = connect(self._path, synchronous="FULL")
        self._version = -1
        self._seen = self._head()

    def _head(self) -> int:
        found = self._read_from.execute("SELECT seq FROM sqlite_sequence WHERE name = 'pm'").fetchone()
        return 0 if found is None else int(found[0])

    def _changed(self) -> list[str]:
        version = self._read_from.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return []
        head = self._head()
        found = self._read_from.execute(
            "SELECT DISTINCT username FROM pm WHERE number > ? AND number <= ?", (self._seen, head)
        ).fetchall()
        self._version, self._seen = version, head
        return [decoded(username) for (username,) in found]

    def _read(self, username: str, after: int, limit: int, unread: bool) -> Page:
        self._read_from.execute("BEGIN")
        try:
            head = self._head()
            rows = self._read_from.execute(_UNREAD if unread else _ALL, (encoded(username), after, limit)).fetchall()
        finally:
            self._read_from.execute("COMMIT")
        return Page([Row(*row) for row in rows], head)

    # -- in the writing thread

    def _open_writing(self) -> None:
        self._write_to = connect(self._path, synchronous="FULL")
        self._write_to.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            self._write_to.execute(statement)
        self._write_to.execute("COMMIT")

    def _write(self, entries: Sequence[Entry]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        now = time.time()
        self._write_to.execute("BEGIN IMMEDIATE")
        try:
            for entry in entries:
                if isinstance(entry, Ack):
                    done = "UPDATE pm SET done = ? WHERE username = ? AND id = ? AND done IS NULL"
                    self._write_to.execute(done, (now, encoded(entry.username), entry.id))
                    outcomes.append("acknowledged")
                    continue
                outcomes.append(self._put_or_set_aside(entry, now))
            for sweep, end in ((_SWEEP_DONE, now - KEPT), (_SWEEP_OLD, now - self._expire)):
                self._write_to.execute(sweep, (end, SWEEP + 3 * len(entries)))
            self._write_to.execute("COMMIT")
        except BaseException:
            if self._write_to.in_transaction:  # a full disk ends it by itself
                self._write_to.execute("ROLLBACK")
            raise
        return outcomes

    def _put_or_set_aside(self, entry: Post, now: float) -> Outcome:
        self._write_to.execute("SAVEPOINT entry")
        try:
            outcome = self._put(entry.message, entry.origin, now)
        except _OF_THE_ENTRY as error:
            self._write_to.execute("ROLLBACK TO entry")
            outcome = set_aside(entry, error)
        self._write_to.execute("RELEASE entry")
        return outcome

    def _put(self, message: Message, origin: str, now: float) -> Outcome:
        to, sender = encoded(message.to), encoded(message.sender)
        known = self._write_to.execute("SELECT 1 FROM pm WHERE username = ? AND id = ?", (to, message.id))
        if known.fetchone() is not None:
            return "known"
        waiting = self._write_to.execute("SELECT COUNT(*) FROM pm WHERE username = ? AND done IS NULL", (to,))
        if waiting.fetchone()[0] >= self._size:
            return "full"
        # REPLACE: the sender's copy of the last time may still be there
        row = "REPLACE INTO pm (username, id, origin, frame, at, done) VALUES (?, ?, ?, ?, ?, ?)"
        self._write_to.execute(row, (to, message.id, "", message.received, now, None))
        if to != sender:
            self._write_to.execute(row, (sender, message.id, origin, message.sent, now, now))
        return "stored"
