"""`nats://`: NATS, publish/subscribe by nats-py."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import quote

from pydantic_core import PydanticCustomError

from ... import errors
from ...stores.url import EngineUrl, parse_url
from .broker import Receive

log = logging.getLogger("socketify_ext")

PENDING: Final = 16 * 1024 * 1024
"""Bytes that have come for a topic and wait at most; what is more is dropped by the client library."""

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


def servers_of(url: str) -> list[EngineUrl]:
    """Return the servers of a URL, several with commas between.

    Raises:
        ValueError: one is malformed, or two have different users.
    """
    servers = [parse_url(each.strip(), ("nats", "tls")) for each in url.split(",")]
    if len({(each.user, each.password) for each in servers if each.user is not None}) > 1:
        raise PydanticCustomError("nats_users", "all servers of a cluster take one user and password")
    return servers


def login_of(servers: Sequence[EngineUrl]) -> dict[str, str]:
    """Return the arguments by which the client library logs in: a user and a password, a token, or none."""
    for each in servers:
        if each.user is not None:
            return {"token": each.user} if each.password is None else {"user": each.user, "password": each.password}
    return {}


class Nats:
    """One connection; a subject and a subscription for each topic.

    Raises:
        MissingExtraError: nats-py is not installed.
    """

    max_frame = 0

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        errors.require_extra("nats", "nats", "extension 'backplane'")
        from nats.aio import client

        self._library = client
        addresses = servers_of(url)
        self._servers = [f"{each.scheme}://{each.host}:{each.port or 4222}" for each in addresses]
        self._login = login_of(addresses)  # by itself: the client library would not decode it
        self._prefix = prefix
        self._timeout = timeout
        self.name = ",".join(self._servers)
        self._client: Any = None
        self._subscriptions: dict[bytes, Any] = {}
        self._receive: Receive
        self._errors: list[Exception] = []
        self._told = False

    async def connect(self, receive: Receive) -> None:
        """Connect; the client library neither reconnects by itself nor gets its own messages back."""
        from nats.errors import NoServersError, SlowConsumerError

        self._receive = receive
        told: list[Exception] = []
        self._errors = told

        async def failed(error: Exception) -> None:
            # the connection goes on, and would only meet the same again on a new one
            if isinstance(error, SlowConsumerError) or "permissions violation" in str(error).lower():
                self._report(error)
            elif not told:
                told.append(error)

        self._client = self._library.Client()
        try:
            await self._client.connect(
                servers=self._servers,
                **self._login,
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
        limit = self._client.max_payload
        if not isinstance(limit, int) or limit <= 0:
            raise ConnectionError(f"the server says that a message may have {str(limit)[:20]!r} bytes")
        self.max_frame = limit

    def _report(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            log.warning("backplane: %s: publications are lost: %s", self.name, ascii(str(error)[:200]))

    async def run(self) -> None:
        """Wait for the end of the connection, or for an error; the client library reads by itself."""
        while not self._errors and not self._client.is_closed:  # noqa: ASYNC110 - closed_cb does not come in every case
            await asyncio.sleep(LOOK)
        raise self._errors[0] if self._errors else ConnectionError("the connection has ended")

    async def subscribe(self, topics: Sequence[bytes]) -> None:
        """Subscribe to the topics' subjects."""
        for topic in topics:
            subject = subject_of(self._prefix, topic)
            self._subscriptions[topic] = await self._client.subscribe(
                subject, cb=self._taker(topic, subject), pending_bytes_limit=PENDING
            )
        await self._client.flush(self._timeout)

    def _taker(self, topic: bytes, subject: str) -> Callable[[Any], Awaitable[None]]:
        receive = self._receive

        async def take(message: Any) -> None:
            if message.subject == subject:  # another app's is not ours, whatever the server says
                receive(topic, message.data)

        return take

    async def unsubscribe(self, topics: Sequence[bytes]) -> None:
        """Unsubscribe from the topics' subjects."""
        for topic in topics:
            await self._subscriptions.pop(topic).unsubscribe()
        await self._client.flush(self._timeout)

    async def publish(self, frames: Sequence[tuple[bytes, bytes]]) -> Sequence[tuple[int, str]]:
        """Publish, and wait until the server has read it all."""
        for topic, frame in frames:
            await self._client.publish(subject_of(self._prefix, topic), frame)
        await self._client.flush(self._timeout)
        return ()

    async def close(self) -> None:
        """Close the connection and its subscriptions."""
        client, self._client = self._client, None
        self._subscriptions.clear()
        if client is not None:
            await client.close()
