"""`SignedCookie`: a JSON value that a client keeps and can't change, and the response that carries it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from pydantic_core import PydanticCustomError

from .. import errors

LIMIT: Final = 4096
"""Bytes of a cookie's name and value that browsers keep (RFC 6265bis, 5.6)."""

SECRET_LENGTH: Final = 16

Secret = TypeVar("Secret", bound="str | list[str] | None")


class SignedCookie:
    """Read and write a cookie: a JSON value with the time and a signature (itsdangerous, HMAC with SHA-256).

    The value is not encrypted. A secure cookie is for HTTPS only, and its name begins with `__Host-`.

    Args:
        who: what needs it, for errors, as in "extension 'cart'".
        name: its name.
        secrets: what signs it: the newest signs, and each of them reads.
        salt: what the value is for; a value that was signed with another salt does not count.
        is_secure: whether the cookie is for HTTPS only.

    Raises:
        MissingExtraError: itsdangerous is not installed.
    """

    def __init__(self, who: str, name: str, secrets: Sequence[str], *, salt: str, is_secure: bool) -> None:
        errors.require_extra("itsdangerous", "cart", who)
        import itsdangerous

        self.name = f"__Host-{name}" if is_secure else name
        self.serializer = itsdangerous.URLSafeTimedSerializer(
            list(secrets)[::-1], salt=salt, signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._bad = itsdangerous.BadData
        self.is_secure = is_secure

    def read(self, request: Any) -> tuple[Any, float] | None:
        """Get the value of a request's cookie and the time when it was signed, None without one or for a forged one."""
        text = request.get_cookie(self.name)
        if not text or len(text) > LIMIT:
            return None
        try:
            # Without the signer's own max_age, which takes a clock that is a second behind for a forgery.
            value, signed = self.serializer.loads(text, return_timestamp=True)
        except self._bad:
            return None
        return value, signed.timestamp()

    def sign(self, value: Any) -> str:
        """Return the cookie's text.

        Raises:
            HTTPError: 413, no browser would keep it.
        """
        text = self.serializer.dumps(value)
        signed = text if isinstance(text, str) else text.decode()
        if len(self.name) + len(signed) >= LIMIT:
            raise errors.HTTPError(413, f"the cookie {self.name} has {LIMIT} bytes at most")
        return signed

    def write(self, response: Any, text: str, max_age: float) -> None:
        """Set the cookie for `max_age` seconds to a text that `sign` has made."""
        response.set_cookie(
            self.name, text, max_age=max(int(max_age), 1), secure=self.is_secure, http_only=True, same_site="Lax"
        )

    def clear(self, response: Any) -> None:
        """Delete the cookie on the client."""
        response.delete_cookie(self.name)


def check_secret(secret: Secret) -> Secret:
    """Check the option `secret` of an extension: one text or several, each of 16 characters or more, or None.

    Raises:
        PydanticCustomError: a secret is too short, or the list is empty.
    """
    secrets = secret_list(secret)
    if secret is not None and (not secrets or min(map(len, secrets)) < SECRET_LENGTH):
        raise PydanticCustomError(
            "secret",
            f"a secret has {SECRET_LENGTH} characters at least: "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"',
        )
    return secret


def secret_list(secret: str | list[str] | None) -> list[str]:
    """Return the secrets of an option, the newest first."""
    return [secret] if isinstance(secret, str) else list(secret or ())


def open_response(request: Any) -> Any:
    """Get the response of a request to set a cookie on, None where its head has been sent or the client has left."""
    response = request.response
    return None if response is None or response.has_responded() else response
