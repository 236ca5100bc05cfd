"""`SendPolicy`: which messages a user may send, to whom and how often."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from .rate import Rate
from .receipt import Reason
from .topics import is_username

MAX_KEY: Final = 128
"""Characters that a message's key may have."""

Allow = Callable[[str, str], Any]


class SendPolicy:
    """Decide on each message before it goes anywhere.

    Args:
        allow: called with the sender's and the receiver's name; returns whether the message is allowed.
        max_size: bytes that a message may have as JSON.
        rate: how often one sender may write; counted in this process.
    """

    def __init__(self, allow: Allow | None, max_size: int, rate: str) -> None:
        self._allow = allow
        self._max_size = max_size
        self._rate = Rate(rate)

    def rejection(self, sender: str, to: Any, body: str | None, key: Any) -> Reason | None:
        """Return the reason to reject a message, None for an allowed one; each call counts for the rate."""
        if not self._rate.allows(sender):
            return "rate"
        if not is_username(to):
            return "name"
        if key is not None and not (isinstance(key, str) and 0 < len(key) <= MAX_KEY):
            return "key"
        if body is None:
            return "message"
        if len(body) > self._max_size or len(body.encode()) > self._max_size:
            return "size"
        return None if self._may(sender, to) else "allow"

    def _may(self, sender: str, to: str) -> bool:
        if self._allow is None:
            return True
        answer = self._allow(sender, to)
        if inspect.isawaitable(answer):  # it is true, whatever would come out of it
            if inspect.iscoroutine(answer):
                answer.close()
            raise TypeError("allow(sender, to) of extension 'pm' gave an awaitable; it must be a plain function")
        return bool(answer)
