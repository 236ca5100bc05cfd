"""`SharedInbox`: the interface of an inbox that several processes share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

from ..message import Message

KEPT: Final = 60.0
"""Seconds that an acknowledged message stays for the user's other sockets, and for the same message sent again."""

Outcome = Literal["stored", "known", "full", "acknowledged", "inbox"]


class BrokenInboxError(Exception):
    """What the engine holds for one user can't be read."""


@dataclass(frozen=True)
class Post:
    """A message to keep; `origin` is the mark of the socket that sent it, which needs no copy."""

    message: Message
    origin: str


@dataclass(frozen=True)
class Ack:
    """An acknowledgement of a message by its receiver."""

    username: str
    id: str


Entry = Post | Ack


class Row(NamedTuple):
    """A frame for one user, numbered in the order in which that user's messages were kept."""

    number: int
    origin: str
    frame: str


class Page(NamedTuple):
    """Rows in order; when there are no more, `head` is the number to go on from."""

    rows: Sequence[Row]
    head: int


class SharedInbox(Protocol):
    """Keep messages in one order per user, whichever process writes and reads."""

    async def open(self, heard: Callable[[str], None]) -> None:
        """Connect; `heard(username)` is called on the loop when there may be something new for a watched user."""

    async def close(self) -> None:
        """Let go of what `open` took."""

    async def write(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Keep messages and forget acknowledged ones, in this order.

        An entry that the engine will never take has the outcome "inbox", and the others are written all the same.

        When it returns, all is as durable as the engine makes it; when it raises, the same may be written again.
        """

    async def read(self, username: str, after: int, limit: int, *, unread: bool) -> Page:
        """Read a user's frames with numbers above `after`: only those not acknowledged, or all that are still there.

        Raises:
            BrokenInboxError: the engine can't read this user's messages, and trying again changes nothing.
        """

    def watch(self, username: str) -> None:
        """Call `heard` for a user from now on."""

    def unwatch(self, username: str) -> None:
        """Stop listening for a user's new messages."""
