"""The head of an answer: status, headers and cookies, checked when they are written and held until the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from .body import Body
from .core import lib
from .headers import CONTENT_LENGTH, NAMES, STATUSES, cookie, encode_name, encode_status, encode_value
from .waiting import log

if TYPE_CHECKING:
    from typing_extensions import Self

native_write_status = lib.uws_res_write_status
native_write_header = lib.uws_res_write_header

CONTENT_TYPE: Final = b"Content-Type"


class Head(Body):
    """The head of a response; it may come in any order, and an error before the answer leaves nothing of it behind."""

    def _refuse_head(self, what: str) -> Self:
        if not self.aborted:
            log.error("%s was refused: the head of this answer is already sent", what, stack_info=True)
        return self

    def write_status(self, status_or_status_text: int | str | bytes) -> Self:
        """Set the status: a code, or a line such as "404 Not Found"; the last one counts.

        Raises:
            HeaderError: it is no status.
        """
        if self._answered or self._begun:
            return self._refuse_head("write_status")
        self._status = STATUSES.get(status_or_status_text) or encode_status(status_or_status_text)
        self._plain = False
        return self

    def write_header(self, key: str | bytes, value: Any) -> Self:
        """Add a header.

        Args:
            key: a token.
            value: text, bytes or a number; other objects are written as JSON.

        Raises:
            HeaderError: a character would split the response.
        """
        if self._answered or self._begun:
            return self._refuse_head("write_header")
        name = NAMES.get(key) or encode_name(key)
        # Text that can be printed holds no control character.
        data = value.encode() if value.__class__ is str and value.isprintable() else encode_value(value)
        if self._head is None:
            self._head = [(name, data)]
            self._plain = False
        else:
            self._head.append((name, data))
        return self

    def set_header(self, key: str | bytes, value: Any) -> Self:
        """Add a header in place of those of its name.

        Raises:
            HeaderError: a character would split the response.
        """
        name = encode_name(key).lower()
        if self._head is not None:
            self._head = [item for item in self._head if item[0].lower() != name]
        return self.write_header(key, value)

    def set_cookie(self, name: str, value: str, options: Mapping[str, Any] | None = None) -> Self:
        """Set a cookie; each has a header of its own, and the last of a name counts.

        Raises:
            HeaderError: the name, the value or an attribute would split the header.
        """
        if self._answered or self._begun:
            return self._refuse_head("set_cookie")
        line = encode_value(cookie(name, value, options))
        if self._write_jar is None:
            self._write_jar = {}
            self._head = self._head or []
            self._plain = False
        self._write_jar[name] = line
        return self

    def _write_head(self, content_type: bytes | None = None, *, sized: bool = False) -> None:
        """Hand status, headers and cookies to the core.

        Args:
            content_type: counts where none was written.
            sized: whether a Content-Length that was written counts; before a body the core writes its own.
        """
        head = self._head or []
        if self._write_jar is not None:
            head.extend((b"Set-Cookie", line) for line in self._write_jar.values())
        if content_type is not None and not any(name.lower() == b"content-type" for name, _ in head):
            head.append((CONTENT_TYPE, content_type))
        ssl, res, status = self._ssl, self.res, self._status
        self._head = self._write_jar = self._status = None
        self._begun = True
        if status is not None:
            native_write_status(ssl, res, status, len(status))
        for name, value in head:
            if name is not CONTENT_LENGTH or sized:
                native_write_header(ssl, res, name, len(name), value, len(value))

    def _begin_body(self) -> None:
        """Send the head before the first part of a body."""
        self._loop.is_idle = False
        if not self._begun:
            self._plain = False
            self._write_head()

    def _omit_body(self) -> None:
        """Answer a HEAD request: whatever the body is, only its length is told (RFC 9110, 9.3.2)."""
        self._bodiless = True
        self._plain = False
