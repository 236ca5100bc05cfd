"""The inbox in the memory of one process."""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from ..message import Message

OVERHEAD: Final = 1024
"""Bytes that a message takes beside its frame: its ids, its names and its places in the tables, about."""

SHARE: Final = 8
"""One sender's messages, and those to one receiver, take at most this part of all bytes."""


class _Kept(NamedTuple):
    sender: str
    to: str
    frame: str
    size: int
    end: float


class MemoryInbox:
    """Keep the newest messages of each user until they are acknowledged, they expire or the process ends.

    Every bound makes the oldest message go: of that receiver, of that sender, or of all. So a user who writes to names
    that nobody has loses their own messages first.

    Args:
        size: messages that wait for one user at most.
        max_bytes: bytes that all messages take at most; an eighth of them those of one sender or to one receiver.
        expire: seconds after which a message goes.
    """

    def __init__(self, size: int, max_bytes: int, expire: float) -> None:
        self._size = size
        self._max_bytes = max_bytes
        self._expire = expire
        self._bytes = 0
        self._all: OrderedDict[tuple[str, str], _Kept] = OrderedDict()  # by receiver and id, the oldest first
        self._to: dict[str, _Group] = {}
        self._from: dict[str, _Group] = {}

    def put(self, message: Message) -> None:
        """Keep a message; one that is there already stays as it is."""
        self._drop_expired()
        place = (message.to, message.id)
        if place in self._all:
            return
        frame = message.received
        size = sys.getsizeof(frame) + 4 * (len(message.to) + len(message.sender)) + OVERHEAD
        self._all[place] = _Kept(message.sender, message.to, frame, size, time.monotonic() + self._expire)
        self._bytes += size
        received = self._to.setdefault(message.to, _Group())
        sent = self._from.setdefault(message.sender, _Group())
        received.add(place, size)
        sent.add(place, size)
        share = self._max_bytes // SHARE
        while len(received.places) > self._size or received.bytes > share:
            self._drop(received.oldest)
        while sent.bytes > share:
            self._drop(sent.oldest)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._all)))

    def unread(self, username: str) -> Iterable[str]:
        """Return the frames that wait for a user, the oldest first."""
        self._drop_expired()
        group = self._to.get(username)
        return () if group is None else tuple(self._all[place].frame for place in group.places)

    def ack(self, username: str, id: str) -> None:
        """Forget a message, if it waits for that user."""
        if (username, id) in self._all:
            self._drop((username, id))

    def _drop_expired(self) -> None:
        now = time.monotonic()
        while self._all and (place := next(iter(self._all))) and self._all[place].end <= now:
            self._drop(place)

    def _drop(self, place: tuple[str, str]) -> None:
        kept = self._all.pop(place)
        self._bytes -= kept.size
        for groups, name in ((self._to, kept.to), (self._from, kept.sender)):
            group = groups[name]
            group.remove(place, kept.size)
            if not group.places:
                del groups[name]


class _Group:
    """The messages of one sender or to one receiver, the oldest first."""

    __slots__ = ("bytes", "places")

    def __init__(self) -> None:
        self.places: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.bytes = 0

    @property
    def oldest(self) -> tuple[str, str]:
        return next(iter(self.places))

    def add(self, place: tuple[str, str], size: int) -> None:
        self.places[place] = None
        self.bytes += size

    def remove(self, place: tuple[str, str], size: int) -> None:
        del self.places[place]
        self.bytes -= size
