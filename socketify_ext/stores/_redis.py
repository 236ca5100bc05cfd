"""Redis and Valkey: how a store, the inbox of `pm` and the backplane make a client, and what its errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .. import errors

_OUTAGES: Final = ("MISCONF", "NOREPLICAS", "LOADING", "BUSY", "UNKILLABLE", "NOAUTH", "NOPERM", "MASTERDOWN", "max ")
"""How answers begin that concern all clients and pass."""


def require_redis(who: str) -> None:
    """Check that redis-py is installed.

    Raises:
        MissingExtraError: it is not.
    """
    errors.require_extra("redis", "redis", who)


def make_redis_client(
    url: str, *, retries: int, decode: bool = False, fixed: Mapping[str, Any] | None = None, **defaults: Any
) -> Any:
    """Make a client of redis-py with a pool of connections; it connects with its first command.

    Args:
        url: as redis-py takes it, and valkey:// or valkeys://.
        retries: how often a command is tried again, on a new connection.
        decode: whether answers are text, else bytes.
        fixed: arguments of the connections that options in the URL can't change.
        defaults: arguments of the pool and its connections that options in the URL replace.

    Raises:
        ValueError: the URL is malformed.
    """
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    scheme, _, rest = url.partition("://")
    pool: Any = BlockingConnectionPool.from_url(f"{scheme.replace('valkey', 'redis')}://{rest}", **defaults)
    pool.connection_kwargs.update(retry=Retry(NoBackoff(), retries), decode_responses=decode, **(fixed or {}))
    return Redis.from_pool(pool)


def redis_errors() -> tuple[type[Exception], ...]:
    """Return what a command raises: an engine's error, a lost connection or a timeout."""
    from redis.exceptions import RedisError

    return RedisError, OSError, TimeoutError


def is_permanent(error: Exception) -> bool:
    """Whether an error is the engine's answer to this one command, and will be the same the next time."""
    from redis import exceptions

    outages = (
        exceptions.OutOfMemoryError,
        exceptions.ReadOnlyError,
        exceptions.NoScriptError,
        exceptions.ExecAbortError,
        exceptions.NoPermissionError,
    )
    return (
        isinstance(error, exceptions.ResponseError)
        and not isinstance(error, outages)
        and not str(error).startswith(_OUTAGES)
    )
