"""Bytes by key, kept in this process, in a file that several processes share, or in Redis, and signed cookies: see `docs/stores.md`."""

from ._redis import make_redis_client
from .opening import open_store
from .signed_cookie import SignedCookie, check_secret, open_response, secret_list
from .store import Store

__all__ = [
    "SignedCookie",
    "Store",
    "check_secret",
    "make_redis_client",
    "open_response",
    "open_store",
    "secret_list",
]
