"""A response without a server, and what it was told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ...errors import HTTPError
from ...runtime.cookies import write_cookie
from ...runtime.headers import encode_name, encode_status, encode_value
from ...runtime.response import Response
from .server import text_of

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass
class Answer:
    """What a fake response was told: filled while its members run.

    `status` is the code, `headers` are the names as written with their values, `body` is what was sent so far;
    `complete` tells whether the answer has ended, `closed` whether its connection was dropped instead. `upgraded`
    holds the user data of each `upgrade`.
    """

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False
    closed: bool = False
    upgraded: list[Any] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Give the body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """Give the body as what its JSON says."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """Give the first value of a header, its name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class FakeResponse(Response):
    """A response that writes to `recorded`, an `Answer`, where the real one writes to a client."""

    recorded: Answer
    _body_only = False
    _cookies: dict[str, str] | None = None
    _announced: str | None = None  # a Content-Length, which counts where no body is sent

    def _wait(self) -> Any:
        return None

    def write_status(self, status_or_status_text: int | str | bytes) -> Self:
        """Set the status."""
        if self._answered or self._head_sent:
            return self._refuse_head("write_status")
        self.recorded.status = int(encode_status(status_or_status_text)[:3])
        return self

    def write_header(self, key: str | bytes, value: Any) -> Self:
        """Add a header."""
        encode_name(key)  # it raises what the real one would
        text = encode_value(value).decode()
        if self._answered or self._head_sent:
            return self._refuse_head("write_header")
        name = text_of(key)
        if name.lower() == "content-length":
            self._announced = text
        else:
            self.recorded.headers.append((name, text))
        return self

    def set_header(self, key: str | bytes, value: Any) -> Self:
        """Add a header in place of those of its name."""
        if not (self._answered or self._head_sent):
            name = text_of(key).lower()
            self.recorded.headers[:] = [each for each in self.recorded.headers if each[0].lower() != name]
        return self.write_header(key, value)

    def set_cookie(self, name: str, value: str, options: Mapping[str, Any] | None = None) -> Self:
        """Set a cookie."""
        line = encode_value(write_cookie(name, value, options)).decode()
        if self._answered or self._head_sent:
            return self._refuse_head("set_cookie")
        self._cookies = {**(self._cookies or {}), name: line}
        return self

    def _begin_body(self) -> None:
        self._begin()

    def _begin(self, content_type: str | None = None) -> None:
        """End the head."""
        if self._head_sent:
            return
        self._head_sent = True
        recorded = self.recorded
        recorded.headers.extend(("Set-Cookie", line) for line in (self._cookies or {}).values())
        if content_type is not None and recorded.header("content-type") is None:
            recorded.headers.append(("Content-Type", content_type))

    def _answer(self, what: str, data: bytes, content_type: bytes | None, end_connection: bool) -> Self:  # noqa: ARG002 - the real one's
        if self._answered:
            return self._refuse(what)
        bodiless = self._bodiless or self.recorded.status in (204, 304)
        kind = None if content_type is None or self.recorded.status in (204, 304) else content_type.decode()
        self._begin(kind)
        self._finish()
        self.recorded.body += b"" if bodiless else data
        self.recorded.complete = True
        return self

    def end_without_body(self, end_connection: bool = False) -> Self:
        """Answer with the head alone."""
        if self._answered:
            return self._refuse("end_without_body")
        if self._announced is not None and not self._head_sent:
            self.recorded.headers.append(("Content-Length", self._announced))
        return self._answer("end_without_body", b"", None, end_connection)

    def write(self, message: Any) -> Self:
        """Write a chunk of the body."""
        if self._answered:
            return self._refuse("write")
        data, _ = self._body(message)
        self._begin_body()
        self.recorded.body += b"" if self._bodiless else data
        return self

    def try_end(self, message: str | bytes, total_size: int, end_connection: bool = False) -> tuple[bool, bool]:
        """Write a part of a body of known size; a fake client takes all of it."""
        if self._answered:
            self._refuse("try_end")
            return False, True
        self.write(message)
        if len(self.recorded.body) >= total_size:
            self._answer("try_end", b"", None, end_connection)
        return True, self._answered

    def on_data(self, handler: Callable[[Any, bytes, bool], Any]) -> Self:
        """Give the request's body to `handler(response, chunk, is_end)` at once."""
        if not self._answered and callable(handler):
            self._deferred = True
            self._server.call(self, handler, self, getattr(self._request, "_given", b""), True)
        return self

    def get_data(self, limit: int | None = None) -> asyncio.Future[BytesIO]:
        """Read the whole body; a larger one than `limit` bytes raises HTTPError, 413."""
        future: asyncio.Future[BytesIO] = self._server.loop.create_future()
        given = getattr(self._request, "_given", b"")
        if limit is not None and len(given) > limit:
            future.set_exception(HTTPError(413, f"the body has more than {limit} bytes"))
        else:
            future.set_result(BytesIO(given))
        return future

    def on_writable(self, handler: Callable[[Any, int], bool]) -> Self:
        """Note that more is to be written; a fake client takes everything at once."""
        self._writable_handler = handler
        self._deferred = True
        return self

    def upgrade(
        self,
        sec_web_socket_key: str | bytes | None,  # noqa: ARG002 - the core's signature
        sec_web_socket_protocol: str | bytes | None,  # noqa: ARG002
        sec_web_socket_extensions: str | bytes | None,  # noqa: ARG002
        socket_context: Any,  # noqa: ARG002
        user_data: Any = None,
    ) -> bool:
        """Note the user data of the WebSocket that this request becomes."""
        if self._answered:
            self._refuse("upgrade")
            return False
        self.recorded.status = 101
        self._begin()
        self._finish()
        self.recorded.upgraded.append(user_data)
        self.recorded.complete = True
        return True

    def close(self) -> Self:
        """Drop the connection without an answer."""
        if not self._answered:
            self._finish()
            self.recorded.closed = True
        return self

    def cork(self, callback: Callable[[Any], Any]) -> Self:
        """Run `callback(response)`."""
        if self._answered:
            return self._refuse("cork")
        callback(self)
        return self

    def write_continue(self) -> Self:
        """Send nothing."""
        return self

    def pause(self) -> Self:
        """Do nothing: the body is there."""
        return self

    def resume(self) -> Self:
        """Do nothing: the body is there."""
        return self

    def get_write_offset(self) -> int:
        """Give how many bytes of the body are written."""
        return len(self.recorded.body)

    def write_offset(self, offset: int) -> Self:  # noqa: ARG002 - the core's signature
        """Do nothing: the offset is that of the recorded body."""
        return self

    def get_native_handle(self) -> Any:
        """Give None: there is no connection."""
        return

    def get_remote_address_bytes(self) -> bytes | None:
        """Give the loopback address; None after the answer."""
        return None if self._answered else b"\x7f\x00\x00\x01"

    def get_remote_address(self) -> str | None:
        """Give the loopback address as text; None after the answer."""
        return None if self._answered else "127.0.0.1"

    def get_proxied_remote_address_bytes(self) -> bytes | None:
        """Give nothing: there is no proxy."""
        return b""

    def get_proxied_remote_address(self) -> str | None:
        """Give nothing: there is no proxy."""
        return ""


def answering(response: FakeResponse, request: Any) -> FakeResponse:
    """Let the response answer a request; a fake one's body is what it reads."""
    response.recorded = Answer()
    response._request = request
    return response
