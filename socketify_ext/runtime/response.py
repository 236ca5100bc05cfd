"""The response: one answer, and no use of the core's memory once it is gone."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from ..http_error import HTTPError
from .core import cast, ffi, lib
from .cork import cork_response
from .head import CONTENT_TYPE, Head
from .headers import BODILESS, OK, encode_name, encode_status, encode_value
from .waiting import log

if TYPE_CHECKING:
    from typing_extensions import Self

native_end = lib.uws_res_end
native_cork_end = lib.socketify_res_cork_end
native_cork_send = lib.socketify_res_cork_send

_JSON: Final = b"application/json"
_SIZE: Final = ffi.typeof("uintmax_t")
_CONTEXT: Final = ffi.typeof("uws_socket_context_t *")
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class Response(Head):
    """An HTTP response that is answered once.

    Status and headers are held until the answer. A second answer is refused and logged. After the client has left,
    everything is silently ignored, as in the core: `aborted` tells.
    """

    def _refuse_mixed(self, what: str) -> Self:
        log.error("%s was refused: try_end has announced the size of this body, and goes on", what, stack_info=True)
        return self

    def _body(self, message: Any) -> tuple[bytes, bytes | None]:
        """Encode a message; the second value is the content type of what became JSON."""
        if isinstance(message, str):
            return message.encode(), None
        if isinstance(message, bytes):
            return message, None
        if message is None:
            return b"", None
        return self._server.dump_json(message), _JSON

    def end(self, message: Any = b"", end_connection: bool = False) -> Self:
        """Answer with text, bytes, or any other object as JSON.

        Raises:
            TypeError, ValueError: the object can't be serialised; nothing was written.
        """
        if self._answered:
            return self._refuse("end")
        kind = message.__class__
        if kind is bytes:
            data = message
        elif kind is str:
            data = message.encode()
        elif (kind is dict or kind is list) and self._plain:
            data = self._server.dump_json(message)
            self._answered = True
            native_cork_send(self._ssl, self.res, data, len(data), OK, 6, _JSON, 16, end_connection)
            return self
        else:
            return self._answer(*self._body(message), end_connection)
        if self._plain:
            self._answered = True
            native_end(self._ssl, self.res, data, len(data), end_connection)
            return self
        return self._answer(data, None, end_connection)

    def _answer(self, data: bytes, content_type: bytes | None, end_connection: bool) -> Self:
        """Send the head and the whole body, in one call of the core; it takes the head as if it were the status."""
        if not self._simple:
            return self._answer_otherwise(data, content_type, end_connection)
        self._answered = True
        head, kind = (self._status or OK) + self._head, content_type or b""
        if kind and self._has_content_type():
            kind = b""
        native_cork_send(self._ssl, self.res, data, len(data), head, len(head), kind, len(kind), end_connection)
        return self

    def _answer_otherwise(self, data: bytes, content_type: bytes | None, end_connection: bool) -> Self:
        """Answer late, with cookies, with the end of a body that has begun, or without a body."""
        self._loop.is_idle = False
        late = self._key
        if late:
            if self._sized:
                return self._refuse_mixed("end")
            self._finish()
        self._answered = True
        if self._is_bodiless():
            self._end_bodiless(len(data), content_type, end_connection)
        elif not self._begun:
            head, kind = self._whole_head(), content_type or b""
            if self._has_content_type():
                kind = b""
            native_cork_send(self._ssl, self.res, data, len(data), head, len(head), kind, len(kind), end_connection)
        elif late:
            native_cork_end(self._ssl, self.res, data, len(data), end_connection)
        else:
            native_end(self._ssl, self.res, data, len(data), end_connection)
        return self

    def _has_content_type(self) -> bool:
        return b"\r\ncontent-type: " in self._head.lower()

    def _end_bodiless(self, length: int, content_type: bytes | None, end_connection: bool) -> None:
        """Send the head alone; what a client takes for a body would be read as the start of the next answer."""
        if not self._begun:
            if self._bodiless:
                if content_type is not None and not self._has_content_type():
                    self._head += b"\r\nContent-Type: " + content_type
                self._write_head(self._length or str(length).encode())
            else:
                self._write_head(self._length)
        lib.uws_res_end_without_body(self._ssl, self.res, end_connection)

    def end_without_body(self, end_connection: bool = False) -> Self:
        """Answer with the head alone, as for 204, 304 and HEAD.

        Any other answer takes its connection with it, since the head tells no length and the client would wait on.
        """
        if self._answered:
            return self._refuse("end_without_body")
        last = end_connection or not self._is_bodiless()
        self._loop.is_idle = False
        if not self._begun:
            self._write_head(self._length)
        self._finish()
        lib.uws_res_end_without_body(self._ssl, self.res, last)
        return self

    def _is_bodiless(self) -> bool:
        """Tell whether the client expects a head alone (RFC 9112, 6.3)."""
        return self._bodiless or (self._status or OK).startswith(BODILESS)

    def send(
        self,
        message: Any = b"",
        content_type: str | bytes | None = None,
        status: int | str | bytes | None = None,
        headers: Iterable[tuple[str | bytes, Any]] | None = None,
        end_connection: bool = False,
    ) -> Self:
        """Answer in one call: status, headers, content type and body.

        Args:
            message: text, bytes, or any other object as JSON.
            content_type: "text/plain" by default, and of JSON always its own.
            status: what `write_status` was given, else 200, by default.
            headers: names and values.
            end_connection: whether to close the connection.

        Raises:
            HeaderError: the status or a header would split the response; the head is as it was.
            TypeError, ValueError: the message can't be serialised; nothing was written.
        """
        if self._answered:
            return self._refuse("send")
        data, json_type = self._body(message)
        checked = [(encode_name(name), encode_value(value)) for name, value in headers or ()]
        kind = None if json_type is not None or content_type is None else encode_value(content_type)
        if status is not None:
            self.write_status(status)
        for beginning, value in checked:
            self._add_header(beginning, value)
        if kind is not None and self._head:
            self.set_header(CONTENT_TYPE, kind)
        return self._answer(data, json_type or kind or b"text/plain", end_connection)

    def redirect(self, location: str, status_code: int | str = 302) -> Self:
        """Answer with a redirect.

        Raises:
            HeaderError: the location or the status would split the response; the head is as it was.
        """
        if self._answered:
            return self._refuse("redirect")
        checked = encode_value(location)
        return self.write_status(status_code).set_header(b"Location", checked).end(b"")

    def write(self, message: Any) -> Self:
        """Write a chunk of the body; `end` is still to come."""
        if self._answered:
            return self._refuse("write")
        if self._sized:
            return self._refuse_mixed("write")
        data, _ = self._body(message)
        self._begin_body()
        if self._bodiless:
            return self
        lib.uws_res_write(self._ssl, self.res, data, len(data))
        return self

    def try_end(self, message: str | bytes, total_size: int, end_connection: bool = False) -> tuple[bool, bool]:
        """Write a part of a body of known size.

        Returns:
            Whether it was written without back-pressure, and whether the answer is complete.
        """
        if self._answered:
            if not self.aborted:
                self._refuse("try_end")
            return False, True
        data = message.encode() if isinstance(message, str) else message
        if self._bodiless:
            self._finish()
            self._end_bodiless(total_size, None, end_connection)
            return True, True
        self._begin_body()
        result = lib.uws_res_try_end(self._ssl, self.res, data, len(data), cast(_SIZE, total_size), end_connection)
        if result.has_responded:
            self._finish()
        else:
            self._sized = True
            self._wait()  # whatever comes now is late, `end` included
        return bool(result.ok), bool(result.has_responded)

    def send_chunk(self, buffer: bytes, total_size: int) -> Future[tuple[bool, bool]]:
        """Write a part of a body of known size, and wait until the client takes more.

        Returns:
            As `try_end`; not written and complete where the client has left or the request is answered.
        """
        future: Future[tuple[bool, bool]] = self._server.loop.create_future()
        begin = self.get_write_offset()
        outcome = self.try_end(buffer, total_size)
        if outcome[0] or self._answered:
            future.set_result(outcome)
            return future

        def go_on(response: Any, offset: int) -> bool:
            response._chunkFuture = None
            outcome: tuple[bool, bool] = response.try_end(buffer[offset - begin :], total_size)
            if not outcome[0] and not response._answered:
                response._chunkFuture = future
            elif not future.done():
                future.set_result(outcome)
            return outcome[0]

        promised = self._promised
        self._chunkFuture = future
        self.on_writable(go_on)
        self._promised = promised
        return future

    def render(self, *args: Any, **kwargs: Any) -> Self:
        """Answer with what the app's template engine renders.

        Raises:
            RuntimeError: the app has no template engine.
        """
        if self._answered:
            return self._refuse("render")
        if self.app._template is None:
            raise RuntimeError("no template engine: call app.template(engine) first")
        return self.send(self.app._template.render(*args, **kwargs), b"text/html")

    def write_continue(self) -> Self:
        """Send "100 Continue"."""
        if not self._answered:
            self._loop.is_idle = False
            lib.uws_res_write_continue(self._ssl, self.res)
        return self

    def upgrade(
        self,
        sec_web_socket_key: str | bytes | None,
        sec_web_socket_protocol: str | bytes | None,
        sec_web_socket_extensions: str | bytes | None,
        socket_context: Any,
        user_data: Any = None,
    ) -> bool:
        """Turn the request into a WebSocket, whose `get_user_data()` gives `user_data`.

        Returns:
            False where the client has left or the request is answered.

        Raises:
            HTTPError: 400, the key is none (RFC 6455, 4.1: 16 bytes as base64); the core would read past its end.
            HeaderError: the protocol or the extensions would split the response.
            TypeError: the context is not the one that the upgrade handler was given.
        """
        if self._answered:
            self._refuse("upgrade")
            return False
        given = (sec_web_socket_key, sec_web_socket_protocol, sec_web_socket_extensions)
        key, protocol, extensions = (encode_value(part) if isinstance(part, (str, bytes)) else b"" for part in given)
        if len(key) != 24:
            raise HTTPError(400, "Sec-WebSocket-Key is missing or malformed")
        if not isinstance(socket_context, ffi.CData) or ffi.typeof(socket_context) is not _CONTEXT:
            raise TypeError(f"upgrade takes the context that the upgrade handler was given, not {socket_context!r}")
        if self._head or self._write_jar:
            self._status = b"101 Switching Protocols"
            self._write_head()
        self._finish()
        # The open event comes from inside the call.
        self._server.upgrading = user_data
        try:
            lib.uws_res_upgrade(
                self._ssl,
                self.res,
                ffi.NULL,
                key,
                len(key),
                protocol,
                len(protocol),
                extensions,
                len(extensions),
                socket_context,
            )
        finally:
            self._server.upgrading = None
        return True

    def close(self) -> Self:
        """Close the connection without an answer."""
        if not self._answered:
            self._finish()
            lib.uws_res_close(self._ssl, self.res)
        return self

    def cork(self, callback: Callable[[Any], Any]) -> Self:
        """Send what `callback(response)` writes in one piece; it must be synchronous, and what it raises is raised.

        Raises:
            CorkError: the callback is a coroutine function.
        """
        if self._answered:
            return self._refuse("cork")
        self._loop.is_idle = False
        cork_response(self._ssl, self.res, callback, self)
        return self

    def get_write_offset(self) -> int:
        """Give how many bytes of the body are written."""
        return 0 if self._answered else int(lib.uws_res_get_write_offset(self._ssl, self.res))

    def write_offset(self, offset: int) -> Self:
        """Set how many bytes of the body count as written."""
        if not self._answered:
            lib.uws_res_override_write_offset(self._ssl, self.res, cast(_SIZE, offset))
        return self

    def get_native_handle(self) -> Any:
        """Give the core's native handle, None after the answer."""
        return None if self._answered else lib.uws_res_get_native_handle(self._ssl, self.res)

    def _fail(self, status: int, body: bytes, content_type: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answer an error if nothing was sent yet, else close the connection.

        Headers that were written stay only where the answer is one that a handler raised, with its own `headers`;
        what described another body goes.

        Raises:
            HeaderError: the status or a header can't be sent; nothing was written.
        """
        if self._answered:
            return
        if self._begun:
            self.close()
            return
        line = encode_status(f"{status} {_REASONS.get(status, 'Error')}")
        checked = [(encode_name(name), encode_value(value)) for name, value in (headers or {}).items()]
        if headers is None:
            self._head = b""
        else:
            self._keep_headers(lambda line: not _describes_body(line))
        self._status, self._length = line, None
        self._plain = False
        self._write_jar = None
        self._head += b"".join(name + value for name, value in checked if name) + b"\r\nContent-Type: " + content_type
        self.end(body)


def _describes_body(line: bytes) -> bool:
    return line.lower().startswith((b"\r\ncontent-", b"\r\netag:", b"\r\nlast-modified:", b"\r\ncache-control:"))
