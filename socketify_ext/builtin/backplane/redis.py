"""`redis://`: Redis or Valkey, publish/subscribe by redis-py."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any, Final

from ...sdk.deadline import end, within
from ...stores._redis import make_redis_client, require_redis
from ...stores.url import parse_url
from .broker import Receive

TURN: Final = 50
"""Messages that are read before others have their turn."""


class Redis:
    """One connection that publishes, one that is subscribed.

    A channel is the prefix, a colon and the topic's bytes as they are.

    Raises:
        MissingExtraError: redis-py is not installed.
    """

    max_frame = 256 * 1024 * 1024  # half of what the server's proto-max-bulk-len has by default

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        require_redis("extension 'backplane'")
        self._url = url
        self._timeout = timeout
        self._prefix = f"{prefix}:".encode()
        address = parse_url(url, ("redis", "rediss"))
        self.name = f"{address.scheme}://{address.host}:{address.port or 6379}"
        self._client: Any = None
        self._pubsub: Any = None
        self._receive: Receive
        self._unconfirmed = 0
        self._confirmed = asyncio.Event()
        self._heard = False

    async def connect(self, receive: Receive) -> None:
        """Open both connections; the client library does not reconnect by itself."""
        self._receive = receive
        fixed = {"socket_timeout": None, "socket_connect_timeout": self._timeout}
        self._client = make_redis_client(self._url, retries=0, fixed=fixed)
        await self._client.ping()
        self._pubsub = self._client.pubsub()
        await self._pubsub.connect()

    async def run(self) -> None:
        """Read what comes; ping while nothing does."""
        reading = asyncio.ensure_future(self._read())
        try:
            while True:
                self._heard = False
                await asyncio.wait({reading}, timeout=self._timeout)
                if not reading.done() and not self._heard:
                    await within(self._pubsub.ping(), self._timeout)
                    await asyncio.wait({reading}, timeout=self._timeout)
                    if not self._heard:
                        raise TimeoutError(f"no answer for {self._timeout:g} s")
                if reading.done():
                    return reading.result()
        finally:
            await end(reading)

    async def _read(self) -> None:
        read, prefix, start = self._pubsub.get_message, self._prefix, len(self._prefix)
        for number in itertools.count(1):
            message = await read(timeout=None)
            self._heard = True
            if not number % TURN:
                await asyncio.sleep(0)  # what is buffered is read without a pause, and requests wait
            if message is None:
                continue
            kind = message["type"]
            if kind == "message":
                channel = message["channel"]
                if isinstance(channel, bytes) and channel.startswith(prefix):  # another app's is not ours
                    self._receive(channel[start:], message["data"])
            elif kind != "pong":
                self._unconfirmed -= 1
                if not self._unconfirmed:
                    self._confirmed.set()

    async def subscribe(self, topics: Sequence[bytes]) -> None:
        """Subscribe to the topics' channels."""
        await self._change(self._pubsub.subscribe, topics)

    async def unsubscribe(self, topics: Sequence[bytes]) -> None:
        """Unsubscribe from the topics' channels."""
        await self._change(self._pubsub.unsubscribe, topics)

    async def _change(self, command: Any, topics: Sequence[bytes]) -> None:
        self._unconfirmed = len(topics)
        self._confirmed.clear()
        await command(*(self._prefix + topic for topic in topics))
        await self._confirmed.wait()

    async def publish(self, frames: Sequence[tuple[bytes, bytes]]) -> Sequence[tuple[int, str]]:
        """Publish in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for topic, frame in frames:
            pipeline.execute_command("PUBLISH", self._prefix + topic, frame)
        answers = await pipeline.execute(raise_on_error=False)
        return [(number, str(answer)) for number, answer in enumerate(answers) if isinstance(answer, Exception)]

    async def close(self) -> None:
        """Close both connections."""
        pubsub, self._pubsub = self._pubsub, None
        client, self._client = self._client, None
        try:
            if pubsub is not None:
                await pubsub.aclose()
        finally:
            if client is not None:
                await client.aclose()
