"""`Jwks`: an issuer's keys, cached, and read again in the background when they age or an unknown one is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jwt import PyJWK
from jwt.exceptions import PyJWTError

log = logging.getLogger("socketify_ext")

# Seconds for which keys that can't be read again are still used after their maximum age.
STALE: Final = 3600.0

Keys = Mapping[tuple[str | None, str], PyJWK]

_PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth"))


class KeysUnavailableError(Exception):
    """No key is available for now."""


def parse(document: bytes, algorithms: Iterable[str]) -> Keys:
    """Read a JSON Web Key Set (RFC 7517, 5).

    A key serves the algorithms that it fits by its type, its curve and, where it says so, its `alg`, its `use` and its
    `key_ops`; what serves none is left out, as the RFC asks.

    Returns:
        Keys by `kid` and algorithm; under None the one that is meant where a token names none, if there is only one.

    Raises:
        ValueError: it is not a key set, or holds no key for any of the algorithms.
    """
    try:
        entries = json.loads(document)["keys"]
        given = [entry for entry in entries if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError('it is not a JSON Web Key Set: an object with "keys" (RFC 7517, 5)') from None
    keys: dict[tuple[str | None, str], PyJWK] = {}
    for algorithm in algorithms:
        fitting = [(entry, key) for entry in given if (key := _key(entry, algorithm)) is not None]
        for entry, key in fitting:
            if isinstance(entry.get("kid"), str):
                keys.setdefault((entry["kid"], algorithm), key)
        if len(fitting) == 1:
            keys[None, algorithm] = fitting[0][1]
    if not keys:
        raise ValueError(f"it holds no key for {', '.join(algorithms)}")
    return keys


def _key(entry: Mapping[str, Any], algorithm: str) -> PyJWK | None:
    operations = entry.get("key_ops", ["verify"])
    if (
        entry.get("alg", algorithm) != algorithm
        or entry.get("use", "sig") != "sig"
        or not (isinstance(operations, list) and "verify" in operations)
    ):
        return None
    public = {name: value for name, value in entry.items() if name not in _PRIVATE}
    try:
        key = PyJWK(public, algorithm)
        key.Algorithm.prepare_key(key.key)  # an elliptic key of another curve is told apart here
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    return None if key.Algorithm.check_key_length(key.key) else key


class Jwks:
    """Hold the keys of one location.

    A key that is known serves at once, and while the keys are older than `max_age` they are read anew behind it. Only
    who asks for a key that is not known waits. One read runs at a time, in a thread of its own that nothing waits for
    at the end of the process, and at most one each `cooldown` seconds whatever is asked for.

    Args:
        read: gives the document; it may block and raise.
        algorithms: those that keys are wanted for.
        max_age: seconds until the keys are read again.
        cooldown: least seconds between two reads.
        timeout: seconds after which a read counts as failed, and nobody waits for it.
        clock: returns seconds.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        algorithms: Iterable[str],
        *,
        max_age: float = 600,
        cooldown: float = 30,
        timeout: float = 5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._algorithms = tuple(algorithms)
        self._max_age, self._cooldown, self._timeout, self._clock = max_age, cooldown, timeout, clock
        self._keys: Keys = {}
        self._read_at = self._tried_at = -math.inf
        self._reading: _Reading | None = None

    def load(self) -> None:
        """Read the keys now, on this thread.

        Raises:
            OSError: the document can't be read.
            ValueError: it is not a key set, or holds no key that could be used.
        """
        self._tried_at = self._clock()
        self._take(self._parsed())

    def known(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """Return a key at once, None where it is not known; keys that have aged are read anew meanwhile."""
        age = self._clock() - self._read_at
        if age > self._max_age + STALE:
            return None
        key = self._keys.get((kid, algorithm))
        if key is not None and age > self._max_age:
            self._reading_if_due()
        return key

    async def find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """Return a key, after a new read where one is due; None where the issuer has no such key.

        Raises:
            KeysUnavailableError: the keys could not be read for too long.
        """
        reading = self._reading_if_due()
        if reading is not None:
            await asyncio.wait({reading.keys}, timeout=self._timeout)
        if self._clock() - self._read_at > self._max_age + STALE:
            raise KeysUnavailableError
        return self._keys.get((kid, algorithm))

    def _reading_if_due(self) -> _Reading | None:
        """Return the read that goes on, one that begins now, or None where none is due."""
        reading = self._reading
        if reading is not None and reading.is_running:
            return None if reading.keys.done() else reading  # one that took too long is still in its thread
        now = self._clock()
        if now - self._tried_at < self._cooldown:
            return None
        self._tried_at = now
        self._reading = reading = _Reading(self._parsed, self._timeout)
        reading.keys.add_done_callback(self._done)
        return reading

    def _parsed(self) -> Keys:
        return parse(self._read(), self._algorithms)

    def _done(self, keys: asyncio.Future[Keys]) -> None:
        if keys.cancelled():
            return
        error = keys.exception()
        if error is None:
            self._take(keys.result())
        else:
            told = "".join(each if each.isprintable() else " " for each in str(error)[:500])  # a proxy's words, maybe
            log.warning("auth: the key set can't be read: %s", told)

    def _take(self, keys: Keys) -> None:
        self._keys = keys
        self._read_at = self._clock()


class _Reading:
    """One read, in a daemon thread: `keys` has what it gave, or its error, or that it took too long.

    An executor's threads would be joined at the end of the process, however long a read takes.
    """

    def __init__(self, read: Callable[[], Keys], timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.keys: asyncio.Future[Keys] = self._loop.create_future()
        late = TimeoutError(f"it took more than {timeout:g} seconds")
        self._limit = self._loop.call_later(timeout, self._settle, None, late)
        self._has_returned = False
        try:
            threading.Thread(target=self._run, args=(read,), name="socketify-ext key set", daemon=True).start()
        except RuntimeError as error:  # the system, or an interpreter that ends, allows no more threads
            self._has_returned = True
            self._settle(None, error)

    @property
    def is_running(self) -> bool:
        """Whether its thread is at work, or its loop still has to hear of the end."""
        return not self._has_returned or (self._loop.is_running() and not self.keys.done())

    def _run(self, read: Callable[[], Keys]) -> None:
        keys: Keys | None = None
        failure: Exception | None = None
        try:
            keys = read()
        except Exception as error:
            failure = error
        self._has_returned = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._settle, keys, failure)

    def _settle(self, keys: Keys | None, error: Exception | None) -> None:
        self._limit.cancel()
        if self.keys.done():
            return
        if error is not None:
            self.keys.set_exception(error)
        else:
            self.keys.set_result(keys or {})
