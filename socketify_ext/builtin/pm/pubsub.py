"""`PubSubDelivery`: delivery over topics; messages for absent users are kept in memory."""

from __future__ import annotations

from typing import Any

from .inbox.memory import MemoryInbox
from .message import TEXT, Message
from .receipt import Receipt, tell
from .topics import room_topic, sent_topic, side_topic, signal_topic


class PubSubDelivery:
    """Publish each message; other processes get it where a backplane extends `app.publish`.

    Args:
        inbox: what keeps messages in this process, None to keep nothing.
    """

    def __init__(self, inbox: MemoryInbox | None) -> None:
        self._inbox = inbox

    async def join(self, ws: Any, username: str) -> None:
        """Let a socket listen for its user, behind what has waited; a second call changes nothing.

        There is no await, so nothing comes in between.
        """
        if ws.is_subscribed(sent_topic(username)):
            return
        for frame in self._inbox.unread(username) if self._inbox is not None else ():
            ws.send(frame, TEXT)
        ws.subscribe(signal_topic(username))
        ws.subscribe(sent_topic(username))

    def send(self, ws: Any, message: Message, key: str | None) -> Receipt:
        """Publish a message to its receiver's sockets and to the sender's other ones.

        Raises:
            ConnectionClosedError: the socket is gone, and the message goes nowhere.
        """
        joined, receipt = ws.is_subscribed(sent_topic(message.sender)), Receipt(message.id, key, "sent")
        if self._inbox is None and not joined:
            self._send_to_room(ws, message)
            return receipt
        if self._inbox is not None:
            self._inbox.put(message)
            receipt.settle("stored")
        ws.app.publish(signal_topic(message.to), message.received, TEXT)
        if message.to != message.sender:
            self._tell_other_sockets(ws, message, joined)
        if self._inbox is not None:
            tell(ws, receipt)
        return receipt

    def _tell_other_sockets(self, ws: Any, message: Message, joined: bool) -> None:
        topic = sent_topic(message.sender)
        if joined:
            ws.unsubscribe(topic)
        try:
            ws.app.publish(topic, message.sent, TEXT)
        finally:
            if joined:
                ws.subscribe(topic)

    def _send_to_room(self, ws: Any, message: Message) -> None:
        """Write to the room if both users are there, else signal the other one; the sender enters the room."""
        room = room_topic(message.sender, message.to)
        ws.subscribe(room)
        ws.subscribe(side_topic(room, message.sender))
        if ws.app.num_subscribers(side_topic(room, message.to)) > 0:
            ws.app.publish(room, message.received, TEXT)  # never bare: it could look like a frame of another user
        else:
            ws.app.publish(signal_topic(message.to), message.received, TEXT)

    def ack(self, username: str, id: str) -> None:
        """Forget a message that its receiver has."""
        if self._inbox is not None:
            self._inbox.ack(username, id)
