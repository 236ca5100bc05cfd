"""Tokens that only this server makes, for one browser and one user."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final

from itsdangerous import BadData, TimestampSigner

_SALT: Final = "socketify-ext-csrf"
_LONGEST: Final = 256
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


def make_key() -> str:
    """Return what a browser keeps in its cookie: 128 bits that nobody can guess."""
    return secrets.token_urlsafe(16)


def is_key(text: str | None) -> bool:
    """Check whether a cookie can be one that `make_key` has made."""
    return text is not None and _KEY.fullmatch(text) is not None


class Tokens:
    """Make and check tokens.

    A token is a random number with the time, signed (HMAC with SHA-256) for a key and an identity, of which it holds
    nothing. Each is another text, so that the size of a compressed page says nothing about it.

    Args:
        newest_first: the secrets: the first signs, each of them counts.
        max_age: seconds for which a token counts.
        clock: seconds since 1970.
    """

    def __init__(self, newest_first: Sequence[str], max_age: float, clock: Callable[[], float] = time.time) -> None:
        self._secrets = list(newest_first)[::-1]
        self._max_age = max_age
        self._clock = clock

    def make(self, key: str, identity: str | None) -> str:
        """Return a new token.

        Args:
            key: of the browser.
            identity: of the user, None for nobody in particular.
        """
        return self._signer(key, identity).sign(secrets.token_urlsafe(12)).decode()

    def check(self, token: str, key: str, identity: str | None) -> bool:
        """Check whether a token was made for this key and identity, and still counts."""
        if len(token) > _LONGEST or not token.isascii():
            return False
        try:
            _, signed = self._signer(key, identity).unsign(token, return_timestamp=True)
        except BadData:
            return False
        # Without the signer's own max_age, which takes a clock that is a second behind for a forgery.
        return self._clock() - signed.timestamp() <= self._max_age

    def _signer(self, key: str, identity: str | None) -> TimestampSigner:
        owner = hashlib.sha256(json.dumps([key, identity]).encode()).hexdigest()
        return TimestampSigner(self._secrets, salt=f"{_SALT}:{owner}", digest_method=hashlib.sha256)
