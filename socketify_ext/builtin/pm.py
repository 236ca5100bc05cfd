"""`pm`: private messages between two users' WebSockets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..declaration import extension
from ..surface import Surface


def room_topic(first: str, second: str) -> str:
    """Name the room of two users, the same whichever is given first.

    Each name is percent-encoded, so that none holds the separator, and no name can reach another pair's room.
    """
    return "pm-" + "+".join(sorted((_encoded(first), _encoded(second))))


def side_topic(room: str, username: str) -> str:
    """Name the topic that tells whether a user is in a room, however many sockets they have there."""
    return f"{room}@{_encoded(username)}"


def signal_topic(username: str) -> str:
    """Name the topic that a user listens on for signals."""
    return f"signal-{username}"


def _encoded(name: str) -> str:
    return quote(name, safe="", errors="surrogatepass")


def username_of(user_data: Any) -> str:
    """Read `username` of a socket's user data, a mapping or an object.

    Raises:
        LookupError: there is none.
    """
    given = user_data if isinstance(user_data, Mapping) else {"username": getattr(user_data, "username", None)}
    name = given.get("username")
    if not isinstance(name, str) or not name:
        raise LookupError(
            "this WebSocket has no username: upgrade it with user_data={'username': ...}, "
            "as in res.upgrade(key, protocol, extensions, context, user_data)"
        )
    return name


@extension("pm")
def pm(request: Surface, response: Surface, ws: Surface) -> None:
    """Write to another user: `ws.send_pm(to_username, message)`."""

    @ws.method
    def send_pm(self: Any, to_username: str, message: Any) -> bool:
        """Send to the room of both users if both are there, else signal the other one.

        The signal is the JSON `{"type": "pm", "username": sender, "message": message}` on
        `signal-{to_username}`, which each user subscribes to; the sender joins the room.

        Returns:
            Whether anybody was there to get it.
        """
        from socketify import OpCode

        sender = username_of(self.get_user_data())
        room = room_topic(sender, to_username)
        self.subscribe(room)
        self.subscribe(side_topic(room, sender))
        if self.app.num_subscribers(side_topic(room, to_username)) > 0:
            return bool(self.publish(room, message, OpCode.TEXT))
        signal = {"type": "pm", "username": sender, "message": message}
        return bool(self.publish(signal_topic(to_username), signal, OpCode.TEXT))
