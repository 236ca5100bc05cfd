"""`nats://`: NATS, publish/subscribe by nats-py."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from ... import errors
from .engine import Receive

LONGEST: Final = 500
"""Characters that a topic may have in a subject: the server refuses control lines of more than 4,096 bytes."""

LOOK: Final = 0.1
"""Seconds between two looks whether the connection is still there."""


@functools.lru_cache(maxsize=10_000)
def subject_of(prefix: str, topic: bytes) -> str:
    """Name the subject of a topic: percent-encoded, dots too, or by its SHA-256 where that would be too long.

    A subject is ASCII without spaces, wildcards (* and >) and dots but those of the prefix, and no two topics share one
    (NATS, subject-based messaging).
    """
    encoded = quote(topic, safe="").replace(".", "%2E").replace("~", "%7E")
    if len(encoded) > LONGEST:
        return f"{prefix}.hash.{hashlib.sha256(topic).hexdigest()}"
    return f"{prefix}.topic.-{encoded}"


class Nats:
    """One connection; a subject and a subscription for each topic.

    Raises:
        InstallError: nats-py is not installed.
    """

    max_frame = 0

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        try:
            from nats.aio import client
        except ImportError:
            raise errors.InstallError(
                "extension 'backplane'",
                "can't use nats://",
                "nats-py is not installed",
                'Install the extra: pip install "socketify-ext[nats]"',
            ) from None
        self._library = client
        self._servers = [server.strip() for server in url.split(",")]
        self._prefix = prefix
        self._timeout = timeout
        addresses = [urlsplit(server) for server in self._servers]
        self.name = ",".join(
            f"{each.scheme}://{each.hostname or 'localhost'}:{each.port or 4222}" for each in addresses
        )
        self._client: Any = None
        self._subscriptions: dict[bytes, Any] = {}
        self._receive: Receive
        self._errors: list[Exception] = []

    async def connect(self, receive: Receive) -> None:
        """Connect; the client library shall not reconnect by itself, nor get its own messages back."""
        from nats.errors import NoServersError

        self._receive = receive
        self._errors = told = []

        async def failed(error: Exception) -> None:
            told.append(error)

        self._client = self._library.Client()
        try:
            await self._client.connect(
                servers=self._servers,
                name="socketify_ext backplane",
                no_echo=True,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=self._timeout,
                ping_interval=self._timeout,
                max_outstanding_pings=1,
                error_cb=failed,
            )
        except NoServersError:
            raise told[-1] if told else ConnectionError("no server answers") from None
        told.clear()
        self.max_frame = self._client.max_payload

    async def run(self) -> None:
        """Wait for the end of the connection, or for an error; the client library reads by itself."""
        while not self._errors and not self._client.is_closed:  # noqa: ASYNC110 - closed_cb does not come in every case
            await asyncio.sleep(LOOK)
        raise self._errors[0] if self._errors else ConnectionError("the connection has ended")

    async def subscribe(self, topics: Sequence[bytes]) -> None:
        """Subscribe to the topics' subjects."""
        for topic in topics:
            subject = subject_of(self._prefix, topic)
            self._subscriptions[topic] = await self._client.subscribe(subject, cb=self._taker(topic))
        await self._client.flush(self._timeout)

    def _taker(self, topic: bytes) -> Callable[[Any], Awaitable[None]]:
        receive = self._receive

        async def take(message: Any) -> None:
            receive(topic, message.data)

        return take

    async def unsubscribe(self, topics: Sequence[bytes]) -> None:
        """Unsubscribe from the topics' subjects."""
        for topic in topics:
            await self._subscriptions.pop(topic).unsubscribe()
        await self._client.flush(self._timeout)

    async def publish(self, frames: Sequence[tuple[bytes, bytes]]) -> None:
        """Publish, and wait until the server has read it all."""
        for topic, frame in frames:
            await self._client.publish(subject_of(self._prefix, topic), frame)
        await self._client.flush(self._timeout)

    async def close(self) -> None:
        """Close the connection and its subscriptions."""
        client, self._client = self._client, None
        self._subscriptions.clear()
        if client is not None:
            await client.close()
