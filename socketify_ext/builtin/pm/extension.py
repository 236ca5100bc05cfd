"""The extension `pm` and its members."""

from __future__ import annotations

import re
from typing import Any

from ...sdk.app_surface import AppSurface
from ...sdk.declaration import extension
from ...sdk.surface import Surface
from ...stores.url import parse_url
from .durable import DurableDelivery
from .inbox.memory import MemoryInbox
from .inbox.sqlite import SqliteInbox
from .message import Message, encode_body
from .options import SCHEMES, Options
from .pubsub import PubSubDelivery
from .receipt import Receipt, tell
from .send_policy import SendPolicy
from .topics import is_username, room_topic
from .username import has_username, username_of

_ID = re.compile("[0-9a-f]{32}")


def open_delivery(options: Options) -> PubSubDelivery | DurableDelivery:
    """Choose how messages reach their receivers; nothing is opened yet.

    Raises:
        MissingExtraError: the inbox needs a library that is not installed.
    """
    url = options.inbox
    if url is None:
        return PubSubDelivery(None)
    parts = parse_url(url, SCHEMES)
    if parts.scheme == "memory":
        return PubSubDelivery(MemoryInbox(options.inbox_size, options.inbox_bytes, options.inbox_expire))
    if parts.scheme == "sqlite":
        return DurableDelivery(
            SqliteInbox(parts.path[1:], options.inbox_size, options.inbox_expire), options.inbox_bytes
        )
    from .inbox.redis import RedisInbox

    inbox = RedisInbox(url, options.inbox_size, options.inbox_expire, options.prefix)
    return DurableDelivery(inbox, options.inbox_bytes)


def _serve(app: AppSurface, delivery: DurableDelivery) -> None:
    app.on_startup(delivery.start)
    app.on_shutdown(delivery.stop)
    app.gauge("messages that wait for the inbox", lambda: delivery.waiting)

    @app.on_ws_close
    def leave(socket: Any, code: int, message: Any) -> None:
        """Forget the socket."""
        if has_username(socket.get_user_data()):
            delivery.leave(socket, username_of(socket.get_user_data()))


def _join_by_itself(app: AppSurface, delivery: PubSubDelivery | DurableDelivery) -> None:
    @app.on_ws_open
    async def join(socket: Any) -> None:
        """Let each socket that has a username listen."""
        if has_username(socket.get_user_data()):
            await delivery.join(socket, username_of(socket.get_user_data()))


@extension("pm", options=Options)
def pm(request: Surface, response: Surface, ws: Surface, *, options: Options, app: AppSurface) -> None:
    """Write to another user: `ws.send_pm(to_username, message)`."""
    policy = SendPolicy(options.allow, options.max_size, options.rate)
    delivery = open_delivery(options)
    if isinstance(delivery, DurableDelivery):
        _serve(app, delivery)
    if app.is_installed and options.inbox is not None:
        _join_by_itself(app, delivery)

    @ws.method
    async def join_pm(self: Any) -> None:
        """Listen for messages to this socket's user; first come those that wait in the inbox, in order.

        Raises:
            LookupError: the socket's user data has no username.
        """
        await delivery.join(self, username_of(self.get_user_data()))

    @ws.method
    def send_pm(self: Any, to_username: str, message: Any, *, key: str | None = None) -> Receipt:
        """Send a message, whatever JSON can carry, to all sockets of a user.

        They get the JSON `{"type": "pm", "id", "username", "message", "at"}`, and the sender's other joined sockets
        the same with `"to"` and `"sent": true`. A socket that has not joined, in an app without an inbox, writes to
        the room of both users, where the other one is there.

        `key` is the client's own name of the message: the same key and receiver give the same id, so that a client
        which does not know whether a message arrived can send it again.

        Returns:
            A receipt with the message's id. With an inbox, the message is accepted once `await receipt.stored` is
            true; the client gets `{"type": "pm-receipt", "id", "status": "stored"}`. A message that may not go has
            `status` "refused" and a `reason`, and the client is told in the same way.

        Raises:
            LookupError: the socket's user data has no username.
            TypeError: JSON has no form for the message.
        """
        sender, body = username_of(self.get_user_data()), encode_body(message)
        reason = policy.rejection(sender, to_username, body, key)
        if body is None or reason is not None:
            receipt = Receipt(None, key if isinstance(key, str) else None, "refused", reason)
            tell(self, receipt)
            return receipt
        return delivery.send(self, Message.make(sender, to_username, body, key), key)

    @ws.method
    def ack_pm(self: Any, id: str) -> bool:
        """Acknowledge a message to this socket's user, so that the inbox forgets it.

        Returns:
            Whether it was the id of a message; one that waits for another user stays where it is.

        Raises:
            LookupError: the socket's user data has no username.
        """
        username = username_of(self.get_user_data())
        if not isinstance(id, str) or _ID.fullmatch(id) is None:
            return False
        delivery.ack(username, id)
        return True

    @ws.method
    def join_pm_room(self: Any, username: str) -> str:
        """Listen on the room of this socket's user and another, for messages that need not be stored, such as typing notices.

        Returns:
            The room's topic, the same for both, to publish to.

        Raises:
            LookupError: the socket's user data has no username.
            ValueError: the other name can't be one.
        """
        if not is_username(username):
            raise ValueError(f"{username!r} is not a username")
        room = room_topic(username_of(self.get_user_data()), username)
        self.subscribe(room)
        return room
