"""Bytes by key, kept in this process, in a file that several processes share, or in Redis: see `docs/stores.md`."""

from ._redis import make_redis_client
from .opening import open_store
from .store import Store

__all__ = ["Store", "make_redis_client", "open_store"]
