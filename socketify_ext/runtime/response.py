"""The response: one answer, a checked head, and no use of the core's memory once it is gone."""

from __future__ import annotations

import itertools
import logging
from asyncio import Future
from collections.abc import Callable, Coroutine, Iterable, Mapping
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from ..http_error import HTTPError
from .core import core, ffi, lib
from .cork import cork_response
from .headers import NAMES, STATUSES, cookie, encode_name, encode_status, encode_value

if TYPE_CHECKING:
    from .request import Request
    from .server import Server

log = logging.getLogger("socketify_ext")

cast = ffi.cast
unpack = ffi.unpack
native_end = lib.uws_res_end
native_cork_end = lib.socketify_res_cork_end
native_cork_send = lib.socketify_res_cork_send
native_write_status = lib.uws_res_write_status
native_write_header = lib.uws_res_write_header
_next_key = itertools.count(1).__next__

# Responses that a native callback may still come for, by the number that it is given; across all apps of the
# process, since a callback brings nothing else. An entry leaves with its answer or its client.
waiting: Final[dict[int, Response]] = {}

_JSON: Final = b"application/json"
_CONTENT_TYPE: Final = b"Content-Type"
_CONTEXT: Final = ffi.typeof("uws_socket_context_t *")
_HELD_LIMIT: Final = 1024 * 1024  # bytes
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class Response(core.AppResponse):  # type: ignore[misc]  # the core has no types
    """An HTTP response that is answered once.

    Status and headers are held until the answer, so that they can come in any order, and an error before the answer
    leaves nothing of them behind. A second answer is refused and logged. After the client has left, everything is silently ignored, as in the
    core: `aborted` tells. Native callbacks find a response through its number in `waiting`, never through its
    address, so that a late one finds nothing instead of freed memory.
    """

    # What the core's __init__ sets on each object; class attributes here, so that an object starts empty.
    app: Any = None
    res: Any = None
    aborted = False
    _aborted_handler: Callable[..., Any] | None = None
    _writable_handler: Callable[..., Any] | None = None
    _data_handler: Callable[..., Any] | None = None
    _grabbed_abort_handler_once = False
    _write_jar: dict[str, bytes] | None = None
    _cork_handler = None
    _lastChunkOffset = 0
    _chunkFuture: Future[tuple[bool, bool]] | None = None
    _dataFuture: Future[BytesIO] | None = None
    _data: BytesIO | None = None
    _ptr = None
    # Ours.
    _answered = False  # nothing more may be written: answered, upgraded or aborted
    _held: list[tuple[bytes, bool]] | None = None  # parts of the body that nobody has asked for yet
    _overflowed = False  # more of the body came than is kept
    _plain = True  # nothing but a body is to be sent, from within the handler's first step
    _begun = False  # the head has gone to the client
    _status: bytes | None = None  # the status line, held until the answer
    _head: list[tuple[bytes, bytes]] | None = None  # headers, held until the answer
    _sized = False  # try_end has announced the size of the body, and not written all of it
    _promised = False  # the handler said, by a callback or a task, that an answer comes later
    _key = 0  # its number in `waiting`, 0 where no native callback can come
    _tasks = 0  # coroutines that may still answer
    _route = ""  # its route's name, where something may come after the handler
    _request: Request | None = None
    # Of the app; set once on the compiled class.
    _server: Server
    _ssl: Any = None
    _loop: Any = None

    __init__ = object.__init__
    # The core's finaliser is Python code, run for each object; this one does nothing and costs a third.
    __del__ = object.__sizeof__

    def _refuse(self, what: str) -> Response:
        """Ignore a write that comes too late, and say so unless the client has left."""
        if not self.aborted:
            log.error("%s was refused: this request is already answered", what, stack_info=True)
        return self

    def _finish(self) -> None:
        """Leave the table of those that native callbacks look for."""
        if self._key:
            waiting.pop(self._key, None)
            self._key = 0
            self._release()
        self._answered = True

    def _release(self) -> None:
        """Tell whoever waits for the client that nothing more comes."""
        if self._chunkFuture is not None and not self._chunkFuture.done():
            self._chunkFuture.set_result((False, True))
        if self._dataFuture is not None and not self._dataFuture.done():
            self._dataFuture.set_result(self._data or BytesIO())

    # -- the head

    def _refuse_mixed(self, what: str) -> Response:
        log.error("%s was refused: try_end has announced the size of this body, and goes on", what, stack_info=True)
        return self

    def _refuse_head(self, what: str) -> Response:
        if not self.aborted:
            log.error("%s was refused: the head of this answer is already sent", what, stack_info=True)
        return self

    def write_status(self, status_or_status_text: int | str | bytes) -> Response:
        """Set the status: a code, or a line such as "404 Not Found"; the last one counts.

        Raises:
            HeaderError: it is no status.
        """
        if self._answered or self._begun:
            return self._refuse_head("write_status")
        self._status = STATUSES.get(status_or_status_text) or encode_status(status_or_status_text)
        self._plain = False
        return self

    def write_header(self, key: str | bytes, value: Any) -> Response:
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

    def set_header(self, key: str | bytes, value: Any) -> Response:
        """Add a header in place of those of its name.

        Raises:
            HeaderError: a character would split the response.
        """
        name = encode_name(key).lower()
        if self._head is not None:
            self._head = [item for item in self._head if item[0].lower() != name]
        return self.write_header(key, value)

    def set_cookie(self, name: str, value: str, options: Mapping[str, Any] | None = None) -> Response:
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

    def _write_head(self, content_type: bytes | None = None) -> None:
        """Hand status, headers and cookies to the core; the Content-Type counts where none was written."""
        head = self._head or []
        if self._write_jar is not None:
            head.extend((b"Set-Cookie", line) for line in self._write_jar.values())
        if content_type is not None and not any(name.lower() == b"content-type" for name, _ in head):
            head.append((_CONTENT_TYPE, content_type))
        ssl, res, status = self._ssl, self.res, self._status
        self._head = self._write_jar = self._status = None
        self._begun = True
        if status is not None:
            native_write_status(ssl, res, status, len(status))
        for name, value in head:
            native_write_header(ssl, res, name, len(name), value, len(value))

    def _begin_body(self) -> None:
        """Send the head before the first part of a body."""
        self._loop.is_idle = False
        if not self._begun:
            self._plain = False
            self._write_head()

    # -- the answer

    def _body(self, message: Any) -> tuple[bytes, bytes | None]:
        """Encode a message; the second value is the content type of what became JSON."""
        if isinstance(message, str):
            return message.encode(), None
        if isinstance(message, bytes):
            return message, None
        if message is None:
            return b"", None
        return self._server.dump_json(message), _JSON

    def end(self, message: Any = b"", end_connection: bool = False) -> Response:
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
        else:
            return self._answer(*self._body(message), end_connection)
        if self._plain:
            self._answered = True
            native_end(self._ssl, self.res, data, len(data), end_connection)
            return self
        return self._answer(data, None, end_connection)

    def _answer(self, data: bytes, content_type: bytes | None, end_connection: bool) -> Response:
        """Send the head and the whole body, in as few calls of the core as there can be."""
        self._loop.is_idle = False
        late = self._key
        if late:
            if self._sized:
                return self._refuse_mixed("end")
            self._finish()
        self._answered = True
        if self._head is not None:
            if late:
                cork_response(self._ssl, self.res, lambda _: self._write_all(data, content_type, end_connection), self)
            else:  # the core corks a handler that has not suspended
                self._write_all(data, content_type, end_connection)
        elif (content_type is not None or self._status is not None) and not self._begun:
            status, kind = self._status or b"200 OK", content_type or b""
            native_cork_send(self._ssl, self.res, data, len(data), status, len(status), kind, len(kind), end_connection)
        elif late:
            native_cork_end(self._ssl, self.res, data, len(data), end_connection)
        else:
            native_end(self._ssl, self.res, data, len(data), end_connection)
        return self

    def _write_all(self, data: bytes, content_type: bytes | None, end_connection: bool) -> None:
        self._write_head(content_type)
        native_end(self._ssl, self.res, data, len(data), end_connection)

    def end_without_body(self, end_connection: bool = False) -> Response:
        """Answer with the head alone, as for 204, 304 and HEAD.

        Any other answer takes its connection with it, since the head tells no length and the client would wait on.
        """
        if self._answered:
            return self._refuse("end_without_body")
        last = end_connection or not self._is_bodiless()
        self._begin_body()
        self._finish()
        lib.uws_res_end_without_body(self._ssl, self.res, last)
        return self

    def _is_bodiless(self) -> bool:
        """Tell whether the client expects a head alone (RFC 9112, 6.3)."""
        if self._status is not None and self._status.startswith((b"204", b"304")):
            return True
        request = self._request
        if request is None or (request.req is None and request._method is None):
            return False
        return request.get_method() == "HEAD"

    def send(
        self,
        message: Any = b"",
        content_type: str | bytes | None = None,
        status: int | str | bytes | None = None,
        headers: Iterable[tuple[str | bytes, Any]] | None = None,
        end_connection: bool = False,
    ) -> Response:
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
        for name, value in checked:
            self.write_header(name, value)
        if kind is not None:
            self.set_header(_CONTENT_TYPE, kind)
        return self._answer(data, json_type or b"text/plain", end_connection)

    def redirect(self, location: str, status_code: int | str = 302) -> Response:
        """Answer with a redirect.

        Raises:
            HeaderError: the location or the status would split the response; the head is as it was.
        """
        if self._answered:
            return self._refuse("redirect")
        checked = encode_value(location)
        return self.write_status(status_code).set_header(b"Location", checked).end(b"")

    def write(self, message: Any) -> Response:
        """Write a chunk of the body; `end` is still to come."""
        if self._answered:
            return self._refuse("write")
        if self._sized:
            return self._refuse_mixed("write")
        data, _ = self._body(message)
        self._begin_body()
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
        self._begin_body()
        result = lib.uws_res_try_end(
            self._ssl, self.res, data, len(data), cast("uintmax_t", total_size), end_connection
        )
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

        def go_on(response: Response, offset: int) -> bool:
            response._chunkFuture = None
            outcome = response.try_end(buffer[offset - begin :], total_size)
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

    def render(self, *args: Any, **kwargs: Any) -> Response:
        """Answer with what the app's template engine renders.

        Raises:
            RuntimeError: the app has no template engine.
        """
        if self._answered:
            return self._refuse("render")
        if self.app._template is None:
            raise RuntimeError("no template engine: call app.template(engine) first")
        return self.send(self.app._template.render(*args, **kwargs), b"text/html")

    def write_continue(self) -> Response:
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
        if self._head is not None:
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

    def close(self) -> Response:
        """Close the connection without an answer."""
        if not self._answered:
            self._finish()
            lib.uws_res_close(self._ssl, self.res)
        return self

    def cork(self, callback: Callable[[Any], Any]) -> Response:
        """Send what `callback(response)` writes in one piece; it must be synchronous, and what it raises is raised.

        Raises:
            CorkError: the callback is a coroutine function.
        """
        if self._answered:
            return self._refuse("cork")
        self._loop.is_idle = False
        cork_response(self._ssl, self.res, callback, self)
        return self

    # -- waiting for the client

    def _wait(self) -> Any:
        """Enter the table that native callbacks look in; the core demands an abort callback for a late answer.

        Returns:
            The number as the user data of native callbacks.
        """
        if not self._key:
            self._key = key = _next_key()
            self._plain = False
            waiting[key] = self
            self._grabbed_abort_handler_once = True
            lib.uws_res_on_aborted(self._ssl, self.res, on_aborted, cast("void*", key))
        return cast("void*", self._key)

    def grab_aborted_handler(self) -> Response:
        """Say that the answer comes after the handler has returned."""
        if not self._answered:
            self._promised = True
            self._wait()
        return self

    def on_aborted(self, handler: Callable[[Any], Any]) -> Response:
        """Call `handler(response)`, sync or async, when the client leaves before the answer."""
        if callable(handler):
            self._aborted_handler = handler
            self.grab_aborted_handler()
        return self

    def on_data(self, handler: Callable[[Any, bytes, bool], Any]) -> Response:
        """Call `handler(response, chunk, is_end)` for each part of the body, those that are kept first.

        Raises:
            RequestGoneError: the handler was suspended before, and more came meanwhile than is kept.
        """
        if self._answered or not callable(handler):
            return self
        if self._overflowed:
            raise errors.RequestGoneError(
                "the body of this request",
                "is gone",
                f"more than {_HELD_LIMIT} bytes of it came before anybody asked for it",
                "Ask for it before the first await of the handler",
            )
        self._data_handler = handler
        self._promised = True
        held, self._held = self._held, None
        if held is None:
            lib.uws_res_on_data(self._ssl, self.res, on_data, self._wait())
        for chunk, is_end in held or ():
            self._server.call(self, handler, self, chunk, is_end)
        return self

    def _hold_body(self, is_announced: bool) -> None:
        """Keep what comes of the body while the handler is suspended: the core would drop it."""
        if self._answered or self._data_handler is not None:
            return
        self._held = [] if is_announced else [(b"", True)]
        if is_announced:
            self._data_handler = _hold
            lib.uws_res_on_data(self._ssl, self.res, on_data, self._wait())

    def on_writable(self, handler: Callable[[Any, int], bool]) -> Response:
        """Call `handler(response, offset)` when more can be written."""
        if not self._answered and callable(handler):
            self._writable_handler = handler
            self._promised = True
            lib.uws_res_on_writable(self._ssl, self.res, on_writable, self._wait())
        return self

    def get_data(self) -> Future[BytesIO]:
        """Read the whole body; what has come where the client leaves."""
        promised = self._promised
        future = self._server.loop.create_future()
        self._data, self._dataFuture = BytesIO(), future
        if self._answered:
            future.set_result(self._data)
        else:
            self.on_data(_collect)
            self._promised = promised
        return future

    def run_async(self, task: Coroutine[Any, Any, Any]) -> None:
        """Answer from a coroutine; it runs to its first await at once, and the request stays readable in it."""
        self._server.start(task, self, self._request)

    def pause(self) -> Response:
        """Stop reading from the client."""
        if not self._answered:
            lib.uws_res_pause(self._ssl, self.res)
        return self

    def resume(self) -> Response:
        """Go on reading from the client."""
        if not self._answered:
            self._loop.is_idle = False
            lib.uws_res_resume(self._ssl, self.res)
        return self

    # -- what is known

    def has_responded(self) -> bool:
        """Tell whether the request is answered."""
        return self._answered and not self.aborted

    def get_write_offset(self) -> int:
        """Give how many bytes of the body are written."""
        return 0 if self._answered else int(lib.uws_res_get_write_offset(self._ssl, self.res))

    def write_offset(self, offset: int) -> Response:
        """Set how many bytes of the body count as written."""
        if not self._answered:
            lib.uws_res_override_write_offset(self._ssl, self.res, cast("uintmax_t", offset))
        return self

    def get_native_handle(self) -> Any:
        """Give the core's native handle, None after the answer."""
        return None if self._answered else lib.uws_res_get_native_handle(self._ssl, self.res)

    def _address(self, getter: Callable[..., int]) -> bytes | None:
        if self._answered:
            return None
        buffer = ffi.new("char**")
        length = getter(self._ssl, self.res, buffer)
        return unpack(buffer[0], length) if buffer[0] else None

    def get_remote_address_bytes(self) -> bytes | None:
        """Give the client's address as 4 or 16 bytes; None after the answer."""
        return self._address(lib.uws_res_get_remote_address)

    def get_remote_address(self) -> str | None:
        """Give the client's address as text; None after the answer."""
        found = self._address(lib.uws_res_get_remote_address_as_text)
        return None if found is None else found.decode()

    def get_proxied_remote_address_bytes(self) -> bytes | None:
        """Give the address that a proxy in front told (PROXY protocol)."""
        return self._address(lib.uws_res_get_proxied_remote_address)

    def get_proxied_remote_address(self) -> str | None:
        """Give the address that a proxy in front told, as text."""
        found = self._address(lib.uws_res_get_proxied_remote_address_as_text)
        return None if found is None else found.decode()

    # -- events

    def trigger_aborted(self) -> Response:
        """The client has left: let nothing touch the response's memory any more, then tell whoever waits."""
        self.aborted = True
        self._finish()
        if self._server.handed_on is self:
            self._server.handed_on = None
        self.res = None
        if self._aborted_handler is not None:
            self._server.call(self, self._aborted_handler, self)
        return self

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
        kept = [] if headers is None else [item for item in self._head or () if not _describes_body(item[0])]
        self._status = line
        self._plain = False
        self._write_jar = None
        self._head = [*kept, *checked, (_CONTENT_TYPE, content_type)]
        self.end(body)


