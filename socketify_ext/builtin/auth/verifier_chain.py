"""`VerifierChain`: several ways to verify a token, side by side."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from .user import InvalidTokenError, User

if TYPE_CHECKING:
    from .api_token import ApiTokens
    from .callback_verifier import CallbackVerifier
    from .jwt_verifier import JwtVerifier


class VerifierChain:
    """Ask fixed tokens first, then the verifier of JSON Web Tokens, then the app's own function.

    The first one that a token belongs to decides, and no later one is asked: a JSON Web Token that has expired, or whose
    signature is wrong, never reaches the app's own function.
    """

    def __init__(self, tokens: ApiTokens | None, jwt: JwtVerifier | None, verify: CallbackVerifier | None) -> None:
        self._tokens, self._jwt, self._verify = tokens, jwt, verify

    def __call__(self, token: str, request: Any) -> User | Awaitable[User | None] | None:
        """Return the user of a token, or an awaitable of it.

        Raises:
            InvalidTokenError: the token is rejected for a reason that its sender may know.
        """
        user = None if self._tokens is None else self._tokens(token)
        if user is not None:
            return user
        if self._jwt is not None and (self._verify is None or is_jwt(token)):
            return self._jwt(token)
        return None if self._verify is None else self._verify(token, request)


def is_jwt(token: str) -> bool:
    """Whether a token has the form of a signed JSON Web Token: three parts, and a header that names an algorithm.

    The header must name one (RFC 7515, 4.1.1); signed texts of other kinds have parts and dots, too.
    """
    from .jwt_verifier import peek

    if token.count(".") != 2:
        return False
    try:
        _, algorithm = peek(token)
    except InvalidTokenError:
        return False
    return isinstance(algorithm, str)
