"""`memory://`: kept in this process, for one worker and for tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

from .store import Store, Values

MAX_KEYS: Final = 100_000


class MemoryStore(Store):
    """Keep values in this process.

    Args:
        max_keys: how many keys are kept; beyond, the one that was written least recently goes.
    """

    name = "store memory://"

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        super().__init__()
        self._max_keys = max_keys
        self._entries: dict[str, tuple[bytes, float | None]] = {}  # the least recently written first

    async def close(self) -> None:
        """Do nothing: the values live as long as the store."""

    def _read(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, end = entry
        if end is not None and end <= time.monotonic():
            del self._entries[key]
            return None
        return value

    def _write(self, key: str, value: bytes | None, expire: float | None) -> None:
        self._entries.pop(key, None)
        if value is None:
            return
        self._entries[key] = value, None if expire is None else time.monotonic() + expire
        if len(self._entries) > self._max_keys:
            del self._entries[next(iter(self._entries))]

    # Each call yields once, as those of the other engines do, so that what works with one works with all.

    async def _get(self, key: str) -> bytes | None:
        await asyncio.sleep(0)
        return self._read(key)

    async def _set(self, key: str, value: bytes, expire: float | None) -> None:
        await asyncio.sleep(0)
        self._write(key, value, expire)

    async def _delete(self, key: str) -> bool:
        await asyncio.sleep(0)
        found = self._read(key) is not None
        self._write(key, None, None)
        return found

    # Within one process turns keep others out, and no token is needed.

    async def _begin(self, keys: Sequence[str], token: str) -> Values | None:  # noqa: ARG002
        await asyncio.sleep(0)
        return {key: self._read(key) for key in keys}

    async def _commit(
        self,
        token: str,  # noqa: ARG002
        seen: Mapping[str, bytes | None],
        changes: Mapping[str, bytes | None],
        expire: float | None,
    ) -> bool:
        await asyncio.sleep(0)
        if any(self._read(key) != value for key, value in seen.items()):
            return False
        for key, value in changes.items():
            self._write(key, value, expire)
        return True

    async def _release(self, keys: Sequence[str], token: str) -> None:
        pass
