"""Counter storage, and behaviour during an outage."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from typing import Any, Final

import limits
from limits.errors import StorageError

from socketify_ext.errors import require_extra
from socketify_ext.stores import make_redis_client

from .memory import MemoryCounts, Standing
from .options import MEMORY, Options

log = logging.getLogger("socketify_ext_ratelimit")

PAUSE: Final = 1.0
"""Seconds for which a store that is away is left alone."""


class StoreAwayError(Exception):
    """The store can't be asked."""


class Store:
    """Count requests in memory, Redis or Valkey."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._client: Any = None
        self._limiter: Any = None
        self._away_until = 0.0
        self._is_away = False
        self._counts: dict[tuple[str, limits.RateLimitItem], MemoryCounts] = {}
        url = options.store.get_secret_value()
        if url != MEMORY:
            from limits.aio import storage, strategies

            require_extra("redis", "redis", "extension 'ratelimit'", distribution="socketify-ext-ratelimit")
            timeout = options.timeout
            self._client = make_redis_client(
                url,
                retries=1,  # the server may have closed an idle connection
                timeout=timeout,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
            )
            pool = self._client.connection_pool
            made = storage.RedisStorage(
                "async+redis://", True, "redispy", key_prefix=options.prefix, connection_pool=pool
            )
            strategy: Any = strategies.STRATEGIES[options.strategy]
            self._limiter = strategy(made)

    async def hit(self, limit: limits.RateLimitItem, scope: str, who: tuple[str, str]) -> Standing:
        """Count a request.

        Args:
            limit: the rate.
            scope: what it is for.
            who: whom the request counts for; the store sees a digest alone, of one length for any name.

        Raises:
            StoreAwayError: the store can't be asked, or could not a moment ago.
        """
        digest = hashlib.blake2b(json.dumps([scope, *who]).encode(), digest_size=16)
        if self._limiter is None:
            return self._counts_of(scope, limit).hit(digest.digest())
        if time.monotonic() < self._away_until:
            raise StoreAwayError
        key = digest.hexdigest()
        try:
            is_allowed = await self._limiter.hit(limit, key)
            stats = await self._limiter.get_window_stats(limit, key)
        except (StorageError, OSError) as error:
            self._leave_alone(error)
            raise StoreAwayError from error
        if self._is_away:
            self._is_away = False
            log.warning("the store of the rate limits is there again")
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        return Standing(is_allowed, max(0, stats.remaining), min(reset, limit.get_expiry()))

    def _counts_of(self, scope: str, limit: limits.RateLimitItem) -> MemoryCounts:
        """Get the counts of a limit; there are as many as the options have limits."""
        counts = self._counts.get((scope, limit))
        if counts is None:
            options = self._options
            counts = MemoryCounts(limit.amount, limit.get_expiry(), options.strategy, options.max_entries)
            self._counts[scope, limit] = counts
        return counts

    def _leave_alone(self, error: Exception) -> None:
        self._away_until = time.monotonic() + PAUSE
        if not self._is_away:
            self._is_away = True
            cause = getattr(error, "storage_error", error)
            log.error("the store of the rate limits is away: %s: %s", type(cause).__name__, cause)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
