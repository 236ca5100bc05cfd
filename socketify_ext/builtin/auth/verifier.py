"""`Verifier`: the interface of what finds the user of a token."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from .user import User


class Verifier(Protocol):
    """Return the user of a token."""

    def __call__(self, token: str, request: Any, /) -> User | Awaitable[User | None] | None:
        """Return the user, or an awaitable of it where that takes time; None for an unknown token.

        Raises:
            InvalidTokenError: the token is rejected for a reason that its sender may know.
        """
