"""`OutageLog`: log entries at the beginning and the end of an outage."""

from __future__ import annotations

import logging
from typing import Final, Literal

from .inbox.shared import Ack, Post
from .topics import encoded

log: Final = logging.getLogger("socketify_ext")


def set_aside(entry: Post | Ack, error: Exception) -> Literal["inbox"]:
    """Log that the inbox will never take an entry, and return its outcome."""
    name, to = (entry.id, entry.username) if isinstance(entry, Ack) else (entry.message.id, entry.message.to)
    what = "an acknowledgement" if isinstance(entry, Ack) else "a message"
    text = "extension 'pm' set %s aside, which the inbox of %s can't take: %s: %s: %s"
    log.error(text, what, encoded(to), name, type(error).__name__, error)
    return "inbox"


class OutageLog:
    """Log the beginning and the end of each outage, and nothing in between.

    Args:
        what: what can't be done meanwhile.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._lasts = False

    def failed(self, error: Exception) -> None:
        """Note a failed attempt."""
        if not self._lasts:
            log.warning("extension 'pm' %s, and tries again: %s: %s", self._what, type(error).__name__, error)
        self._lasts = True

    def recovered(self) -> None:
        """Note a successful attempt."""
        if self._lasts:
            log.warning("extension 'pm' %s: that is over", self._what)
        self._lasts = False
