"""SQLite files: how a store and the inbox of `pm` open one."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import Final, Literal

TIMEOUT: Final = 5.0  # seconds to wait for another process's write


def connect(path: str, *, synchronous: Literal["NORMAL", "FULL"]) -> sqlite3.Connection:
    """Open a file with a write-ahead log, and make it where it is missing.

    The file is made for its owner alone, and SQLite gives its `-wal` and `-shm` files the mode of the file.

    Raises:
        OSError, sqlite3.Error: it can't be opened.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite's own would be open to all to read
    connection = sqlite3.connect(path, timeout=TIMEOUT, isolation_level=None)
    try:
        _switch_to_wal(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except BaseException:
        connection.close()
        raise
    return connection


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work at once; SQLite does not wait here by itself where another process does the same."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
