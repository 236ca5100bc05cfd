"""The head of an answer: status, headers and cookies, checked when they are written and held until the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from .cookies import write_cookie
from .core import lib
from .headers import BODILESS, BODY_STATUSES, NAMES, OK, encode_name, encode_status, encode_value
from .pending import log
from .request_body import Body

if TYPE_CHECKING:
    from typing_extensions import Self

native_write_status = lib.uws_res_write_status

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
        line = BODY_STATUSES.get(status_or_status_text)
        known = line is not None
        if line is None:
            line = encode_status(status_or_status_text)
        if self._answered or self._begun:
            return self._refuse_head("write_status")
        if known:
            self._status = line
            self._plain = False
        else:
            self._set_status(line)
        return self

    def _set_status(self, line: bytes) -> None:
        """Hold a status line, which decides whether a body may follow."""
        self._status = line
        self._plain = False
        if line.startswith(BODILESS):
            self._simple = False

    def write_header(self, key: str | bytes, value: Any) -> Self:
        """Add a header.

        Args:
            key: a token.
            value: text, bytes or a number; other objects are written as JSON.

        Raises:
            HeaderError: a character would split the response.
        """
        name = NAMES.get(key) or encode_name(key)
        # Text that can be printed holds no control character.
        data = value.encode() if type(value) is str and value.isprintable() else encode_value(value)
        if self._answered or self._begun:
            return self._refuse_head("write_header")
        if name:
            self._head += name + data
            self._plain = False
        else:  # CONTENT_LENGTH
            self._length = data
        return self

    def _add_header(self, beginning: bytes, data: bytes) -> None:
        """Add a header whose name and value are encoded."""
        if beginning:
            self._head += beginning + data
            self._plain = False
        else:
            self._length = data

    def set_header(self, key: str | bytes, value: Any) -> Self:
        """Add a header in place of those of its name.

        Raises:
            HeaderError: a character would split the response.
        """
        beginning, data = encode_name(key), encode_value(value)
        if self._answered or self._begun:
            return self._refuse_head("set_header")
        if beginning and self._head:
            name = beginning.lower()
            self._keep_headers(lambda line: not line.lower().startswith(name))
        self._add_header(beginning, data)
        return self

    def _keep_headers(self, is_kept: Callable[[bytes], bool]) -> None:
        """Drop the header lines that `is_kept` refuses; each comes with the line break before it."""
        lines = (b"\r\n" + line for line in self._head.split(b"\r\n")[1:])
        self._head = b"".join(line for line in lines if is_kept(line))

    def set_cookie(self, name: str, value: str, options: Mapping[str, Any] | None = None) -> Self:
        """Set a cookie; each has a header of its own, and the last of a name counts.

        Raises:
            HeaderError: the name, the value or an attribute would split the header.
        """
        line = encode_value(write_cookie(name, value, options))
        if self._answered or self._begun:
            return self._refuse_head("set_cookie")
        if self._write_jar is None:
            self._write_jar = {}
            self._plain = self._simple = False
        self._write_jar[name] = line
        return self

    def _whole_head(self) -> bytes:
        """Give the status with all header lines; the core writes a status as it is, so it takes the head in one call."""
        cookies = (self._write_jar or {}).values()
        return b"".join((self._status or OK, self._head, *(b"\r\nSet-Cookie: " + line for line in cookies)))

    def _write_head(self, length: bytes | None = None) -> None:
        """Hand status, headers and cookies to the core.

        Args:
            length: the Content-Length of an answer without a body; before a body the core writes its own.
        """
        head = self._whole_head()
        if length is not None:
            head += b"\r\nContent-Length: " + length
        self._plain = self._simple = False
        self._begun = True
        native_write_status(self._ssl, self.res, head, len(head))

    def _begin_body(self) -> None:
        """Send the head before the first part of a body."""
        self._loop.is_idle = False
        if not self._begun:
            self._write_head()

    def _is_bodiless(self) -> bool:
        """Whether the client expects a head alone (RFC 9112, 6.3)."""
        return self._bodiless or (self._status or OK).startswith(BODILESS)

    def _omit_body(self) -> None:
        """Answer a HEAD request: whatever the body is, only its length is told (RFC 9110, 9.3.2)."""
        self._bodiless = True
        self._plain = self._simple = False
