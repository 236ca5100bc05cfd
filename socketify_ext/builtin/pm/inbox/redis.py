"""The inbox in Redis or Valkey, shared by processes and machines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from ....sdk.deadline import end
from ....stores._redis import is_permanent, make_redis_client, require_redis
from ..outage_log import OutageLog, set_aside
from ..topics import decoded, encoded
from .shared import KEPT, Ack, BrokenInboxError, Entry, Outcome, Page, Row

CONNECTIONS: Final = 16
"""Connections to the engine, at most; further commands wait for one."""

PAUSE: Final = (0.02, 1.0)
"""Seconds between two tries to listen, at first and at last."""

# A user's keys: the log (message ids by number), the values (origin and frame by id), those not acknowledged, those
# that are (by time), and the last number. Numbers are microseconds of the engine's clock, made to grow: so they still
# grow when the engine comes back without its data.
_KEYS: Final = ("log", "values", "unread", "done", "last")

_COMMON: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
local function put(at, id, value)
    local last = tonumber(redis.call('GET', KEYS[at + 4]) or '0')
    local number = math.max(now, last + 1)
    redis.call('SET', KEYS[at + 4], text(number), 'EX', 86400)
    redis.call('ZADD', KEYS[at], text(number), id)
    redis.call('HSET', KEYS[at + 1], id, value)
    return number
end
local function tidy(at, kept, expire)
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[at + 2], '-inf', text(now - expire * 1000000))) do
        redis.call('ZREM', KEYS[at], id)
        redis.call('HDEL', KEYS[at + 1], id)
        redis.call('ZREM', KEYS[at + 2], id)
    end
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[at + 3], '-inf', text(now - kept * 1000000))) do
        redis.call('ZREM', KEYS[at], id)
        redis.call('HDEL', KEYS[at + 1], id)
        redis.call('ZREM', KEYS[at + 3], id)
    end
    local waits = redis.call('ZCARD', KEYS[at + 2]) > 0
    for _, key in ipairs({KEYS[at], KEYS[at + 1], KEYS[at + 2], KEYS[at + 3]}) do
        redis.call('EXPIRE', key, waits and expire or kept)
    end
end
"""

_PUT: Final = (
    _COMMON
    + """
local id, received, sent, most, kept = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local expire = tonumber(ARGV[8])
-- before anything is written, each key is used once: one of another type ends the script here
for at = 1, #KEYS, 5 do
    redis.call('ZCARD', KEYS[at])
    redis.call('HLEN', KEYS[at + 1])
    redis.call('ZCARD', KEYS[at + 2])
    redis.call('ZCARD', KEYS[at + 3])
    if not tonumber(redis.call('GET', KEYS[at + 4]) or '0') then error('the last number is none') end
end
tidy(1, kept, expire)
if redis.call('HEXISTS', KEYS[2], id) == 1 then return 'known' end
if redis.call('ZCARD', KEYS[3]) >= most then return 'full' end
redis.call('ZADD', KEYS[3], text(put(1, id, received)), id)
tidy(1, kept, expire)
redis.call('PUBLISH', ARGV[6], '')
if #KEYS > 5 then
    put(6, id, sent)
    redis.call('ZADD', KEYS[9], text(now), id)
    tidy(6, kept, expire)
    redis.call('PUBLISH', ARGV[7], '')
end
return 'stored'
"""
)

_ACK: Final = (
    _COMMON
    + """
if redis.call('ZREM', KEYS[3], ARGV[1]) == 1 then redis.call('ZADD', KEYS[4], text(now), ARGV[1]) end
tidy(1, tonumber(ARGV[2]), tonumber(ARGV[3]))
return 'acknowledged'
"""
)

_READ: Final = """
local head = redis.call('GET', KEYS[5]) or '0'
local from = ARGV[3] == '1' and KEYS[3] or KEYS[1]
local found = redis.call('ZRANGEBYSCORE', from, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local rows = {}
for index = 1, #found, 2 do
    rows[#rows + 1] = string.format('%.0f', found[index + 1])
    rows[#rows + 1] = redis.call('HGET', KEYS[2], found[index]) or ''
end
return {head, rows}
"""


