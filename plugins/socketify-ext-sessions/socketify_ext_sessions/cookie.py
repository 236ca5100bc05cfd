"""The signed cookie: it carries a session's id, or all that it holds."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import itsdangerous

from socketify_ext import HTTPError

from .options import Options

LIMIT: Final = 4096
"""Bytes of a cookie's name and value that browsers keep (RFC 6265bis, 5.6)."""


class SessionCookie:
    """Read and write the cookie: a JSON value with the time and a signature (itsdangerous, HMAC with SHA-256).

    Args:
        options: of the extension.
        kind: what the value is; it is part of the key, as the cookie's name is, so that a cookie counts for nothing
            where it was not meant.
    """

    def __init__(self, options: Options, kind: str) -> None:
        self.name = f"__Host-{options.cookie}" if options.cookie_secure else options.cookie
        self.serializer = itsdangerous.URLSafeTimedSerializer(
            options.secrets[::-1],
            salt=f"socketify-ext-sessions.{kind}.{options.cookie}",
            signer_kwargs={"digest_method": hashlib.sha256},
        )
        self._attributes: dict[str, Any] = {"path": "/", "httponly": True, "samesite": "Lax"}
        if options.cookie_secure:
            self._attributes["secure"] = True

    def read(self, request: Any) -> tuple[Any, float] | None:
        """Give the value of a request's cookie and when it was signed, None where it has none or a forged one."""
        text = request.get_cookie(self.name)
        if not text or len(text) > LIMIT:
            return None
        try:
            # Without the signer's own max_age, which takes a clock that is a second behind for a forgery.
            value, signed = self.serializer.loads(text, return_timestamp=True)
        except itsdangerous.BadData:
            return None
        return value, signed.timestamp()

    def sign(self, value: Any) -> str:
        """Give the cookie's text.

        Raises:
            HTTPError: 413, no browser would keep it.
        """
        text = self.serializer.dumps(value)
        signed = text if isinstance(text, str) else text.decode()
        if len(self.name) + len(signed) >= LIMIT:
            raise HTTPError(413, f"a session has {LIMIT} bytes at most as a cookie")
        return signed

    def write(self, response: Any, text: str, max_age: float) -> None:
        """Set the cookie for `max_age` seconds."""
        response.set_cookie(self.name, text, self._attributes | {"max-age": max(int(max_age), 1)})

    def clear(self, response: Any) -> None:
        """Let the client forget the cookie."""
        response.set_cookie(self.name, "", self._attributes | {"max-age": 0})
