"""`sqlite:///path`: kept in a file that all processes of one machine share."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from ._sqlite import connect
from .store import LEASE, Store, Values

Result = TypeVar("Result")

PURGE_LIMIT: Final = 50
"""Expired rows that each write takes out, beside two for each row that it adds: so rows that expire never pile up."""

PURGE_LEASES_EVERY: Final = 60.0  # seconds; only a killed process leaves one

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS socketify_ext_values (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires REAL);
CREATE INDEX IF NOT EXISTS socketify_ext_values_expires ON socketify_ext_values (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS socketify_ext_leases (key TEXT PRIMARY KEY, token TEXT NOT NULL, expires REAL NOT NULL);
"""
READ: Final = "SELECT value FROM socketify_ext_values WHERE key = ? AND (expires IS NULL OR expires > ?)"
WRITE: Final = "REPLACE INTO socketify_ext_values (key, value, expires) VALUES (?, ?, ?)"
DELETE: Final = "DELETE FROM socketify_ext_values WHERE key = ?"
PURGE: Final = (
    "DELETE FROM socketify_ext_values WHERE rowid IN "
    "(SELECT rowid FROM socketify_ext_values WHERE expires <= ? LIMIT ?)"
)
LEASED: Final = "SELECT 1 FROM socketify_ext_leases WHERE key = ? AND expires > ?"
TAKE: Final = "REPLACE INTO socketify_ext_leases (key, token, expires) VALUES (?, ?, ?)"
RELEASE: Final = "DELETE FROM socketify_ext_leases WHERE key = ? AND token = ?"


class SqliteStore(Store):
    """Keep values in a file; one worker thread does all of it, so that the event loop never waits for a disk.

    Args:
        path: the file, made with access for its owner alone where there is none.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self.name = f"store sqlite:///{path}"
        self._path = path
        self._process = 0
        self._worker: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._inherited: list[Any] = []
        self._purged = 0.0

    async def _run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        if self._process != os.getpid():
            # A thread does not survive a fork, and closing an inherited connection would break the parent's locks.
            self._inherited.append(self._connection)
            self._worker = self._connection = None
            self._process = os.getpid()
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "socketify-ext-store")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, function, *arguments)
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(error) from error

    async def close(self) -> None:
        """Close the file; the next use opens it again."""
        worker, self._worker = self._worker, None
        if worker is not None and self._process == os.getpid():
            await asyncio.get_running_loop().run_in_executor(worker, self._disconnect)
            worker.shutdown(wait=False)

    async def _get(self, key: str) -> bytes | None:
        return await self._run(self._read, key)

    async def _set(self, key: str, value: bytes, expire: float | None) -> None:
        await self._run(self._transact, self._write, {key: value}, expire)

    async def _delete(self, key: str) -> bool:
        return await self._run(self._transact, self._remove, key)

    async def _begin(self, keys: Sequence[str], token: str) -> Values | None:
        return await self._run(self._transact, self._lease_all, keys, token)

    async def _commit(
        self, token: str, seen: Mapping[str, bytes | None], changes: Mapping[str, bytes | None], expire: float | None
    ) -> bool:
        return await self._run(self._transact, self._swap, token, seen, changes, expire)

    async def _release(self, keys: Sequence[str], token: str) -> None:
        await self._run(self._transact, self._release_all, keys, token)

    # In the worker thread.

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = connect(self._path, synchronous="NORMAL")
            try:
                connection.executescript(SCHEMA)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _transact(self, function: Callable[..., Result], *arguments: Any) -> Result:
        connection = self._connect()
        connection.execute("BEGIN IMMEDIATE")
        try:
            before = connection.total_changes
            result = function(*arguments)
            self._purge(connection, PURGE_LIMIT + 2 * (connection.total_changes - before))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk ends it by itself
                connection.execute("ROLLBACK")
            raise
        return result

    def _purge(self, connection: sqlite3.Connection, limit: int) -> None:
        connection.execute(PURGE, (time.time(), limit))
        if time.monotonic() - self._purged > PURGE_LEASES_EVERY:
            self._purged = time.monotonic()
            connection.execute("DELETE FROM socketify_ext_leases WHERE expires <= ?", (time.time(),))

    def _read(self, key: str) -> bytes | None:
        row = self._connect().execute(READ, (key, time.time())).fetchone()
        return None if row is None else bytes(row[0])

    def _write(self, changes: Mapping[str, bytes | None], expire: float | None) -> None:
        connection = self._connect()
        end = None if expire is None else time.time() + expire
        for key, value in changes.items():
            if value is None:
                connection.execute(DELETE, (key,))
            else:
                connection.execute(WRITE, (key, value, end))

    def _remove(self, key: str) -> bool:
        found = self._read(key) is not None
        self._connect().execute(DELETE, (key,))
        return found

    def _lease_all(self, keys: Sequence[str], token: str) -> Values | None:
        connection, now = self._connect(), time.time()
        if any(connection.execute(LEASED, (key, now)).fetchone() for key in keys):
            return None
        connection.executemany(TAKE, [(key, token, now + LEASE) for key in keys])
        return {key: self._read(key) for key in keys}

    def _swap(
        self, token: str, seen: Mapping[str, bytes | None], changes: Mapping[str, bytes | None], expire: float | None
    ) -> bool:
        if any(self._read(key) != value for key, value in seen.items()):
            return False
        self._write(changes, expire)
        self._release_all(seen, token)
        return True

    def _release_all(self, keys: Iterable[str], token: str) -> None:
        self._connect().executemany(RELEASE, [(key, token) for key in keys])
