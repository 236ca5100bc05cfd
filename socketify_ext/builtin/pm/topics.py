"""The topics of private messages; each name in one is encoded, so that no name can reach another's."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

MAX_NAME: Final = 256
"""Characters that a username may have."""


def encoded(name: str) -> str:
    """Encode a name, whatever Unicode it holds, in characters that separate nothing in a topic."""
    return quote(name, safe="", errors="surrogatepass")


def decoded(name: str) -> str:
    """Return the name that `encoded` was given."""
    return unquote(name, errors="surrogatepass")


def signal_topic(username: str) -> str:
    """Name the topic that a user listens on."""
    return f"signal-{encoded(username)}"


def sent_topic(username: str) -> str:
    """Name the topic that tells a user's other sockets what one of them has sent."""
    return f"pm-sent-{encoded(username)}"


def room_topic(first: str, second: str) -> str:
    """Name the room of two users, the same whichever is given first."""
    return "pm-" + "+".join(sorted((encoded(first), encoded(second))))


def side_topic(room: str, username: str) -> str:
    """Name the topic that tells whether a user is in a room, however many sockets they have there."""
    return f"{room}@{encoded(username)}"


def is_username(name: object) -> bool:
    """Check whether something can be a user's name."""
    return isinstance(name, str) and 0 < len(name) <= MAX_NAME
