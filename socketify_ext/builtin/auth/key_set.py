"""The keys that an issuer publishes: cached, read again when they age or a new one is asked for, never in a request's way."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jwt import PyJWK
from jwt.exceptions import PyJWTError

log = logging.getLogger("socketify_ext")

# Seconds that keys which can't be read again are still believed after they have aged.
STALE: Final = 3600.0

Keys = Mapping[tuple[str | None, str], PyJWK]

_PRIVATE: Final = frozenset(("d", "p", "q", "dp", "dq", "qi", "oth"))


class KeysUnavailableError(Exception):
    """No key can be had for now."""


def parse(document: bytes, algorithms: Iterable[str]) -> Keys:
    """Read a JSON Web Key Set (RFC 7517, 5).

    A key serves the algorithms that it fits by its type, its curve and, where it says so, its `alg`, its `use` and its
    `key_ops`; what serves none is left out, as the RFC asks.

    Returns:
        Keys by `kid` and algorithm; under None the one that is meant where a token names none, if there is only one.

    Raises:
        ValueError: it is no key set, or holds no key for any of the algorithms.
    """
    try:
        entries = json.loads(document)["keys"]
        given = [entry for entry in entries if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError('it is no JSON Web Key Set: an object with "keys" (RFC 7517, 5)') from None
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


class KeySet:
    """Hold the keys of one location.

    One read runs at a time, in a thread, at most one each `cooldown` seconds whatever is asked for, and nobody waits
    longer than `timeout` seconds for it.

    Args:
        read: gives the document; it may block and raise OSError.
        algorithms: those that keys are wanted for.
        max_age: seconds until the keys are read again before they are used.
        cooldown: least seconds between two reads.
        timeout: seconds to wait for a read.
        clock: gives seconds.
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
        self._reading: asyncio.Future[Keys] | None = None

    def load(self) -> None:
        """Read the keys now, on this thread.

        Raises:
            OSError: the document can't be read.
            ValueError: it is no key set, or holds no key that could be used.
        """
        self._tried_at = self._clock()
        self._take(self._parsed())

    def known(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """Give a key at once, None where the keys must be read first."""
        if self._clock() - self._read_at > self._max_age:
            return None
        return self._keys.get((kid, algorithm))

    async def find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """Give a key, after a new read where one is due; None where the issuer has no such key.

        Raises:
            KeysUnavailableError: the keys could not be read for too long.
        """
        reading = self._reading_if_due()
        if reading is not None:
            await asyncio.wait({reading}, timeout=self._timeout)
        if self._clock() - self._read_at > self._max_age + STALE:
            raise KeysUnavailableError
        return self._keys.get((kid, algorithm))

    def _reading_if_due(self) -> asyncio.Future[Keys] | None:
        now = self._clock()
        if self._reading is None and now - self._tried_at >= self._cooldown:
            self._tried_at = now
            self._reading = asyncio.get_running_loop().run_in_executor(None, self._parsed)
            self._reading.add_done_callback(self._done)
        return self._reading

    def _parsed(self) -> Keys:
        return parse(self._read(), self._algorithms)

    def _done(self, reading: asyncio.Future[Keys]) -> None:
        self._reading = None
        if reading.cancelled():
            return
        error = reading.exception()
        if error is None:
            self._take(reading.result())
        else:
            log.warning("auth: the key set can't be read: %s", error)

    def _take(self, keys: Keys) -> None:
        self._keys = keys
        self._read_at = self._clock()
