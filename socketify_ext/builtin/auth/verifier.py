"""Verifiers: what knows the user of a token."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from .options import Options
from .user import User

Found = User | None


class InvalidTokenError(Exception):
    """Say why a token is refused, in words that may go to whoever sent it: no part of the token is among them."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Verifier(Protocol):
    """Give the user of a token."""

    def __call__(self, token: str, request: Any, /) -> Found | Awaitable[Found]:
        """Give the user, or something to await for it where that takes time; None where nobody is known.

        Raises:
            InvalidTokenError: the token is refused for a reason that can be told.
        """


def make_verifier(options: Options) -> Verifier:
    """Make the one verifier that the options ask for.

    Raises:
        OptionsError: a key, a key set or the callable can't be used.
        MissingExtraError: JWT need the extra `jwt`.
    """
    if options.verify is not None:
        from .own_verify import OwnVerify

        return OwnVerify(options.verify)
    if options.jwt is not None:
        from .web_token import WebTokens

        return WebTokens(options.jwt)
    from .api_token import ApiTokens

    return ApiTokens(options.tokens or {})
