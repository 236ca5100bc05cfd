"""API tokens: fixed ones, each with its user; only their keyed hashes are kept."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final

from .user import User

_PREFIX: Final = 8


class ApiTokens:
    """Find users by fixed tokens.

    A token is looked up by a part of its hash under a key that is made anew in each process, and the hashes are compared
    in constant time. So what a look-up takes says nothing of the tokens, and memory holds none of them.
    """

    def __init__(self, tokens: Mapping[str, Mapping[str, Any]]) -> None:
        self._key = secrets.token_bytes(32)
        self._absent = [(secrets.token_bytes(32), None)]
        self._users: dict[bytes, list[tuple[bytes, User | None]]] = {}
        for token, claims in tokens.items():
            digest = self._digest(token)
            self._users.setdefault(digest[:_PREFIX], []).append(
                (digest, User(claims.get("id", claims.get("name")), claims))
            )

    def _digest(self, token: str) -> bytes:
        return hmac.digest(self._key, token.encode(errors="surrogatepass"), "sha256")

    def __call__(self, token: str, _request: Any = None) -> User | None:
        """Return the user of a token, None for an unknown one."""
        given = self._digest(token)
        found = None
        for digest, user in self._users.get(given[:_PREFIX], self._absent):
            if hmac.compare_digest(digest, given):
                found = user
        return found
