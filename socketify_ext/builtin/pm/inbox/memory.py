"""The inbox in the memory of one process."""

from __future__ import annotations

from collections.abc import Iterable

from ..message import Message


class MemoryInbox:
    """Keep the newest messages of each user until they are acknowledged or the process ends.

    Args:
        size: messages that wait for one user at most; the oldest goes for a newer one.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: dict[str, dict[str, str]] = {}

    def put(self, message: Message) -> None:
        """Keep a message; one that is there already stays as it is."""
        waiting = self._waiting.setdefault(message.to, {})
        waiting.setdefault(message.id, message.received)
        if len(waiting) > self._size:
            del waiting[next(iter(waiting))]

    def unread(self, username: str) -> Iterable[str]:
        """Give the frames that wait for a user, the oldest first."""
        return tuple(self._waiting.get(username, {}).values())

    def ack(self, username: str, id: str) -> None:
        """Forget a message, if it waits for that user."""
        waiting = self._waiting.get(username)
        if waiting is not None:
            waiting.pop(id, None)
            if not waiting:
                del self._waiting[username]
