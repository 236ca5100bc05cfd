"""The signed cookie by which an anonymous client finds its cart again."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from typing import Any, Final

from ... import errors
from .options import Options

LONGEST: Final = 256  # characters of a cookie that is looked at


class SessionCookie:
    """Read and write the cookie: a random id of 256 bits, the time and a signature (itsdangerous, HMAC with SHA-256).

    Raises:
        InstallError: itsdangerous is not installed.
    """

    def __init__(self, options: Options) -> None:
        try:
            import itsdangerous
        except ImportError:
            raise errors.InstallError(
                "extension 'cart'",
                "can't be loaded with a store",
                "itsdangerous is not installed",
                'Install the extra: pip install "socketify-ext[cart]"',
            ) from None
        self.name = f"__Host-{options.cookie}" if options.cookie_secure else options.cookie
        self._bad = itsdangerous.BadData
        self._signer = itsdangerous.TimestampSigner(
            options.secrets[::-1], salt="socketify-ext.cart", digest_method=hashlib.sha256
        )
        self._max_age = options.max_age
        self._attributes: dict[str, Any] = {"path": "/", "httponly": True, "samesite": "Lax"}
        if options.cookie_secure:
            self._attributes["secure"] = True

    @staticmethod
    def new_id() -> str:
        """Make an id that nobody can guess."""
        return secrets.token_urlsafe(32)

    def read(self, request: Any) -> str | None:
        """Give the id of a request's cookie, None where it has none, a forged or an expired one."""
        value = request.get_cookie(self.name)
        if not value or len(value) > LONGEST:
            return None
        try:
            name, signed = self._signer.unsign(value, return_timestamp=True)
        except self._bad:
            return None
        # Not by the signer's own max_age, which takes a clock that is a second behind for a forgery.
        age = datetime.datetime.now(datetime.timezone.utc) - signed
        return name.decode() if age.total_seconds() <= self._max_age else None

    def write(self, response: Any, name: str) -> None:
        """Set the cookie, which lasts as long as the cart."""
        value = self._signer.sign(name).decode()
        response.set_cookie(self.name, value, self._attributes | {"max-age": self._max_age})

    def clear(self, response: Any) -> None:
        """Let the client forget the cookie."""
        response.set_cookie(self.name, "", self._attributes | {"max-age": 0})
