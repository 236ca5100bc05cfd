"""`memory://`: kept in this process, for one worker and for tests."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from .. import errors
from .store import Store, Values

MAX_KEYS: Final = 100_000
MAX_BYTES: Final = 32 * 1024 * 1024
OVERHEAD: Final = 256  # bytes that an entry takes beside its key and its value, about
PURGE_LIMIT: Final = 2  # entries that each write looks at for expired ones


class MemoryStore(Store):
    """Keep values in this process.

    What has expired goes first: each write looks at two more entries than it adds, in a circle. When that is not
    enough, the entries that were written least recently go.

    Args:
        max_keys: how many keys are kept.
        max_bytes: how many bytes they may take, keys and values together.
    """

    name = "store memory://"

    def __init__(self, max_keys: int = MAX_KEYS, max_bytes: int = MAX_BYTES) -> None:
        super().__init__()
        self._max_keys = max_keys
        self._max_bytes = max_bytes
        self._bytes = 0
        # The least recently written first; an OrderedDict, because a dict looks for its first entry past all deleted.
        self._entries: OrderedDict[str, tuple[bytes, float | None]] = OrderedDict()
        self._expiring: OrderedDict[str, None] = OrderedDict()  # the next to look at first

    async def close(self) -> None:
        """Do nothing: the values live as long as the store."""

    def _read(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, end = entry
        if end is not None and end <= time.monotonic():
            self._drop(key)
            return None
        return value

    def _write(self, key: str, value: bytes | None, expire: float | None) -> None:
        self._drop(key)
        self._purge()
        if value is None:
            return
        size = _size(key, value)
        if size > self._max_bytes:
            raise errors.StoreUnavailableError(
                self.name,
                "failed",
                f"a value of {len(value)} bytes is larger than the whole store, which has {self._max_bytes}",
                "Write less, or give it more: memory://?max_bytes=...",
            )
        self._entries[key] = value, None if expire is None else time.monotonic() + expire
        self._bytes += size
        if expire is not None:
            self._expiring[key] = None
        while len(self._entries) > self._max_keys or self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _size(key, entry[0])
            self._expiring.pop(key, None)

    def _purge(self) -> None:
        for _ in range(min(PURGE_LIMIT, len(self._expiring))):
            key = next(iter(self._expiring))
            self._expiring.move_to_end(key)
            self._read(key)  # which drops what has expired

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


def _size(key: str, value: bytes) -> int:
    return 4 * len(key) + len(value) + OVERHEAD
