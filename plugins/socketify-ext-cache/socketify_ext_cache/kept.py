"""Where answers are kept; without it the app answers by itself."""

from __future__ import annotations

import logging
import time
from typing import Final

from socketify_ext.errors import StoreUnavailableError
from socketify_ext.stores import Store

from .entry import Entry

log = logging.getLogger("socketify_ext_cache")

PAUSE: Final = 1.0
"""Seconds for which a store that is away is left alone."""


class KeptAnswers:
    """Answers by key in a store.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._away_until = 0.0
        self._is_away = False

    async def get(self, key: str) -> Entry | None:
        """Get an answer; None where there is none, or the store is away."""
        if time.monotonic() < self._away_until:
            return None
        try:
            data = await self._store.get(key)
        except StoreUnavailableError as error:
            self._leave_alone(error)
            return None
        if self._is_away:
            self._is_away = False
            log.warning("the store of the cache is there again")
        return None if data is None else Entry.load(data)

    async def set(self, key: str, entry: Entry, seconds: float) -> None:
        """Keep an answer for some seconds, unless the store is away."""
        if time.monotonic() < self._away_until:
            return
        try:
            await self._store.set(key, entry.dump(), expire=seconds)
        except StoreUnavailableError as error:
            self._leave_alone(error)

    def _leave_alone(self, error: Exception) -> None:
        self._away_until = time.monotonic() + PAUSE
        if not self._is_away:
            self._is_away = True
            log.error("the store of the cache is away, and routes answer by themselves: %s", error)
