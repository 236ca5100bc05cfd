"""The response: one answer, and no use of the core's memory once it is gone."""

from __future__ import annotations

import operator
from asyncio import Future
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from ..errors import HTTPError
from .core import cast, ffi, lib
from .cork import CorkedCall, cork_response
from .encoding import exact_bytes
from .files.sending import send_file
from .headers import BODILESS, OK, encode_name, encode_status, encode_value
from .pending import SENT, log
from .response_head import CONTENT_TYPE, Head
from .thread import get_ident

if TYPE_CHECKING:
    from typing_extensions import Self

    from .request import Request

native_end = lib.uws_res_end
native_cork_end = lib.socketify_res_cork_end
native_cork_send = lib.socketify_res_cork_send

_JSON: Final = b"application/json"
_SIZE: Final = ffi.typeof("uintmax_t")
_LARGEST: Final = 2**53  # bytes, the largest number that every client can read
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class Response(Head):
    """An HTTP response that is answered once.

    Status and headers are held until the answer. A second answer is refused and logged. After the client has left,
    everything is silently ignored, as in the core: `aborted` tells.

    Each call goes the same way: convert and check every argument, which may run anybody's code; look at the state; change
    it; hand exact bytes and numbers to the core. So nothing that is given can leave a response half answered.
    """

    @property
    def request(self) -> Request | None:
        """Get the request that this response answers."""
        return self._request

    def _refuse_mixed(self, what: str) -> Self:
        log.error("%s was refused: try_end has announced the size of this body, and goes on", what, stack_info=True)
        return self

    def _body(self, message: Any) -> tuple[bytes, bytes | None]:
        """Encode a message; the second value is the content type of what became JSON."""
        kind = type(message)
        if kind is dict or kind is list:
            return self._server.dump_json(message), _JSON
        data = exact_bytes(message)
        if data is not None:
            return data, None
        if message is None:
            return b"", None
        return self._server.dump_json(message), _JSON

    def end(self, message: Any = b"", end_connection: bool = False) -> Self:
        """Answer with text, bytes, or any other object as JSON.

        From another thread the answer is handed to the server's. A connection whose head has gone before stays open
        whatever `end_connection` says, since the head has said so.

        Raises:
            TypeError, ValueError: the object can't be serialised; nothing was written.
        """
        kind = type(message)
        if kind is bytes:
            data = message
        elif kind is str:
            data = message.encode()
        else:
            return self._answer("end", *self._body(message), bool(end_connection))
        if end_connection is not False or not self._plain or self._answered:
            return self._answer("end", data, None, bool(end_connection))
        self._unsent = data
        self._answered = True
        return self._deliver_soon() if self._key else self

    def _answer(self, what: str, data: bytes, content_type: bytes | None, end_connection: bool) -> Self:
        """Answer with the whole body.

        In the handler's first step nothing native is called: the dispatcher sends what is left to it, so it does not
        matter which thread has left it.

        Raises:
            BodyError: a part of the body counts as written.
        """
        if self._answered:
            return self._refuse(what)
        if not self._simple:
            return self._answer_otherwise(what, data, content_type, end_connection)
        if end_connection:
            self._last = True
        self._unsent_type = content_type or b""
        self._unsent = data
        self._answered = True
        return self._deliver_soon() if self._key else self

    def _deliver_soon(self) -> Self:
        """Let the server's thread send what another one has left just when the handler's first step ended."""
        self._server.loop.call_soon_threadsafe(self._deliver)
        return self

    def _deliver(self) -> None:
        """Send what an answer has left, in one call of the core; it takes the head as if it were the status.

        The request's own callback runs, or the response is in the table of those that wait.
        """
        data, kind = self._unsent, self._unsent_type
        if data is None or self.res is None:
            return
        if kind is SENT or self._key:
            if lib.uws_res_has_responded(self._ssl, self.res):  # the server's thread was faster than another one
                return
            self._finish()
        if kind is None:
            native_end(self._ssl, self.res, data, len(data), self._last)
            return
        head = OK
        if not self._plain:
            head = (self._status or OK) + self._head
            if kind and self._has_content_type():
                kind = b""
        native_cork_send(self._ssl, self.res, data, len(data), head, len(head), kind, len(kind), self._last)

    def _answer_otherwise(self, what: str, data: bytes, content_type: bytes | None, end_connection: bool) -> Self:
        """Answer late, with cookies, with the end of a body that has begun, or without a body."""
        if get_ident() != self._thread:
            return self._hand_over(self._answer, what, data, content_type, end_connection)
        self._loop.is_idle = False
        if self._size is not None:
            return self._refuse_mixed(what)
        late = self._key
        bodiless = self._is_bodiless()
        self._finish()
        if bodiless:
            self._end_bodiless(len(data), content_type, end_connection)
        elif not self._begun:
            head, kind = self._whole_head(), content_type or b""
            if self._has_content_type():
                kind = b""
            native_cork_send(self._ssl, self.res, data, len(data), head, len(head), kind, len(kind), end_connection)
        # The end of the connection can't be announced any more: the core would write its header into the body.
        elif late:
            native_cork_end(self._ssl, self.res, data, len(data), False)
        else:
            native_end(self._ssl, self.res, data, len(data), False)
        return self

    def _has_content_type(self) -> bool:
        return b"\r\ncontent-type: " in self._head.lower()

    def _end_bodiless(self, length: int, content_type: bytes | None, end_connection: bool) -> None:
        """Send the head alone; what a client takes for a body would be read as the start of the next answer."""
        if not self._begun:
            if self._bodiless:
                if content_type is not None and not self._has_content_type():
                    self._head += b"\r\nContent-Type: " + content_type
                self._write_head(self._length or b"%d" % length)
            else:
                self._write_head(self._length)
        lib.uws_res_end_without_body(self._ssl, self.res, end_connection)

    def end_without_body(self, end_connection: bool = False) -> Self:
        """Answer with the head alone, as for 204, 304 and HEAD; or end a body that has begun.

        Any other answer takes its connection with it, since the head tells no length and the client would wait on.
        """
        end_connection = bool(end_connection)
        if get_ident() != self._thread:
            return self._hand_over(self.end_without_body, end_connection)
        if self._answered:
            return self._refuse("end_without_body")
        if self._begun and not self._is_bodiless():
            return self._answer("end_without_body", b"", None, end_connection)
        last = end_connection or not self._is_bodiless()
        self._loop.is_idle = False
        self._finish()
        if not self._begun:
            self._write_head(self._length)
        lib.uws_res_end_without_body(self._ssl, self.res, last)
        return self

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
        data, json_type = self._body(message)
        checked = [(encode_name(name), encode_value(value)) for name, value in headers or ()]
        kind = None if json_type is not None or content_type is None else encode_value(content_type)
        line = None if status is None else encode_status(status)
        end_connection = bool(end_connection)
        if self._answered:
            return self._refuse("send")
        if not self._begun:
            if line is not None:
                self._set_status(line)
            for beginning, value in checked:
                self._add_header(beginning, value)
            if kind is not None and self._head:
                self.set_header(CONTENT_TYPE, kind)
        elif line is not None or checked:
            self._refuse_head("send")
        return self._answer("send", data, json_type or kind or b"text/plain", end_connection)

    def redirect(self, location: str, status_code: int | str = 302) -> Self:
        """Answer with a redirect.

        Raises:
            HeaderError: the location or the status would split the response; the head is as it was.
        """
        line, checked = encode_status(status_code), encode_value(location)
        if self._answered:
            return self._refuse("redirect")
        if self._begun:
            self._refuse_head("redirect")
        else:
            self._set_status(line)
            self.set_header(b"Location", checked)
        return self._answer("redirect", b"", None, end_connection=False)

    def write(self, message: Any) -> Self:
        """Write a chunk of the body; `end` is still to come.

        Raises:
            TypeError, ValueError: the object can't be serialised; nothing was written.
        """
        return self._write(self._body(message)[0])

    def _write(self, data: bytes) -> Self:
        if get_ident() != self._thread:
            return self._hand_over(self._write, data)
        if self._answered:
            return self._refuse("write")
        if self._size is not None:
            return self._refuse_mixed("write")
        bodiless = self._is_bodiless()
        self._begin_body()
        if not bodiless:
            lib.uws_res_write(self._ssl, self.res, data, len(data))
        return self

    def try_end(self, message: str | bytes, total_size: int, end_connection: bool = False) -> tuple[bool, bool]:
        """Write a part of a body of known size.

        Returns:
            Whether it was written without back-pressure, and whether the answer is complete.

        Raises:
            TypeError: the message is neither text nor bytes, or the size no int; nothing was written.
            BodyError: the part goes beyond the size, or the size is not the one that was announced before.
        """
        data = exact_bytes(message)
        if data is None:
            raise TypeError(f"try_end takes text or bytes, not a {type(message).__name__}")
        total, last = _size("total_size", total_size), bool(end_connection)
        res = self._native("try_end")
        if self._answered:
            if not self.aborted:
                self._refuse("try_end")
            return False, True
        if self._is_bodiless():
            self._finish()
            self._end_bodiless(total, None, last)
            return True, True
        self._check_part(len(data), total)
        fresh = not self._begun
        self._begin_body()
        self._size = total
        result = lib.uws_res_try_end(self._ssl, res, data, len(data), cast(_SIZE, total), last and fresh)
        if result.has_responded:
            self._finish()
        else:
            self._wait()  # whatever comes now is late, `end` included
        return bool(result.ok), bool(result.has_responded)

    def _check_part(self, length: int, total: int) -> None:
        """Refuse a part that does not fit what the client was told of the body.

        Raises:
            BodyError: it does not.
        """
        if self._begun and self._size is None:
            raise self._body_error("try_end", "write has begun a body whose size is not announced")
        if self._size not in (None, total):
            raise self._body_error("try_end", f"{self._size} bytes are announced, not {total}")
        offset = self.get_write_offset()
        if offset + length > total:
            raise self._body_error("try_end", f"{offset} bytes are written, and {length} more are beyond {total}")

    def _body_error(self, what: str, why: str) -> errors.BodyError:
        return errors.BodyError(
            what, "was refused", why, "Give the size of the whole body, and what is still missing of it"
        )

    def send_chunk(self, buffer: bytes, total_size: int) -> Future[tuple[bool, bool]]:
        """Write a part of a body of known size, and wait until the client takes more.

        Returns:
            As `try_end`; not written and complete where the client has left or the request is answered.

        Raises:
            TypeError: the buffer is neither text nor bytes, or the size no int; nothing was written.
            BodyError: the part goes beyond the size, or another part is still on its way.
        """
        data = exact_bytes(buffer)
        if data is None:
            raise TypeError(f"send_chunk takes text or bytes, not a {type(buffer).__name__}")
        if self._chunkFuture is not None and not self._chunkFuture.done():
            raise self._body_error("send_chunk", "the part before it is still on its way: await it first")
        begin = self.get_write_offset()
        outcome = self.try_end(data, total_size)
        future: Future[tuple[bool, bool]] = self._server.loop.create_future()
        if outcome[0] or self._answered:
            future.set_result(outcome)
            return future

        def go_on(response: Any, offset: int) -> bool:
            response._chunkFuture = None
            outcome: tuple[bool, bool] = response.try_end(data[offset - begin :], total_size)
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

    def send_file(
        self, path: str | bytes | PathLike[str] | PathLike[bytes], *, content_type: str | None = None
    ) -> Future[None]:
        """Answer with a file: whole, a range of it, or 304, as the request asks; see docs/files.md.

        It begins at once, awaited or not.

        Args:
            path: of a regular file; never made from what a client sends, which is what `app.static` is for.
            content_type: by the file's name by default.

        Returns:
            What is done when the answer is complete or the client has left.

        Raises:
            HTTPError: 404, there is no such file; 503, too many files are open.
        """
        if self._answered:
            self._refuse("send_file")
            done: Future[None] = self._server.loop.create_future()
            done.set_result(None)
            return done
        return send_file(self, path, content_type)

    def write_continue(self) -> Self:
        """Send "100 Continue", which comes before the head."""
        res = self._native("write_continue")
        if self._answered:
            return self
        if self._begun:
            return self._refuse_head("write_continue")
        self._loop.is_idle = False
        lib.uws_res_write_continue(self._ssl, res)
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
        given = (sec_web_socket_key, sec_web_socket_protocol, sec_web_socket_extensions)
        key, protocol, extensions = (encode_value(part) if isinstance(part, (str, bytes)) else b"" for part in given)
        res = self._native("upgrade")
        if self._answered:
            self._refuse("upgrade")
            return False
        if self._begun:
            self._refuse_head("upgrade")
            return False
        if len(key) != 24:
            raise HTTPError(400, "Sec-WebSocket-Key is missing or malformed")
        if self._context is None or socket_context is not self._context:
            raise TypeError(f"upgrade takes the context that the upgrade handler was given, not {socket_context!r}")
        if self._head or self._write_jar:
            self._status = b"101 Switching Protocols"
            self._write_head()
        self._context = None
        self._finish()
        # The open event comes from inside the call.
        self._server.upgrading = user_data
        try:
            lib.uws_res_upgrade(
                self._ssl,
                res,
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
        if get_ident() != self._thread:
            return self._hand_over(self.close)
        if not self._answered:
            self._drop()
        return self

    def _drop(self) -> None:
        """Close the connection of a request that is not answered."""
        self._finish()
        lib.uws_res_close(self._ssl, self.res)

    def trigger_aborted(self) -> Self:
        """Close the connection, and do what is done when a client leaves."""
        self._native("trigger_aborted")
        if not self._answered:
            self._drop()
            self._leave()
        return self

    def cork(self, callback: Callable[[Any], Any]) -> Self:
        """Send what `callback(response)` writes in one piece; it must be synchronous, and what it raises is raised.

        Raises:
            CorkError: the callback is a coroutine function.
        """
        call, res = CorkedCall(callback, self), self._native("cork")
        if self._answered:
            return self._refuse("cork")
        self._loop.is_idle = False
        cork_response(self._ssl, res, call)
        return self

    def get_write_offset(self) -> int:
        """Return how many bytes of the body are written."""
        res = self._native("get_write_offset")
        if self._answered or not self._begun:
            return 0
        return int(lib.uws_res_get_write_offset(self._ssl, res))

    def write_offset(self, offset: int) -> Self:
        """Begin the body at its start, the only place where it can begin.

        Raises:
            TypeError: the offset is no int.
            BodyError: it is not 0: the head announces the whole body, and the client would wait for what is left out.
        """
        if _size("offset", offset):
            raise self._body_error("write_offset", f"the client would wait for the first {offset} bytes of the body")
        return self

    def get_native_handle(self) -> Any:
        """Return the core's native handle, None after the answer."""
        res = self._native("get_native_handle")
        return None if self._answered else lib.uws_res_get_native_handle(self._ssl, res)

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
        self._set_status(line)
        self._length = self._write_jar = None
        self._head += b"".join(name + value for name, value in checked if name)
        if not line.startswith(BODILESS):
            self._head += b"\r\nContent-Type: " + content_type
        self.end(body)


def _size(what: str, value: Any) -> int:
    """Return a number of bytes as the core takes it.

    Raises:
        TypeError: it is no int.
        BodyError: it is negative or beyond 2 ** 53.
    """
    size = operator.index(value)
    if not 0 <= size <= _LARGEST:
        raise errors.BodyError(what, "was refused", f"{size} is no number of bytes", "Give the size of the whole body")
    return size


def _describes_body(line: bytes) -> bool:
    return line.lower().startswith((b"\r\ncontent-", b"\r\netag:", b"\r\nlast-modified:", b"\r\ncache-control:"))
