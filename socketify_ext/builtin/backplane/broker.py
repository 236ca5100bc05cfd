"""`Broker`: one connection of a backplane to a messaging system, frames in and out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

Receive = Callable[[bytes, bytes], None]
"""Takes a topic and a frame that came for it."""


class Broker(Protocol):
    """A messaging system. Whatever a method raises means that the connection is lost; `connect` makes a new one.

    Attributes:
        name: the broker and its address, without credentials, for the log.
        max_frame: bytes that one frame may have at most, once connected.
    """

    name: str
    max_frame: int

    async def connect(self, receive: Receive) -> None:
        """Connect, without any subscription; call `receive` for every frame that comes."""

    async def run(self) -> None:
        """Take what comes, until the connection is lost, which raises."""

    async def subscribe(self, topics: Sequence[bytes]) -> None:
        """Subscribe to topics; returns when the broker has confirmed it."""

    async def unsubscribe(self, topics: Sequence[bytes]) -> None:
        """Unsubscribe from topics; returns when the broker has confirmed it."""

    async def publish(self, frames: Sequence[tuple[bytes, bytes]]) -> Sequence[tuple[int, str]]:
        """Publish frames, each with its topic, in order; return when the broker has answered.

        Returns:
            The numbers of the frames that it has refused for good, and why.
        """

    async def close(self) -> None:
        """Disconnect, also after a loss or halfway through `connect`."""
