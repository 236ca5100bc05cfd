"""Counts of the listeners of each topic in this process, for a backplane; without one, nothing here runs."""

from __future__ import annotations

from typing import Protocol

from .websocket import WebSocket


class Backplane(Protocol):
    """A carrier of publications to other processes; each call returns at once and raises nothing."""

    def publish(self, topic: bytes, data: bytes, opcode: int, compress: bool, /) -> None:
        """Send a message that was published here to all other processes."""

    def subscribe(self, topic: bytes, /) -> None:
        """Receive what others publish on a topic from now on: its first listener has come."""

    def unsubscribe(self, topic: bytes, /) -> None:
        """Receive no more of a topic: its last listener has gone."""


class TopicCounts:
    """Count the sockets that listen on each topic; subscribe at the first, unsubscribe at the last."""

    def __init__(self, backplane: Backplane) -> None:
        self.backplane = backplane
        self._counts: dict[bytes, int] = {}

    def add(self, connection: WebSocket, topic: bytes) -> None:
        """Add a connection to the listeners of a topic."""
        topics = connection._topics
        if topics is None:
            topics = connection._topics = set()
        if topic in topics:
            return
        topics.add(topic)
        count = self._counts.get(topic, 0)
        self._counts[topic] = count + 1
        if not count:
            self.backplane.subscribe(topic)

    def remove(self, connection: WebSocket, topic: bytes) -> None:
        """Remove a connection from the listeners of a topic."""
        topics = connection._topics
        if topics is None or topic not in topics:
            return
        topics.remove(topic)
        count = self._counts[topic] - 1
        if count:
            self._counts[topic] = count
        else:
            del self._counts[topic]
            self.backplane.unsubscribe(topic)

    def remove_all(self, connection: WebSocket) -> None:
        """Remove a connection from the listeners of all its topics."""
        for topic in tuple(connection._topics or ()):
            self.remove(connection, topic)
