"""`redis://`: kept in Redis or Valkey, for many machines."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from ._redis import make_redis_client, redis_errors, require_redis
from .store import LEASE, Store, Values
from .url import parse_url

Result = TypeVar("Result")

SCHEMES: Final = ("redis", "rediss", "unix")
PREFIX: Final = b"socketify-ext:"
CONNECTIONS: Final = 20  # of one process; further calls wait for one
TIMEOUT: Final = 5.0  # seconds to connect, to get a connection and to get an answer

# KEYS: n leases, then n values. ARGV: token, milliseconds of the lease.
BEGIN: Final = """
local n = #KEYS / 2
for i = 1, n do
  if redis.call('EXISTS', KEYS[i]) == 1 then return 0 end
end
local found = {}
for i = 1, n do
  redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2])
  found[i] = redis.call('GET', KEYS[n + i])
end
return found
"""

# KEYS: as above. ARGV: token, milliseconds until what is written expires or 0, then for each key: whether there was a
# value, that value, what to do ('keep', 'set' or 'del'), the new value.
COMMIT: Final = """
local n = #KEYS / 2
for i = 1, n do
  local at = 3 + (i - 1) * 4
  local found = redis.call('GET', KEYS[n + i])
  if (ARGV[at] == '1') ~= (found ~= false) or (found and found ~= ARGV[at + 1]) then return 0 end
end
for i = 1, n do
  local at = 3 + (i - 1) * 4
  if ARGV[at + 2] == 'del' then
    redis.call('DEL', KEYS[n + i])
  elseif ARGV[at + 2] == 'set' and ARGV[2] == '0' then
    redis.call('SET', KEYS[n + i], ARGV[at + 3])
  elseif ARGV[at + 2] == 'set' then
    redis.call('SET', KEYS[n + i], ARGV[at + 3], 'PX', ARGV[2])
  end
  if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
return 1
"""

# KEYS: leases. ARGV: token.
RELEASE: Final = """
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
"""


class RedisStore(Store):
    """Keep values in Redis or Valkey, by redis-py.

    Each step is one command or one script, so that it is atomic for all processes. Redis Cluster is not supported: a
    script over several keys needs them on one node.

    Args:
        url: what `redis.asyncio.Redis.from_url` takes.

    Raises:
        ValueError: the URL is malformed.
        MissingExtraError: redis-py is not installed.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        require_redis("a store redis://")
        self.name = f"store {parse_url(url, SCHEMES)}"
        self._url = url
        self._errors = redis_errors()
        self._process = 0
        self._client: Any = None
        self._inherited: list[Any] = []
        self._scripts: dict[str, Any] = {}

    def _open(self) -> Any:
        if self._process != os.getpid():
            # Closing an inherited connection would take it out of the parent's event loop.
            self._inherited.append(self._client)
            self._client, self._process = None, os.getpid()
        if self._client is None:
            self._client = make_redis_client(
                self._url,
                retries=1,  # for a connection that the engine has closed while it was idle
                max_connections=CONNECTIONS,
                timeout=TIMEOUT,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
            )
            self._scripts = {text: self._client.register_script(text) for text in (BEGIN, COMMIT, RELEASE)}
        return self._client

    async def _run(self, call: Callable[[Any], Awaitable[Result]]) -> Result:
        try:
            return await call(self._open())
        except self._errors as error:
            raise self._unavailable(error) from error

    async def _run_script(self, text: str, keys: list[bytes], arguments: list[bytes | int]) -> Any:
        return await self._run(lambda client: self._scripts[text](keys=keys, args=arguments, client=client))

    async def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        client, self._client = self._client, None
        if client is not None and self._process == os.getpid():
            await client.aclose()

    async def _get(self, key: str) -> bytes | None:
        found: bytes | None = await self._run(lambda client: client.get(_value(key)))
        return found

    async def _set(self, key: str, value: bytes, expire: float | None) -> None:
        await self._run(lambda client: client.set(_value(key), value, px=_milliseconds(expire) or None))

    async def _delete(self, key: str) -> bool:
        return bool(await self._run(lambda client: client.delete(_value(key))))

    async def _begin(self, keys: Sequence[str], token: str) -> Values | None:
        given = [*map(_lease, keys), *map(_value, keys)]
        found = await self._run_script(BEGIN, given, [token.encode(), _milliseconds(LEASE)])
        return None if found == 0 else dict(zip(keys, found, strict=True))

    async def _commit(
        self, token: str, seen: Mapping[str, bytes | None], changes: Mapping[str, bytes | None], expire: float | None
    ) -> bool:
        arguments: list[bytes | int] = [token.encode(), _milliseconds(expire)]
        for key, value in seen.items():
            new = changes.get(key)
            action = b"keep" if key not in changes else b"del" if new is None else b"set"
            arguments += [b"0" if value is None else b"1", value or b"", action, new or b""]
        return bool(await self._run_script(COMMIT, [*map(_lease, seen), *map(_value, seen)], arguments))

    async def _release(self, keys: Sequence[str], token: str) -> None:
        await self._run_script(RELEASE, [*map(_lease, keys)], [token.encode()])


def _value(key: str) -> bytes:
    return PREFIX + b"value:" + key.encode()


def _lease(key: str) -> bytes:
    return PREFIX + b"lease:" + key.encode()


def _milliseconds(seconds: float | None) -> int:
    return 0 if seconds is None else max(1, int(seconds * 1000))
