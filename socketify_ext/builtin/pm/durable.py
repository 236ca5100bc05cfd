"""`DurableDelivery`: delivery through an inbox that all processes share; every message is read from there."""

from __future__ import annotations

from typing import Any, Final

from .inbox.shared import Ack, Outcome, Post, SharedInbox
from .message import Message
from .outage_log import OutageLog
from .outbox import Outbox
from .reader import Reader
from .receipt import Receipt, tell

FLUSH: Final = 5.0
"""Seconds that messages get to reach the inbox when the server stops."""


class DurableDelivery:
    """Keep each message before anybody gets it; each joined socket reads its user's messages in the inbox's order."""

    def __init__(self, inbox: SharedInbox, max_bytes: int) -> None:
        self._inbox = inbox
        self._max_bytes = max_bytes
        self._outage = OutageLog("can't read the inbox")
        self._readers: dict[str, dict[Any, Reader]] = {}
        self._outbox: Any = None  # made by `start`

    @property
    def waiting(self) -> int:
        """Return how many entries wait for the inbox in this process."""
        return len(self._outbox) if self._outbox is not None else 0

    async def start(self) -> None:
        """Open the inbox."""
        await self._inbox.open(self._wake)
        self._outbox = Outbox(self._inbox, self._max_bytes)

    async def stop(self) -> None:
        """Write what waits, and close the inbox."""
        await self._outbox.close(FLUSH)
        await self._inbox.close()

    async def join(self, ws: Any, username: str) -> None:
        """Send a socket what waits for its user, and from then on what comes; a second call changes nothing."""
        if ws.closed:
            return
        readers = self._readers.setdefault(username, {})
        reader = readers.get(ws)
        if reader is None:
            reader = readers[ws] = Reader(ws, username, self._inbox, self._outage)
            self._inbox.watch(username)
            reader.wake()
        await reader.caught_up.wait()

    def leave(self, ws: Any, username: str) -> None:
        """Read nothing more for a socket that has closed."""
        readers = self._readers.get(username, {})
        readers.pop(ws, None)
        if not readers and self._readers.pop(username, None) is not None:
            self._inbox.unwatch(username)

    def send(self, ws: Any, message: Message, key: str | None) -> Receipt:
        """Take a message; its receipt is settled, and the sender's client told, once the inbox has it."""
        receipt = Receipt(message.id, key, "pending")
        reader = self._readers.get(message.sender, {}).get(ws)

        def done(outcome: Outcome) -> None:
            if outcome in ("full", "inbox"):
                receipt.settle("refused", outcome)
            else:
                receipt.settle("stored")
            tell(ws, receipt)

        post = Post(message, "" if reader is None else reader.mark)
        if not self._outbox.put(post, done):
            receipt.settle("refused", "busy")
            tell(ws, receipt)
        return receipt

    def ack(self, username: str, id: str) -> None:
        """Forget a message that its receiver has; if that fails, it comes again at the next join."""
        self._outbox.put(Ack(username, id))

    def _wake(self, username: str) -> None:
        for reader in self._readers.get(username, {}).values():
            reader.wake()
