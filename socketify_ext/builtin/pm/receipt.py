"""What a sender learns of a message."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Literal

from ... import errors
from .message import TEXT, as_json

Status = Literal["pending", "sent", "stored", "refused"]
Reason = Literal["name", "key", "message", "size", "rate", "allow", "full", "busy", "inbox"]


class Receipt:
    """Report what became of a message: `id`, `status`, and for a refused one `reason`.

    `status` is "sent" where nothing is kept, "pending" until the inbox has the message and "stored" from then on;
    "refused" means that nobody will get it.
    """

    __slots__ = ("_stored", "id", "key", "reason", "status")

    def __init__(self, id: str | None, key: str | None, status: Status, reason: Reason | None = None) -> None:
        self.id = id
        self.key = key
        self.status: Status = status
        self.reason = reason
        self._stored: asyncio.Future[bool] | None = None

    @property
    def stored(self) -> asyncio.Future[bool]:
        """Wait until the inbox has the message; False if it never will, because it was refused or nothing is kept."""
        if self._stored is None:
            self._stored = asyncio.get_running_loop().create_future()
            self._tell()
        return asyncio.shield(self._stored)

    def settle(self, status: Status, reason: Reason | None = None) -> None:
        """Note what became of it."""
        self.status, self.reason = status, reason
        self._tell()

    def _tell(self) -> None:
        if self._stored is not None and self.status != "pending" and not self._stored.done():
            self._stored.set_result(self.status == "stored")

    @property
    def frame(self) -> str:
        """Write the frame that tells the client."""
        frame: dict[str, Any] = {"type": "pm-receipt", "id": self.id, "status": self.status}
        if self.key is not None:
            frame["key"] = self.key
        if self.reason is not None:
            frame["reason"] = self.reason
        return as_json(frame)

    def __repr__(self) -> str:
        reason = "" if self.reason is None else f", reason={self.reason!r}"
        return f"Receipt(id={self.id!r}, status={self.status!r}{reason})"


def tell(ws: Any, receipt: Receipt) -> None:
    """Send a receipt to the client that wrote, if it is still there."""
    with contextlib.suppress(errors.ConnectionClosedError):
        ws.send(receipt.frame, TEXT)
