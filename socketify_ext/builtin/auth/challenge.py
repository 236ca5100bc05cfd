"""`Challenge`: why a request has no user, and the answer that says so (RFC 6750, 3)."""

from __future__ import annotations

from typing import Final, NamedTuple

from ...errors import HTTPError


class Challenge(NamedTuple):
    """Why a request has no user: the status, RFC 6750's error code if it has one, and a sentence."""

    status: int
    error: str | None
    reason: str

    def answer(self, realm: str, scopes: tuple[str, ...] = ()) -> HTTPError:
        """Make the error that a handler raises.

        `WWW-Authenticate` is there where a better token would help; a missing token has no error code.
        """
        headers = {}
        if self.error is not None or self.status == 401:
            parts = {"realm": realm, "scope": " ".join(scopes)}
            if self.error is not None:
                parts |= {"error": self.error, "error_description": self.reason}
            headers["WWW-Authenticate"] = "Bearer " + ", ".join(
                f'{name}="{_quoted(value)}"' for name, value in parts.items() if value
            )
        return HTTPError(self.status, self.reason, headers)


def _quoted(value: str) -> str:
    """Leave out what error_description and scope may not hold (RFC 6750, 3)."""
    return "".join(each for each in value if " " <= each <= "~" and each not in '"\\')


MISSING: Final = Challenge(401, None, "a token is required")
UNKNOWN: Final = Challenge(401, "invalid_token", "the token is not known")
OVERSIZED: Final = Challenge(401, "invalid_token", "the token is longer than 8 KiB")
FOREIGN: Final = Challenge(403, None, "a page of this origin may not use the cookie")
