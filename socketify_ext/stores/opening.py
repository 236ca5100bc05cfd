"""From a URL to a store."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from .. import errors
from .memory import MAX_BYTES, MAX_KEYS, MemoryStore
from .store import Store
from .url import parse_url

SCHEMES: Final = ("memory", "sqlite", "redis", "rediss", "unix")

BOUNDS: Final = {"max_keys": MAX_KEYS, "max_bytes": MAX_BYTES}


def open_store(url: str) -> Store:
    """Make the store that a URL names; nothing is opened before its first use.

    Args:
        url: `memory://`, `sqlite:///relative/path`, `sqlite:////absolute/path`, or what redis-py takes:
            `redis://host:6379/0`, `rediss://`, `unix:///path`.

    Raises:
        StoreAddressError: the URL is none of these.
        MissingExtraError: the engine's client library is not installed.
    """
    try:
        parts = parse_url(url, SCHEMES, options_of_memory=True)
    except ValueError as error:
        raise _rejection(str(error)) from None
    if parts.scheme == "memory":
        return MemoryStore(*_bounds(parts.query))
    if parts.scheme == "sqlite":
        from .sqlite import SqliteStore

        return SqliteStore(parts.path[1:])
    from .redis import RedisStore

    return RedisStore(url)


def _bounds(query: str) -> tuple[int, int]:
    given = parse_qs(query, keep_blank_values=True)
    numbers = [given.pop(name, [str(default)])[-1] for name, default in BOUNDS.items()]
    if given or not all(
        number.isascii() and number.isdecimal() and len(number) < 19 and int(number) for number in numbers
    ):
        raise _rejection("a memory URL takes the options max_keys and max_bytes alone, numbers above 0")
    return int(numbers[0]), int(numbers[1])


def _rejection(why: str) -> errors.StoreAddressError:
    # The URL itself is not shown: it may hold a password.
    return errors.StoreAddressError(
        "a store",
        "can't be opened",
        why,
        "Write memory://, sqlite:///file.db, sqlite:////folder/file.db or redis://host",
    )