def _hold(response: Response, chunk: bytes, is_end: bool) -> None:
    held = response._held
    if held is None:
        return
    held.append((chunk, is_end))
    if sum(len(part) for part, _ in held) > _HELD_LIMIT:
        response._held = None
        response._overflowed = True


def _describes_body(name: bytes) -> bool:
    return name.lower().startswith(b"content-") or name.lower() in (b"etag", b"last-modified", b"cache-control")


def _collect(response: Response, chunk: bytes, is_end: bool) -> None:
    if response._data is None or response._dataFuture is None:
        return
    response._data.write(chunk)
    if is_end and not response._dataFuture.done():
        response._dataFuture.set_result(response._data)


@ffi.callback("void(uws_res_t*, void*)")  # type: ignore[untyped-decorator]
def on_aborted(res: Any, user_data: Any) -> None:
    """The client has left."""
    response = waiting.get(int(cast("uintptr_t", user_data)))
    if response is not None:
        response.trigger_aborted()


@ffi.callback("void(uws_res_t*, const char*, size_t, bool, void*)")  # type: ignore[untyped-decorator]
def on_data(res: Any, chunk: Any, length: int, is_end: bool, user_data: Any) -> None:
    """A part of the body has come."""
    response = waiting.get(int(cast("uintptr_t", user_data)))
    if response is not None and response._data_handler is not None:
        response._loop.is_idle = False
        data = unpack(chunk, length) if chunk else b""
        response._server.call(response, response._data_handler, response, data, bool(is_end))


@ffi.callback("bool(uws_res_t*, uintmax_t, void*)")  # type: ignore[untyped-decorator]
def on_writable(res: Any, offset: int, user_data: Any) -> bool:
    """More can be written."""
    response = waiting.get(int(cast("uintptr_t", user_data)))
    if response is None or response._writable_handler is None:
        return True
    response._loop.is_idle = False
    return bool(response._server.call(response, response._writable_handler, response, offset))