class RedisInbox:
    """Keep messages in an engine that speaks the protocol of Redis; their durability is that of the engine.

    Args:
        url: as redis-py takes it: redis://, rediss:// or unix://.
        size: messages that wait for one user at most.
        expire: seconds after which a message goes that nobody has acknowledged.
        prefix: what all keys and channels begin with.

    Raises:
        MissingExtraError: redis-py is not installed.
    """

    def __init__(self, url: str, size: int, expire: int, prefix: str) -> None:
        require_redis("extension 'pm'")
        self._url = url
        self._size = size
        self._expire = expire
        self._prefix = prefix
        self._watched: set[str] = set()
        self._pubsub: Any = None
        self._jobs: set[asyncio.Task[None]] = set()

    async def open(self, heard: Callable[[str], None]) -> None:
        """Connect, and listen for what is new; see `SharedInbox`.

        Raises:
            redis.exceptions.RedisError: the engine is not there.
        """
        self._heard = heard
        # The caller tries again, and knows in what order.
        self._client = make_redis_client(self._url, retries=0, decode=True, max_connections=CONNECTIONS, timeout=None)
        await self._client.ping()
        self._put = self._client.register_script(_PUT)
        self._ack = self._client.register_script(_ACK)
        self._read = self._client.register_script(_READ)
        self._listener = asyncio.get_running_loop().create_task(self._listen())

    async def close(self) -> None:
        """Disconnect."""
        await end(self._listener, *self._jobs)
        await self._client.aclose()

    async def write(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Keep messages and forget acknowledged ones, each at once or not at all; see `SharedInbox`."""
        async with self._client.pipeline(transaction=False) as pipeline:
            for entry in entries:
                if isinstance(entry, Ack):
                    await self._ack(self._keys(entry.username), [entry.id, int(KEPT), self._expire], client=pipeline)
                    continue
                message = entry.message
                to_self = message.to == message.sender
                keys = [*self._keys(message.to), *(() if to_self else self._keys(message.sender))]
                received, sent = f"\n{message.received}", f"{entry.origin}\n{message.sent}"
                channels = (self._channel(message.to), self._channel(message.sender))
                arguments = (message.id, received, sent, self._size, int(KEPT), *channels, self._expire)
                await self._put(keys, arguments, client=pipeline)
            results = await pipeline.execute(raise_on_error=False)
        for result in results:
            if isinstance(result, Exception) and not is_permanent(result):
                raise result
        return [
            set_aside(entry, result) if isinstance(result, Exception) else result
            for entry, result in zip(entries, results, strict=True)
        ]

    async def read(self, username: str, after: int, limit: int, *, unread: bool) -> Page:
        """Read a user's frames; see `SharedInbox`."""
        try:
            head, found = await self._read(self._keys(username), [after, limit, int(unread)])
        except Exception as error:
            if is_permanent(error):
                raise BrokenInboxError(str(error)) from error
            raise
        rows = []
        for number, value in zip(found[::2], found[1::2], strict=True):
            origin, _, frame = value.partition("\n")
            rows.append(Row(int(number), origin, frame))
        return Page(rows, int(head))

    def watch(self, username: str) -> None:
        """Listen for a user's new messages."""
        if username not in self._watched:
            self._watched.add(username)
            self._ask("subscribe", username)

    def unwatch(self, username: str) -> None:
        """Stop listening for a user's new messages."""
        self._watched.discard(username)
        self._ask("unsubscribe", username)

    def _ask(self, command: str, username: str) -> None:
        task = asyncio.get_running_loop().create_task(self._send(command, username))
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _send(self, command: str, username: str) -> None:
        if self._pubsub is not None and (username in self._watched) == (command == "subscribe"):
            with contextlib.suppress(Exception):  # the connection is gone: the next one asks for all that is watched
                await getattr(self._pubsub, command)(self._channel(username))

    async def _listen(self) -> None:
        """Hear of what is new; that a subscription has begun, too, may mean that something was missed."""
        pause, outage = PAUSE[0], OutageLog("can't listen to the inbox")
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    self._pubsub = pubsub
                    # one channel that nobody writes to keeps the connection when nobody is watched
                    await pubsub.subscribe(f"{self._prefix}:nobody", *map(self._channel, self._watched))
                    async for event in pubsub.listen():
                        pause = PAUSE[0]
                        outage.recovered()
                        if event["type"] in ("subscribe", "message"):
                            self._tell(event["channel"])
            except Exception as error:  # whatever the client raises when the engine is away
                outage.failed(error)
            finally:
                self._pubsub = None
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE[1])

    def _tell(self, channel: str) -> None:
        username = decoded(channel.removeprefix(f"{self._prefix}:new:"))
        if username in self._watched:
            self._heard(username)

    def _keys(self, username: str) -> list[str]:
        return [f"{self._prefix}:{encoded(username)}:{key}" for key in _KEYS]

    def _channel(self, username: str) -> str:
        return f"{self._prefix}:new:{encoded(username)}"
