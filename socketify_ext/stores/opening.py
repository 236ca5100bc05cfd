"""From a URL to a store."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from .. import errors
from .memory import MAX_KEYS, MemoryStore
from .store import Store


def open_store(url: str) -> Store:
    """Give the store that a URL names; nothing is opened before its first use.

    Args:
        url: `memory://`, `sqlite:///relative/path`, `sqlite:////absolute/path`, or what redis-py takes:
            `redis://host:6379/0`, `rediss://`, `unix:///path`.

    Raises:
        StoreAddressError: the URL is none of these.
        InstallError: the client library of the engine is not installed.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _refusal(str(error)) from None
    if parts.scheme == "memory":
        return MemoryStore(_max_keys(parts.query))
    if parts.scheme == "sqlite":
        path = unquote(parts.path[1:])
        if parts.netloc or not path or parts.query:
            raise _refusal("a sqlite URL has a path and nothing else")
        from .sqlite import SqliteStore

        return SqliteStore(path)
    if parts.scheme in ("redis", "rediss", "unix"):
        from .redis import RedisStore

        return RedisStore(url)
    raise _refusal(f"{parts.scheme!r} is no scheme of a store")


def _max_keys(query: str) -> int:
    given = parse_qs(query)
    number = given.pop("max_keys", [str(MAX_KEYS)])[-1]
    if given or not number.isdecimal() or int(number) < 1:
        raise _refusal("a memory URL takes the option max_keys alone, a number above 0")
    return int(number)


def _refusal(why: str) -> errors.StoreAddressError:
    # The URL itself is not shown: it may hold a password.
    return errors.StoreAddressError(
        "a store",
        "can't be opened",
        why,
        "Write memory://, sqlite:///file.db, sqlite:////folder/file.db or redis://host",
    )
