"""The credential of a request: where a token stands, and that there is only one."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from .options import Options

MAX_LENGTH: Final = 8 * 1024

Source = Literal["authorization", "header", "cookie", "query"]


class Credential(NamedTuple):
    """A token, and where it stood."""

    token: str
    source: Source

    @property
    def is_oversized(self) -> bool:
        """Whether the token is over 8 KiB, and so is not looked at."""
        return len(self.token) > MAX_LENGTH or len(self.token.encode(errors="surrogatepass")) > MAX_LENGTH


class AmbiguousRequestError(Exception):
    """The request says something twice that can be said only once."""

    def __init__(self, what: str) -> None:
        self.reason = f"the request has more than one {what}"
        super().__init__(self.reason)


def single_header(request: Any, name: str) -> str | None:
    """Read a header that may stand there only once: what is in front of the server may have read the other one.

    Raises:
        AmbiguousRequestError: it stands there twice or more.
    """
    lines: list[str] = request.get_header_lines(name)
    if len(lines) > 1:
        raise AmbiguousRequestError(f"{name} header")
    return lines[0] if lines else None


class Sources:
    """Read the token of a request: the first of `Authorization: Bearer` (RFC 6750, 2.1), a header, a cookie, the query."""

    def __init__(self, options: Options) -> None:
        self._header = options.header.lower()
        self._cookie = options.cookie
        self._query = options.query

    def read(self, request: Any, *, upgrade: bool) -> Credential | None:
        """Return the first token of the request, None without one.

        Args:
            request: the request.
            upgrade: whether it is to become a WebSocket, and may carry its token in the query.

        Raises:
            AmbiguousRequestError: a source holds more than one.
        """
        scheme, _, token = (single_header(request, "authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return Credential(token.strip(), "authorization")
        token = single_header(request, self._header) or ""
        if token:
            return Credential(token, "header")
        token = self._from_cookie(request) if self._cookie else ""
        if token:
            return Credential(token, "cookie")
        token = self._from_query(request) if upgrade and self._query else ""
        return Credential(token, "query") if token else None

    def _from_cookie(self, request: Any) -> str:
        found: list[str] = request.get_cookie_list(self._cookie)
        if len(found) > 1:  # a neighbouring site has put one of its own beside the real one
            raise AmbiguousRequestError(f"cookie {self._cookie}")
        return found[0] if found else ""

    def _from_query(self, request: Any) -> str:
        found = request.get_queries().get(self._query) or [""]
        if len(found) > 1:
            raise AmbiguousRequestError(f"parameter {self._query}")
        return str(found[0])
