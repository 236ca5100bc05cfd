"""`Store`: what every engine gives, and edits that are atomic across processes."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

from .. import errors
from .keyed_lock import KeyedLock

Result = TypeVar("Result")
Values = dict[str, "bytes | None"]

KEY_LIMIT: Final = 512
"""Bytes of a key, at most."""

LEASE: Final = 5.0
"""Seconds after which an edit no longer keeps others out; one that a killed process has left ends by itself."""

WAIT: Final = 10.0
"""Seconds that an edit waits for its turn; longer than a lease, so that it outlives the one of a killed process."""

FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.03  # seconds between two tries for a lease that another process has


class Store(abc.ABC):
    """Bytes by key, each with its own expiry.

    A store is made once and used by one event loop. It opens with its first use, in the process that uses it, so that
    it may be made before a fork. `open_store` makes one.

    Edits of a key come one after the other: within a process they queue, and between processes the key is leased. The
    lease only makes others wait: what an edit writes is compared and swapped, so that it can never undo a write that
    it has not seen, however long it took.
    """

    name: str
    """What errors call it; never with a password."""

    def __init__(self) -> None:
        self._lock = KeyedLock()

    async def get(self, key: str) -> bytes | None:
        """Get the value of a key, None if it does not exist or has expired.

        Raises:
            StoreAddressError: the key is empty, longer than 512 bytes or no text.
            StoreUnavailableError: the engine can't be reached.
        """
        return await _in_task(self._get(self._checked(key)))

    async def set(self, key: str, value: bytes, *, expire: float | None = None) -> None:
        """Write a value, whatever was there; edits of the key that run at this moment will fail.

        Args:
            key: 1 to 512 bytes of text.
            value: bytes.
            expire: seconds after which it is gone; never by default.

        Raises:
            StoreAddressError, StoreUnavailableError: as `get`.
        """
        _check_expire(expire)
        await _in_task(self._set(self._checked(key), _checked_value(value), expire))

    async def delete(self, key: str) -> bool:
        """Delete a key and return whether it existed; edits of it that run at this moment will fail.

        Raises:
            StoreAddressError, StoreUnavailableError: as `get`.
        """
        return await _in_task(self._delete(self._checked(key)))

    @contextlib.asynccontextmanager
    async def edit(self, *keys: str, expire: float | None = None) -> AsyncIterator[Values]:
        """Read and write keys in one step that no other edit, of any process, comes between.

        The block gets a dict with the value of each key, None where there is none, and changes it: None deletes. All
        changes are written together when the block ends, and none if it raises; what it leaves as it was keeps its
        expiry.

        Args:
            keys: what to edit.
            expire: seconds after which what is written is gone; never by default.

        Raises:
            StoreBusyError: others edited one of the keys for ten seconds.
            StoreConflictError: a key was written during an edit by `set` or `delete`, or by another edit since this
                one took more than five seconds; nothing of it was saved.
            StoreAddressError, StoreUnavailableError: as `get`.
        """
        names = sorted({self._checked(key) for key in keys})
        _check_expire(expire)
        token = secrets.token_hex(16)
        held: list[str] = []
        leased = False
        try:
            deadline = asyncio.get_running_loop().time() + WAIT
            await self._queue(names, held, deadline)
            leased = True  # from the first try on: one that is cancelled may still reach the engine
            seen = await _in_task(self._lease(names, token, deadline))
            values = dict(seen)
            yield values
            changes = {key: values.get(key) for key in names if values.get(key) != seen[key]}
            if values.keys() - seen.keys():
                raise KeyError(*sorted(values.keys() - seen.keys()))
            for value in changes.values():
                if value is not None:
                    _checked_value(value)
            if changes:
                if not await _in_task(self._commit(token, seen, changes, expire)):
                    raise errors.StoreConflictError(
                        f"an edit of {self.name}",
                        "was not saved",
                        f"{' or '.join(map(repr, names))} was written by someone else meanwhile",
                        "Run it again",
                    )
                leased = False
        finally:
            try:
                if leased:
                    with contextlib.suppress(errors.StoreUnavailableError):  # the lease then ends by itself
                        await _in_task(self._release(names, token))
            finally:
                for key in held:
                    self._lock.release(key)

    async def update(
        self, key: str, function: Callable[[bytes | None], bytes | None], *, expire: float | None = None
    ) -> bytes | None:
        """Write what `function(value)` returns, in one step; None deletes.

        Returns:
            The new value.

        Raises:
            StoreBusyError, StoreConflictError, StoreAddressError, StoreUnavailableError: as `edit`.
        """
        async with self.edit(key, expire=expire) as values:
            values[key] = function(values[key])
            return values[key]

    async def _queue(self, names: Sequence[str], held: list[str], deadline: float) -> None:
        for key in names:
            try:
                await self._lock.acquire(key, deadline)
            except TimeoutError:
                raise self._busy(names) from None
            held.append(key)

    async def _lease(self, names: Sequence[str], token: str, deadline: float) -> Values:
        pause = FIRST_PAUSE
        while (seen := await self._begin(names, token)) is None:
            if asyncio.get_running_loop().time() >= deadline:
                raise self._busy(names)
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - it guards nothing
            pause = min(pause * 2, LONGEST_PAUSE)
        return seen

    def _busy(self, names: Sequence[str]) -> errors.StoreBusyError:
        return errors.StoreBusyError(
            f"an edit of {self.name}",
            "gave up",
            f"others edited {' or '.join(map(repr, names))} for {WAIT:g} seconds",
            "Try again, and keep edits short",
        )

    def _checked(self, key: str) -> str:
        try:
            size = len(key.encode()) if isinstance(key, str) else 0
        except UnicodeEncodeError:
            size = 0
        if 0 < size <= KEY_LIMIT:
            return key
        raise errors.StoreAddressError(
            f"a key of {self.name}",
            "was refused",
            f"a key is text of 1 to {KEY_LIMIT} bytes",
            "Hash what may be longer",
        )

    def _unavailable(self, error: BaseException) -> errors.StoreUnavailableError:
        return errors.StoreUnavailableError(
            self.name, "failed", f"{type(error).__name__}: {error}", "Look at the engine; nothing needs a restart"
        )

    @abc.abstractmethod
    async def close(self) -> None:
        """Close what is open; the next use opens it again."""

    # What an engine gives; keys are checked.

    @abc.abstractmethod
    async def _get(self, key: str) -> bytes | None: ...

    @abc.abstractmethod
    async def _set(self, key: str, value: bytes, expire: float | None) -> None: ...

    @abc.abstractmethod
    async def _delete(self, key: str) -> bool: ...

    @abc.abstractmethod
    async def _begin(self, keys: Sequence[str], token: str) -> Values | None:
        """Lease all keys and read them, or return None if another token has one of them."""

    @abc.abstractmethod
    async def _commit(
        self, token: str, seen: Mapping[str, bytes | None], changes: Mapping[str, bytes | None], expire: float | None
    ) -> bool:
        """Write the changes and end the leases if every key still is as it was seen, else change nothing."""

    @abc.abstractmethod
    async def _release(self, keys: Sequence[str], token: str) -> None:
        """End the leases that the token has."""


def _checked_value(value: bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    raise TypeError(f"a store keeps bytes, not a {type(value).__name__}")


def _check_expire(expire: float | None) -> None:
    if expire is not None and not expire > 0:
        raise ValueError(f"expire is a number of seconds above 0, or None, not {expire!r}")


async def _in_task(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Await it in a task of asyncio: those of the core on a stock app have no `current_task()`, and timeouts need it."""
    if asyncio.current_task() is not None:
        return await coroutine
    return await asyncio.Task(coroutine, loop=asyncio.get_running_loop())
