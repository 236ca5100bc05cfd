"""`redis://`: Redis or Valkey, publish/subscribe by redis-py."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from ... import errors
from .engine import Receive

CHANNELS: Final = 1000
"""Channels in one SUBSCRIBE or UNSUBSCRIBE."""

TURN: Final = 50
"""Messages that are read before others have their turn."""


class Redis:
    """One connection that publishes, one that is subscribed.

    A channel is the prefix, a colon and the topic's bytes as they are.

    Raises:
        InstallError: redis-py is not installed.
    """

    max_frame = 256 * 1024 * 1024  # half of what the server's proto-max-bulk-len has by default

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        try:
            from redis import asyncio as client
        except ImportError:
            raise errors.InstallError(
                "extension 'backplane'",
                "can't use redis://",
                "redis is not installed",
                'Install the extra: pip install "socketify-ext[redis]"',
            ) from None
        self._library = client
        self._url = url
        self._timeout = timeout
        self._prefix = f"{prefix}:".encode()
        address = urlsplit(url)
        self.name = f"{address.scheme}://{address.hostname or 'localhost'}:{address.port or 6379}"
        self._client: Any = None
        self._pubsub: Any = None
        self._receive: Receive
        self._unconfirmed = 0
        self._confirmed = asyncio.Event()
        self._heard = False

    async def connect(self, receive: Receive) -> None:
        """Open both connections; the client library shall not reconnect by itself."""
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        self._receive = receive
        self._client = self._library.Redis.from_url(
            self._url, retry=Retry(NoBackoff(), 0), socket_timeout=None, socket_connect_timeout=self._timeout
        )
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
                    await self._pubsub.ping()
                    await asyncio.wait({reading}, timeout=self._timeout)
                    if not self._heard:
                        raise TimeoutError(f"no answer for {self._timeout:g} s")
                if reading.done():
                    return reading.result()
        finally:
            reading.cancel()

    async def _read(self) -> None:
        read, start = self._pubsub.get_message, len(self._prefix)
        for number in itertools.count(1):
            message = await read(timeout=None)
            self._heard = True
            if not number % TURN:
                await asyncio.sleep(0)  # what is buffered is read without a pause, and requests wait
            if message is None:
                continue
            kind = message["type"]
            if kind == "message":
                self._receive(message["channel"][start:], message["data"])
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
        for start in range(0, len(topics), CHANNELS):
            channels = [self._prefix + topic for topic in topics[start : start + CHANNELS]]
            self._unconfirmed = len(channels)
            self._confirmed.clear()
            await command(*channels)
            await asyncio.wait_for(self._confirmed.wait(), self._timeout)

    async def publish(self, frames: Sequence[tuple[bytes, bytes]]) -> None:
        """Publish in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for topic, frame in frames:
            pipeline.execute_command("PUBLISH", self._prefix + topic, frame)
        await pipeline.execute()

    async def close(self) -> None:
        """Close both connections."""
        pubsub, self._pubsub = self._pubsub, None
        client, self._client = self._client, None
        if pubsub is not None:
            await pubsub.aclose()
        if client is not None:
            await client.aclose()
