"""The response: one answer, and no use of the core's memory once it is gone."""

from __future__ import annotations

import logging
import operator
from asyncio import Future, Task
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Mapping, Sequence
from http import HTTPStatus
from io import BytesIO
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from .. import errors
from ..errors import HTTPError
from .core import buffered_amount, cast, core, ffi, lib, pause_reading, read_address, resume_reading
from .cork import CorkedCall, cork_response
from .encoding import exact_bytes
from .events import KEEP_ALIVE, send_events
from .files.sending import send_file
from .form_body import FormReading, read_form, read_last_fields
from .forms.limits import MAX_FIELDS, MAX_FIELDS_SIZE, MAX_FILES, MAX_MEMORY, FormLimits
from .headers import BODILESS, BODY_STATUSES, NAMES, OK, encode_name, encode_status, encode_value
from .lingering import close_behind_answer
from .pending import ADDRESS, next_key, on_aborted, on_writable, pending
from .request_body import (
    BodyParts,
    BodyRefusedError,
    announced_length,
    check_unread,
    collect,
    expect_body,
    forget_body,
    hold,
    max_body,
    on_data,
    refuse_body,
    too_large,
)
from .response_head import (
    CONTENT_TYPE,
    has_content_type,
    has_header,
    header_items,
    header_values,
    is_bodiless,
    join_head,
    without_body_headers,
    without_header,
)
from .secure_cookie import warn_of_plain_http
from .set_cookie import SameSite, needs_secure, write_cookie
from .streaming import drain, stream, wake, write_on
from .thread import ANY_THREAD, get_ident, wrong_thread
from .typed_input import read_json

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from typing_extensions import Self

    from .body_filter import BodyFilter
    from .forms.form import Form
    from .request import Request
    from .server import Server

T = TypeVar("T")

log = logging.getLogger("socketify_ext")

native_end = lib.uws_res_end
native_cork_send = lib.socketify_res_cork_send

_JSON: Final = b"application/json"
_SET_COOKIE: Final = b"\r\nset-cookie: "
_SENT: Final = b"\0"  # what an answer that is not left to the dispatcher has in place of a content type
_NO_CONTEXT: Final = object()  # of a request that can't be upgraded
_SIZE: Final = ffi.typeof("uintmax_t")
_LARGEST: Final = 2**53  # bytes, the largest number that every client can read
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class Response(core.AppResponse):  # type: ignore[misc]  # the core has no types
    """An HTTP response that is answered once.

    Status and headers may come in any order and are held until the answer, so that an error before it leaves nothing
    of them behind. A second answer is refused and logged. After the client has left, everything is silently ignored,
    as in the core; see `aborted`.

    Each call goes the same way: convert and check every argument, which may run anybody's code; look at the state; change
    it; hand exact bytes and numbers to the core. So no argument can leave a response half answered.
    """

    # What the core's __init__ sets on each object; class attributes here, so that an object starts empty.
    app: Any = None
    res: Any = None
    aborted = False
    _aborted_handler: Callable[..., Any] | None = None
    _writable_handler: Callable[..., Any] | None = None
    _data_handler: Callable[..., Any] | None = None
    _grabbed_abort_handler_once = True  # the core's own methods need not do what `_wait` does
    _write_jar: dict[tuple[str, str, str], bytes] | None = None
    _cork_handler = None
    _lastChunkOffset = 0
    _chunkFuture: Future[tuple[bool, bool]] | None = None
    _dataFuture: Future[BytesIO] | None = None
    _data: BytesIO | None = None
    _whole: bytes | None = None  # all of the body, where the route has read it before the handler
    _ptr = None
    # Ours.
    _answered = False  # nothing more may be written: answered, upgraded or aborted
    _unsent: bytes | None = None  # the body of an answer that the dispatcher sends
    _unsent_type: bytes | None = None  # its content type, empty for the head's own, None where there is no head
    _last = False  # the connection ends with it
    _held: bytearray | None = None  # what has come of the body before a handler asked for it
    _max_body: int | None = None  # bytes that the route allows, where it has a number of its own
    _encode: Callable[[Any, int], bytes] | None = None  # makes JSON of objects, where its route does so itself
    _limit: int | None = None  # bytes of the body that are read; None where its handler takes all
    _received = 0  # bytes of the body that have come
    _body_ended = False  # all of the body has come
    _kept = 0  # bytes of the body that count in the server's budget
    _lost: BodyRefusedError | None = None  # why the body that came is not kept
    _is_read_in_parts = False  # by `body`
    _part: Future[None] | None = None  # waits for the next part of the body
    _form: FormReading | None = None  # what `get_form` has read, or reads
    _body_only = True  # nothing but a body is to be sent, from within the handler's first step
    _single_write = True  # a whole answer with a body is to be sent, from within the handler's first step
    _bodiless = False  # the answer is to a HEAD request
    _head_sent = False  # the head has gone to the client
    _status: bytes | None = None  # the status line, held until the answer
    _head = b""  # header lines, each after its line break, held until the answer
    _length: bytes | None = None  # the Content-Length that the handler has written, for an answer without a body
    _fixed_length: int | None = None  # what try_end has announced of a body that is not complete
    _paused = False  # nothing is read from the client,
    _held_back = False  # since enough of the body is held
    _is_watched = False  # what the client has not taken is written on by `write_on`
    _drains: list[Future[None]] | None = None  # each waits until the client has taken what is buffered
    _producer: Task[None] | None = None  # makes the parts of a stream; the end of the request cancels it
    _is_endless = False  # it sends events, until the client leaves or the server ends
    _context: Any = _NO_CONTEXT  # what the core gave to the upgrade handler
    _deferred = False  # the handler has announced, by a callback or a task, that an answer comes later
    _handed_over = False  # another thread has made a call, which comes soon
    _key = 0  # its number in `pending`, 0 where no native callback can come
    _tasks = 0  # coroutines that may still answer
    _coroutines: tuple[Any, ...] = ()  # their tasks, where a client that leaves cancels them
    _route = ""  # its route's name, where something may come after the handler
    _admitted: Sequence[Any] = ()  # hooks that have let the request pass
    _before_send: Any = None  # hooks before the answer, set on the classes of their routes
    _on_error: Any = None  # hooks that are asked about errors
    _hooks_wait = 0  # such hooks that have suspended
    _leaves = False  # then the body is lost, as if the client had left
    _begun = False  # hooks before the answer have begun
    _filters: tuple[Any, ...] = ()  # what hooks have put around the parts of the body
    _request: Request | None = None
    _variables: Any = None  # the context of the request, in which all of its functions run
    # The native layer of all but the dispatcher's own calls; a fake has one that records.
    _lib: Any = lib
    _buffered_amount = staticmethod(buffered_amount)
    _pause_reading = staticmethod(pause_reading)
    _resume_reading = staticmethod(resume_reading)
    # Of the app; set once on the compiled class.
    _server: Server
    _ssl: Any = None
    _thread: Any = ANY_THREAD

    __init__ = object.__init__
    # The core's finaliser is Python code, run for each object; this one does nothing and costs a third.
    __del__ = object.__sizeof__

    @property
    def request(self) -> Request | None:
        """Get the request that this response answers."""
        return self._request

    # -- state

    def _native(self, what: str) -> Any:
        """Return the core's response, to the thread that it belongs to.

        Raises:
            ThreadError: this is another one.
        """
        if get_ident() != self._thread:
            raise wrong_thread("this response", what)
        return self.res

    def _hand_over(self, call: Callable[..., Any], *arguments: Any) -> Self:
        """Make a call on the server's thread, where its errors are those of the request."""
        server = self._server
        self._handed_over = True
        self._body_only = self._single_write = False  # what this thread calls next comes behind it
        server.loop.call_soon_threadsafe(server.call, self, call, *arguments)
        return self

    def _refuse(self, what: str) -> Self:
        """Ignore a write that comes too late, and log it unless the client has left."""
        if not self.aborted:
            log.error("%s was refused: this request is already answered", what, stack_info=True)
        return self

    def _refuse_head(self, what: str) -> Self:
        if not self.aborted:
            log.error("%s was refused: the head of this answer is already sent", what, stack_info=True)
        return self

    def _refuse_mixed(self, what: str) -> Self:
        log.error("%s was refused: try_end has announced the size of this body, and goes on", what, stack_info=True)
        return self

    def _finish(self) -> None:
        """Mark the request as over, and leave the table that native callbacks look in."""
        if self._key:
            pending.pop(self._key, None)
            self._key = 0
            self._release()
        if self._paused and not self.aborted:
            self._paused = self._held_back = False
            self._resume_reading(self._ssl, self.res, expects_more=False)
        self._unsent_type = _SENT
        self._answered = True

    def _release(self) -> None:
        """Resolve the futures that wait for the client, stop what answers in parts, and forget the body."""
        wake(self)
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.cancel()
        if self._chunkFuture is not None and not self._chunkFuture.done():
            self._chunkFuture.set_result((False, True))
        if self._dataFuture is not None and not self._dataFuture.done():
            self._dataFuture.set_result(self._data or BytesIO())
        forget_body(self)
        self._close_form()

    def _close_form(self) -> None:
        """Close the files of a form, unless a coroutine may still read them."""
        if self._form is not None and not self._tasks:
            self._form.close()

    def _leave(self) -> None:
        """Handle that the client has left: let nothing touch the response's memory any more, then call back."""
        self.aborted = True
        if self._request is not None:
            self._request._client_left = True
        self._finish()
        if self._server.yielded is self:
            self._server.yielded = None
        self.res = None
        if self._aborted_handler is not None:
            self._server.call(self, self._aborted_handler, self)
        for task in self._coroutines:
            task.cancel()

    def has_responded(self) -> bool:
        """Return whether the request is answered."""
        return self._answered and not self.aborted

    # -- callbacks and coroutines

    def _wait(self) -> Any:
        """Enter the table that native callbacks look in; the core demands an abort callback for a late answer.

        Returns:
            The number as the user data of native callbacks.
        """
        if not self._key:
            res = self._native("a callback")
            self._key = key = next_key()
            self._body_only = self._single_write = False
            pending[key] = self
            if self._request is not None:
                self._request._response_key = key
            self._lib.uws_res_on_aborted(self._ssl, res, on_aborted, cast(ADDRESS, key))
        return cast(ADDRESS, self._key)

    def grab_aborted_handler(self) -> Self:
        """Announce that the answer comes after the handler has returned."""
        if not self._answered:
            self._wait()
            self._deferred = True
        return self

    def on_aborted(self, handler: Callable[[Any], Any]) -> Self:
        """Call `handler(response)`, sync or async, when the client leaves before the answer.

        Raises:
            TypeError: the handler can't be called.
        """
        _check_callable("on_aborted", handler)
        self.grab_aborted_handler()
        self._aborted_handler = handler
        return self

    def on_writable(self, handler: Callable[[Any, int], bool]) -> Self:
        """Call `handler(response, offset)` when more can be written.

        Raises:
            TypeError: the handler can't be called.
        """
        _check_callable("on_writable", handler)
        if not self._answered:
            self._lib.uws_res_on_writable(self._ssl, self._native("on_writable"), on_writable, self._wait())
            self._writable_handler = handler
            self._deferred = True
        return self

    def run_async(self, task: Coroutine[Any, Any, Any]) -> None:
        """Answer from a coroutine; it runs to its first await at once, and the request stays readable in it.

        Raises:
            ThreadError: this is not the server's thread.
        """
        self._native("run_async")
        self._server.start(task, self, self._request)

    # -- the body of the request

    def on_data(self, handler: Callable[[Any, bytes, bool], Any]) -> Self:
        """Call `handler(response, chunk, is_end)` for each part of the body, those that are held first.

        Raises:
            HTTPError: the handler was suspended before, and the body is larger than `max_body` (413), or all requests
                together have used up `max_held_bodies` (503).
            BodyError: `get_data` or `body` reads the body.
            TypeError: the handler can't be called.
        """
        _check_callable("on_data", handler)
        self._native("on_data")
        if self._answered:
            return self
        check_unread(self, "on_data")
        self._read_by(handler)
        self._deferred = True
        return self

    def _read_natively(self) -> None:
        """Let the core deliver the parts of the body from now on."""
        self._lib.uws_res_on_data(self._ssl, self.res, on_data, self._wait())

    def _read_by(self, handler: Callable[[Any, bytes, bool], Any]) -> None:
        """Let `handler` have the body, what is held of it first."""
        if self._lost is not None:
            raise self._lost.with_traceback(None)
        held = self._held
        self._data_handler = handler
        if held is None:
            self._read_natively()
            return
        ended = self._body_ended
        forget_body(self)
        if held or ended:
            self._server.call(self, handler, self, bytes(held), ended)
        if self._held_back:
            self.resume()

    def _hold_body(self, is_announced: bool) -> None:
        """Hold what comes of the body while the handler is suspended: the core would drop it."""
        if not self._answered and self._data_handler is None and self._held is None and self._lost is None:
            expect_body(self, is_announced)

    def get_data(self, limit: int | None = None) -> Future[BytesIO]:
        """Read the whole body, once or again; where the client leaves, what has come of it.

        Args:
            limit: bytes, by default `max_body` of the route or the app; the future of a larger body raises HTTPError,
                413, and that of one for which all bodies together leave no room raises HTTPError, 503.

        Raises:
            BodyError: `body` reads the body part by part.
        """
        if self._dataFuture is not None:
            return self._dataFuture
        if self._whole is not None:
            self._dataFuture = future = self._server.loop.create_future()
            future.set_result(BytesIO(self._whole))
            return future
        self._native("get_data")
        limit = max_body(self) if limit is None else operator.index(limit)
        check_unread(self, "get_data")
        future = self._server.loop.create_future()
        self._data, self._dataFuture = BytesIO(), future
        if self._lost is not None:
            refuse_body(self, self._lost)
        elif self._answered:
            future.set_result(self._data)
        elif max(self._received, announced_length(self._request)) > limit:
            refuse_body(self, too_large(limit))
        else:
            self._limit = limit
            self._read_by(collect)
        return future

    def body(self) -> BodyParts:
        """Read the body part by part: `async for chunk in res.body()`; at most 1 MiB of it is held.

        Reading from the client pauses while the parts are not taken.

        Raises:
            BodyError: `get_data` or `on_data` reads the body.
        """
        self._native("body")
        if self._is_read_in_parts or self._answered or self._lost is not None:
            return BodyParts(self)
        check_unread(self, "body")
        if self._data_handler not in (None, hold):
            raise self._body_error("body", "on_data reads this body")
        self._is_read_in_parts = True
        if self._held is None:
            expect_body(self, is_announced=True)
        return BodyParts(self)

    @overload
    async def get_json(self) -> Any: ...

    @overload
    async def get_json(self, Model: type[T]) -> T: ...

    @overload
    async def get_json(self, Model: Any) -> Any: ...

    async def get_json(self, Model: Any = None) -> Any:
        """Read the whole body as JSON, and return it as a `Model` if one is given.

        Args:
            Model: anything that pydantic validates (a BaseModel, a dataclass, a TypedDict, `list[int]`), or a msgspec Struct.

        Raises:
            HTTPError: 415, the body has another Content-Type or none; 413, it is larger than `max_body`; 400, it is not
                JSON, or the client has left before its end; 422, it does not fit the model, with pydantic's details.
            BodyError: `body` reads the body part by part.
        """
        return await read_json(self, Model)

    @overload
    async def get_form(
        self,
        *,
        max_files: int = ...,
        max_fields: int = ...,
        max_fields_size: int = ...,
        max_file_size: int | None = ...,
        max_memory: int = ...,
    ) -> Form: ...

    @overload
    async def get_form(
        self,
        Model: type[T],
        *,
        max_files: int = ...,
        max_fields: int = ...,
        max_fields_size: int = ...,
        max_file_size: int | None = ...,
        max_memory: int = ...,
    ) -> T: ...

    @overload
    async def get_form(
        self,
        Model: Any,
        *,
        max_files: int = ...,
        max_fields: int = ...,
        max_fields_size: int = ...,
        max_file_size: int | None = ...,
        max_memory: int = ...,
    ) -> Any: ...

    async def get_form(
        self,
        Model: Any = None,
        *,
        max_files: int = MAX_FILES,
        max_fields: int = MAX_FIELDS,
        max_fields_size: int = MAX_FIELDS_SIZE,
        max_file_size: int | None = None,
        max_memory: int = MAX_MEMORY,
    ) -> Any:
        """Read the body as a form, once or again, and return it as a `Model` if one is given.

        The form is `application/x-www-form-urlencoded`, or `multipart/form-data` with the extra `forms`. Its files are
        open until the request is answered and its handler has returned.

        Args:
            Model: as for `get_json`; a field of type `UploadedFile`, or a list of them, takes files.
            max_files: the number of files.
            max_fields: the number of fields.
            max_fields_size: bytes of all fields and names together.
            max_file_size: bytes of each file; by default as many as the body may have.
            max_memory: bytes of all files together that are held in memory; what is larger goes to disk.

        Raises:
            HTTPError: 415, the body has another Content-Type or none; 413, it is larger than `max_body`, or beyond one of the
                limits; 400, it is malformed, or the client has left before its end; 422, it does not fit the model,
                with pydantic's details; 503, the server has no room for it.
            BodyError: `body`, `on_data` or another `get_form` reads the body.
        """
        limits = FormLimits(max_files, max_fields, max_fields_size, max_file_size, max_memory)
        return await read_form(self, Model, limits)

    async def get_form_urlencoded(self, encoding: str = "utf-8") -> dict[str, str] | None:
        """Read the whole body as an urlencoded form: the last value of each name, None where there is none.

        Args:
            encoding: of the text; what is not in it is replaced.

        Raises:
            HTTPError: 413, the body is larger than `max_body`; 400, the client has left before its end.
        """
        return await read_last_fields(self, encoding)

    def pause(self) -> Self:
        """Stop reading from the client, until `resume` or the answer."""
        res = self._native("pause")
        if not self._answered and not self._paused:
            self._wait()
            self._paused = True
            self._pause_reading(self._ssl, res)
        return self

    def resume(self) -> Self:
        """Go on reading from the client."""
        res = self._native("resume")
        if self._paused and not self._answered:
            self._paused = self._held_back = False
            self._resume_reading(self._ssl, res, self._data_handler is not None and not self._body_ended)
        return self

    # -- the client's address

    def _address(self, getter: Callable[..., int]) -> bytes | None:
        res = self._native("its address")
        return None if self._answered else read_address(getter, self._ssl, res)

    def get_remote_address_bytes(self) -> bytes | None:
        """Return the client's address as 4 or 16 bytes; None after the answer."""
        return self._address(self._lib.uws_res_get_remote_address)

    def get_remote_address(self) -> str | None:
        """Return the client's address as text; None after the answer."""
        found = self._address(self._lib.uws_res_get_remote_address_as_text)
        return None if found is None else found.decode()

    def get_proxied_remote_address_bytes(self) -> bytes | None:
        """Return the address that a proxy in front has sent (PROXY protocol)."""
        return self._address(self._lib.uws_res_get_proxied_remote_address)

    def get_proxied_remote_address(self) -> str | None:
        """Return the address that a proxy in front has sent, as text."""
        found = self._address(self._lib.uws_res_get_proxied_remote_address_as_text)
        return None if found is None else found.decode()

    # -- the head

    def write_status(self, status_or_status_text: int | str | bytes) -> Self:
        """Set the status: a code, or a line such as "404 Not Found"; the last one counts.

        Raises:
            HeaderError: it is not a status.
        """
        line = BODY_STATUSES.get(status_or_status_text)
        known = line is not None
        if line is None:
            line = encode_status(status_or_status_text)
        if self._answered or self._head_sent:
            return self._refuse_head("write_status")
        if known:
            self._status = line
            self._body_only = False
        else:
            self._set_status(line)
        return self

    def _set_status(self, line: bytes) -> None:
        """Hold a status line, which decides whether a body may follow."""
        self._status = line
        self._body_only = False
        if line.startswith(BODILESS):
            self._single_write = False

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
        if self._answered or self._head_sent:
            return self._refuse_head("write_header")
        if name:
            self._head += name + data
            self._body_only = False
        else:  # CONTENT_LENGTH
            self._length = data
        return self

    def _add_header(self, beginning: bytes, data: bytes) -> None:
        """Add a header whose name and value are encoded."""
        if beginning:
            self._head += beginning + data
            self._body_only = False
        else:
            self._length = data

    def set_header(self, key: str | bytes, value: Any) -> Self:
        """Add a header in place of those of its name.

        Raises:
            HeaderError: a character would split the response.
        """
        beginning, data = encode_name(key), encode_value(value)
        if self._answered or self._head_sent:
            return self._refuse_head("set_header")
        if beginning and self._head:
            self._head = without_header(self._head, beginning)
        self._add_header(beginning, data)
        return self

    def set_cookie(
        self,
        name: str,
        value: str,
        options: Mapping[str, Any] | None = None,
        *,
        max_age: int | timedelta | None = None,
        expires: datetime | str | int | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        http_only: bool = False,
        same_site: SameSite | None = None,
        partitioned: bool = False,
    ) -> Self:
        """Set a cookie, whose value `get_cookie` returns unchanged; see docs/cookies.md.

        Each has a header of its own, and the last of one name, path and domain counts.

        Args:
            name: a token (RFC 9110, 5.6.2).
            value: any text; with the name, 4096 bytes once it is encoded.
            options: attributes as the core takes them, as in `{"max-age": 60}`; they override those below.
            max_age: seconds until it ends; without it and `expires`, the browser's session.
            expires: when it ends, in UTC where the datetime is naive; an int is seconds from now.
            path: below which it is sent; None for the folder of the request.
            domain: a host whose subdomains get it, too; this host alone by default.
            secure: over HTTPS only; a request over plain HTTP is logged, once for an app.
            http_only: hidden from scripts.
            same_site: "Lax" or "Strict" keep it from requests of other sites, "None" does not and needs `secure`.
            partitioned: separate for each site that embeds this one; needs `secure`.

        Raises:
            HeaderError: a cookie can't have this name or attribute, or browsers would drop it.
            TypeError: the name or the value is not text.
        """
        cookie = write_cookie(
            name,
            value,
            options,
            max_age=max_age,
            expires=expires,
            path=path,
            domain=domain,
            secure=secure,
            http_only=http_only,
            same_site=same_site,
            partitioned=partitioned,
        )
        line = encode_value(cookie.line)
        if self._answered or self._head_sent:
            return self._refuse_head("set_cookie")
        if self._write_jar is None:
            self._write_jar = {}
            self._body_only = self._single_write = False
        self._write_jar[cookie.identity] = line
        if cookie.is_secure:
            warn_of_plain_http(self, name)
        return self

    def delete_cookie(
        self,
        name: str,
        *,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        same_site: SameSite | None = None,
        partitioned: bool = False,
    ) -> Self:
        """Delete a cookie on the client; `path`, `domain` and `partitioned` are those with which it was set.

        Args:
            name: its name; one that begins with `__Host-` or `__Secure-` is deleted as secure.
            path: as for `set_cookie`.
            domain: as for `set_cookie`.
            secure: needed with `partitioned` and `same_site="None"`.
            same_site: "None" where the page of another site embeds this one.
            partitioned: as for `set_cookie`.

        Raises:
            HeaderError: as for `set_cookie`.
        """
        return self.set_cookie(
            name,
            "",
            max_age=0,
            path=path,
            domain=domain,
            secure=secure or needs_secure(name),
            same_site=same_site,
            partitioned=partitioned,
        )

    @property
    def status(self) -> int:
        """Get the status that is to be sent, or was: 200 unless another was set."""
        return int((self._status or OK)[:3])

    def get_header(self, key: str | bytes) -> str | None:
        """Return the value of a header that was written, None without one; several are joined with commas.

        Raises:
            HeaderError: it is not a header's name.
        """
        values = self._header_values(encode_name(key))
        return b", ".join(values).decode(errors="replace") if values else None

    def get_headers(self) -> list[tuple[str, str]]:
        """Return the names and the values of the headers that were written, in order, without cookies."""
        return [(name.decode(), value.decode(errors="replace")) for name, value in header_items(self._head)]

    def has_header(self, key: str | bytes) -> bool:
        """Return whether a header was written, cookies as Set-Cookie included.

        Raises:
            HeaderError: it is not a header's name.
        """
        return bool(self._header_values(encode_name(key)))

    def remove_header(self, key: str | bytes) -> Self:
        """Remove the headers of a name, with Set-Cookie all cookies; without one this does nothing.

        Raises:
            HeaderError: it is not a header's name.
        """
        beginning = encode_name(key)
        if self._answered or self._head_sent:
            return self._refuse_head("remove_header")
        if not beginning:
            self._length = None
        elif has_header(self._head, beginning):
            self._head = without_header(self._head, beginning)
        if beginning.lower() == _SET_COOKIE:
            self._write_jar = None
        return self

    def _header_values(self, beginning: bytes) -> list[bytes]:
        if not beginning:
            return [] if self._length is None else [self._length]
        values = header_values(self._head, beginning)
        if self._write_jar and beginning.lower() == _SET_COOKIE:
            values += self._write_jar.values()
        return values

    @property
    def content(self) -> bytes | None:
        """Get or set, in a `before_send` hook, the body of the answer that is about to go.

        None where there is no body, where its parts come one by one, and outside of the hook.

        Raises:
            TypeError: it is set to what is neither text nor bytes.
            BodyError: it is set where it is None.
        """
        return None

    @content.setter
    def content(self, value: str | bytes) -> None:  # noqa: ARG002 - the hooked response takes it
        raise self._outside_of_hook("res.content")

    def filter_body(self, body_filter: BodyFilter) -> bool:  # noqa: ARG002 - the hooked response takes it
        """Change, in a `before_send` hook, the body on its way: a whole one once all hooks have run, another one
        part by part as it comes.

        Args:
            body_filter: its `feed(data)` gets each part, and its `finish()` comes at the end; both return bytes to send.

        Returns:
            False where the body can't change: there is none, or its length is announced, as of a large file.

        Raises:
            TypeError: a method is missing, or does not return bytes.
            BodyError: no hook runs.
        """
        raise self._outside_of_hook("res.filter_body")

    def _outside_of_hook(self, what: str) -> errors.BodyError:
        return errors.BodyError(
            what, "was refused", "no before_send hook runs", "Use it in a hook: @app.before_send above (res, req)"
        )

    def _write_head(self, length: bytes | None = None) -> None:
        """Hand status, headers and cookies to the core.

        Args:
            length: the Content-Length of an answer without a body; before a body the core writes its own.
        """
        head = join_head(self._status, self._head, self._write_jar)
        if length is not None:
            head += b"\r\nContent-Length: " + length
        self._body_only = self._single_write = False
        self._head_sent = True
        self._lib.uws_res_write_status(self._ssl, self.res, head, len(head))

    def _write_on(self) -> None:
        """Write what is buffered, as far as the client takes it."""
        write_on(self)

    def _begin_body(self) -> None:
        """Send the head before the first part of a body."""
        if not self._head_sent:
            self._write_head()

    async def _send_head(self) -> None:
        """Send the head of a stream, once its hooks have ended."""
        self._begin_body()

    def _write_corked(self, data: bytes) -> None:
        """Write a small part."""
        self._begin_body()
        self._lib.socketify_res_cork_write(self._ssl, self.res, data, len(data))

    def _is_bodiless(self) -> bool:
        """Check whether the client expects a head alone (RFC 9112, 6.3)."""
        return self._bodiless or is_bodiless(self._status)

    def _omit_body(self) -> None:
        """Answer a HEAD request: of the body only its length is sent (RFC 9110, 9.3.2)."""
        self._bodiless = True
        self._body_only = self._single_write = False

    # -- the answer

    def _body(self, message: Any, line: bytes | None = None) -> tuple[bytes, bytes | None]:
        """Encode a message; the second value is the content type of what became JSON.

        Args:
            message: the message.
            line: the status line that it is sent with, where that is not yet the response's.
        """
        kind = type(message)
        if (kind is dict or kind is list) and self._encode is None:
            return self._server.dump_json(message), _JSON
        data = exact_bytes(message)
        if data is not None:
            return data, None
        if message is None:
            return b"", None
        if self._encode is not None:
            return self._encode(message, int((line or self._status or OK)[:3])), _JSON
        return self._server.dump_json(message), _JSON

    def end(self, message: Any = b"", end_connection: bool = False) -> Self:
        """Answer with text, bytes, or any other object as JSON.

        From another thread the answer is handed to the server's. A connection whose head has gone before stays open
        even with `end_connection`, since the head has announced it.

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
        if end_connection is not False or not self._body_only or self._answered:
            return self._answer("end", data, None, bool(end_connection))
        self._unsent = data
        self._answered = True
        return self._deliver_soon() if self._key else self

    def _answer(self, what: str, data: bytes, content_type: bytes | None, end_connection: bool) -> Self:
        """Answer with the whole body.

        In the handler's first step nothing native is called: the dispatcher sends the answer, so that any thread may
        give it.

        Raises:
            BodyError: a part of the body counts as written.
        """
        if self._answered:
            return self._refuse(what)
        if not self._single_write:
            return self._answer_otherwise(what, data, content_type, end_connection)
        if end_connection:
            self._last = True
        self._unsent_type = content_type or b""
        self._unsent = data
        self._answered = True
        return self._deliver_soon() if self._key else self

    def _deliver_soon(self) -> Self:
        """Send, on the server's thread, an answer that another thread gave just when the handler's first step ended."""
        self._server.loop.call_soon_threadsafe(self._deliver)
        return self

    def _deliver(self) -> None:
        """Send the answer that waits, in one call of the core; it takes the head as if it were the status.

        The request's own callback runs, or the response is in the table of pending ones.
        """
        data, kind = self._unsent, self._unsent_type
        if data is None or self.res is None:
            return
        if kind is _SENT or self._key:
            if lib.uws_res_has_responded(self._ssl, self.res):  # the server's thread was faster than another one
                return
            self._finish()
        if kind is None:
            native_end(self._ssl, self.res, data, len(data), self._last)
            return
        head = OK
        if not self._body_only:
            head = (self._status or OK) + self._head
            if kind and has_content_type(self._head):
                kind = b""
        native_cork_send(self._ssl, self.res, data, len(data), head, len(head), kind, len(kind), self._last)

    def _answer_otherwise(self, what: str, data: bytes, content_type: bytes | None, end_connection: bool) -> Self:
        """Answer late, with cookies, with the end of a body that has begun, or without a body."""
        if get_ident() != self._thread:
            return self._hand_over(self._answer, what, data, content_type, end_connection)
        if self._fixed_length is not None:
            return self._refuse_mixed(what)
        end_connection = end_connection or self._last
        late = self._key
        bodiless = self._is_bodiless()
        self._finish()
        if bodiless:
            self._end_bodiless(len(data), content_type, end_connection)
        elif not self._head_sent:
            head, kind = join_head(self._status, self._head, self._write_jar), content_type or b""
            if kind and self._head and has_content_type(self._head):
                kind = b""
            self._lib.socketify_res_cork_send(
                self._ssl, self.res, data, len(data), head, len(head), kind, len(kind), end_connection
            )
        # The end of the connection can't be announced any more: the core would write its header into the body.
        elif late:
            self._lib.socketify_res_cork_end(self._ssl, self.res, data, len(data), False)
        else:
            self._lib.uws_res_end(self._ssl, self.res, data, len(data), False)
        return self

    def _end_bodiless(self, length: int, content_type: bytes | None, end_connection: bool) -> None:
        """Send the head alone; a client would read a body as the start of the next answer."""
        if not self._head_sent:
            # No length is that of a 204 (RFC 9110, 8.6), and that of a 304 would be the file's.
            if self._bodiless and not is_bodiless(self._status):
                if content_type is not None and not has_content_type(self._head):
                    self._head += b"\r\nContent-Type: " + content_type
                self._write_head(self._length or b"%d" % length)
            else:
                self._write_head(self._length)
        self._lib.uws_res_end_without_body(self._ssl, self.res, end_connection)

    def end_without_body(self, end_connection: bool = False) -> Self:
        """Answer with the head alone, as for 204, 304 and HEAD; or end a body that has begun.

        Any other answer closes its connection, since the head has no length and the client would wait on.
        """
        end_connection = bool(end_connection) or self._last
        if get_ident() != self._thread:
            return self._hand_over(self.end_without_body, end_connection)
        if self._answered:
            return self._refuse("end_without_body")
        if self._head_sent and not self._is_bodiless():
            return self._answer("end_without_body", b"", None, end_connection)
        last = end_connection or not self._is_bodiless()
        self._finish()
        if not self._head_sent:
            self._write_head(self._length)
        self._lib.uws_res_end_without_body(self._ssl, self.res, last)
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
            status: by default the one of `write_status`, else 200.
            headers: names and values.
            end_connection: whether to close the connection.

        Raises:
            HeaderError: the status or a header would split the response; the head is as it was.
            TypeError, ValueError: the message can't be serialised; nothing was written.
        """
        line = None if status is None else encode_status(status)
        data, json_type = self._body(message, line)
        checked = [(encode_name(name), encode_value(value)) for name, value in headers or ()]
        kind = None if json_type is not None or content_type is None else encode_value(content_type)
        end_connection = bool(end_connection)
        if self._answered:
            return self._refuse("send")
        if not self._head_sent:
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
        if self._head_sent:
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
        if self._fixed_length is not None:
            return self._refuse_mixed("write")
        bodiless = self._is_bodiless()
        self._begin_body()
        if not bodiless:
            self._lib.uws_res_write(self._ssl, self.res, data, len(data))
        return self

    async def drain(self) -> None:
        """Wait, after `write`, until the client has taken all but 128 KiB of what was written, or has left."""
        self._native("drain")
        await drain(self)

    async def stream(
        self,
        parts: Iterable[str | bytes] | AsyncIterable[str | bytes],
        content_type: str | bytes | None = None,
    ) -> None:
        """Answer with the parts that an iterable makes, each when the client has taken those before it.

        When the client leaves, a generator is cancelled and closed at once, so that its `finally` runs. After HEAD, and
        with 204 or 304, it is closed without being run. An error before the first part is the answer; a later one closes
        the connection.

        Args:
            parts: text or bytes; a generator, sync or async, or another iterable of them.
            content_type: none by default.

        Raises:
            TypeError: it is not an iterable, or a part is neither text nor bytes.
            HeaderError: the content type would split the response.
            BodyError: another iterable makes this answer.
        """
        await stream(self, parts, content_type)

    async def events(
        self, events: Iterable[Any] | AsyncIterable[Any], *, keep_alive: float | None = KEEP_ALIVE
    ) -> None:
        """Answer with Server-Sent Events: as `stream`, and the end of the server ends them at once; see docs/events.md.

        The head has the type text/event-stream, and `Cache-Control: no-store` and `X-Accel-Buffering: no` unless they are
        set.

        Args:
            events: a generator, sync or async, or another iterable of `Event` or of data alone: text, bytes of UTF-8, or
                any other object as JSON.
            keep_alive: seconds between comments, which keep proxies from closing a silent connection; None for none.

        Raises:
            TypeError: it is not an iterable, or data can't be serialised.
            ValueError: `keep_alive` is not above 0, or data can't be serialised.
            EventError: an event has nothing to send.
            BodyError: another iterable makes this answer.
        """
        await send_events(self, events, keep_alive)

    def try_end(self, message: str | bytes, total_size: int, end_connection: bool = False) -> tuple[bool, bool]:
        """Write a part of a body of known size.

        Returns:
            Whether it was written without back-pressure, and whether the answer is complete.

        Raises:
            TypeError: the message is neither text nor bytes, or the size not an int; nothing was written.
            BodyError: the part goes beyond the size, or the size is not the one that was announced before.
        """
        return self._try_end(*self._sized(message, total_size, end_connection))

    def _try_end(self, data: bytes, total: int, last: bool) -> tuple[bool, bool]:
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
        fresh = not self._head_sent
        self._begin_body()
        self._fixed_length = total
        result = self._lib.uws_res_try_end(self._ssl, res, data, len(data), cast(_SIZE, total), last and fresh)
        if result.has_responded:
            self._finish()
        else:
            self._wait()  # any later call is late, `end` included
        return bool(result.ok), bool(result.has_responded)

    def _sized(
        self, message: Any, total_size: Any, end_connection: Any, what: str = "try_end"
    ) -> tuple[bytes, int, bool]:
        """Check the arguments of a part of a body of known size."""
        data = exact_bytes(message)
        if data is None:
            raise TypeError(f"{what} takes text or bytes, not a {type(message).__name__}")
        return data, _size("total_size", total_size), bool(end_connection) or self._last

    def _check_part(self, length: int, total: int) -> None:
        """Refuse a part that does not fit the announced body.

        Raises:
            BodyError: it does not.
        """
        if self._head_sent and self._fixed_length is None:
            raise self._body_error("try_end", "write has begun a body whose size is not announced")
        if self._fixed_length not in (None, total):
            raise self._body_error("try_end", f"{self._fixed_length} bytes are announced, not {total}")
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
            TypeError: the buffer is neither text nor bytes, or the size not an int; nothing was written.
            BodyError: the part goes beyond the size, or another part is still on its way.
        """
        data, total_size, _ = self._sized(buffer, total_size, end_connection=False, what="send_chunk")
        if self._chunkFuture is not None and not self._chunkFuture.done():
            raise self._body_error("send_chunk", "the part before it is still on its way: await it first")
        begin = self.get_write_offset()
        outcome = self._try_end(data, total_size, last=False)
        future: Future[tuple[bool, bool]] = self._server.loop.create_future()
        if outcome[0] or self._answered:
            future.set_result(outcome)
            return future

        def go_on(response: Any, offset: int) -> bool:
            response._chunkFuture = None
            outcome: tuple[bool, bool] = response._try_end(data[offset - begin :], total_size, last=False)
            if not outcome[0] and not response._answered:
                response._chunkFuture = future
            elif not future.done():
                future.set_result(outcome)
            return outcome[0]

        deferred = self._deferred
        self._chunkFuture = future
        self.on_writable(go_on)
        self._deferred = deferred
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
        self,
        path: str | bytes | PathLike[str] | PathLike[bytes],
        *,
        folder: str | bytes | PathLike[str] | PathLike[bytes] | None = None,
        content_type: str | None = None,
        download_name: str | None = None,
    ) -> Future[None]:
        """Answer with a file: whole, a range of it, or 304, as the request asks; see docs/files.md.

        It begins at once, awaited or not.

        Args:
            path: of a regular file; without `folder`, never made from a client's input.
            folder: below which the file must be; then the path may come from anywhere, and is 404 as in `app.static`.
            content_type: by the file's name by default.
            download_name: asks the client to save the file under this name, from anywhere.

        Returns:
            A future that is done when the answer is complete or the client has left.

        Raises:
            HTTPError: 404, there is no such file; 503, too many files are open.
        """
        return send_file(self, path, folder, content_type, download_name)

    def write_continue(self) -> Self:
        """Send "100 Continue", which comes before the head."""
        res = self._native("write_continue")
        if self._answered:
            return self
        if self._head_sent:
            return self._refuse_head("write_continue")
        self._lib.uws_res_write_continue(self._ssl, res)
        return self

    def upgrade(
        self,
        sec_web_socket_key: str | bytes | None,
        sec_web_socket_protocol: str | bytes | None,
        sec_web_socket_extensions: str | bytes | None,
        socket_context: Any,
        user_data: Any = None,
    ) -> bool:
        """Turn the request into a WebSocket, whose `get_user_data()` returns `user_data`.

        Returns:
            False where the client has left or the request is answered.

        Raises:
            HTTPError: 400, the key is malformed (RFC 6455, 4.1: 16 bytes as base64); the core would read past its end.
            HeaderError: the protocol or the extensions would split the response.
            TypeError: the context is not the one that the upgrade handler was given.
        """
        given = (sec_web_socket_key, sec_web_socket_protocol, sec_web_socket_extensions)
        key, protocol, extensions = (encode_value(part) if isinstance(part, (str, bytes)) else b"" for part in given)
        self._native("upgrade")
        if self._answered:
            self._refuse("upgrade")
            return False
        if self._head_sent:
            self._refuse_head("upgrade")
            return False
        if len(key) != 24:
            raise HTTPError(400, "Sec-WebSocket-Key is missing or malformed")
        if socket_context is not self._context:
            raise TypeError(f"upgrade takes the context that the upgrade handler was given, not {socket_context!r}")
        return self._upgrade(key, protocol, extensions, socket_context, user_data)

    def _upgrade(self, key: bytes, protocol: bytes, extensions: bytes, socket_context: Any, user_data: Any) -> bool:
        """Upgrade with arguments that are checked."""
        res = self.res
        if self._head or self._write_jar:
            self._status = b"101 Switching Protocols"
            self._write_head()
        self._context = _NO_CONTEXT
        self._finish()
        # The open event comes from inside the call.
        self._server.upgrading = user_data
        try:
            self._lib.uws_res_upgrade(
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
        self._lib.uws_res_close(self._ssl, self.res)

    def trigger_aborted(self) -> Self:
        """Close the connection as if the client had left."""
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
        cork_response(self._lib, self._ssl, res, call)
        return self

    def get_write_offset(self) -> int:
        """Return how many bytes of the body are written."""
        res = self._native("get_write_offset")
        if self._answered or not self._head_sent:
            return 0
        return int(self._lib.uws_res_get_write_offset(self._ssl, res))

    def write_offset(self, offset: int) -> Self:
        """Begin the body at its start, the only place where it can begin.

        Raises:
            TypeError: the offset is not an int.
            BodyError: it is not 0: the head announces the whole body, and the client would wait for the rest.
        """
        if _size("offset", offset):
            raise self._body_error("write_offset", f"the client would wait for the first {offset} bytes of the body")
        return self

    def get_native_handle(self) -> Any:
        """Return the core's native handle, None after the answer."""
        res = self._native("get_native_handle")
        return None if self._answered else self._lib.uws_res_get_native_handle(self._ssl, res)

    def _fail(self, status: int, body: bytes, content_type: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answer an error if nothing was sent yet, else close the connection.

        Headers that were written stay only where the answer is one that a handler raised, with its own `headers`;
        what described another body goes.

        Raises:
            HeaderError: the status or a header can't be sent; nothing was written.
        """
        if self._answered:
            return
        if self._head_sent:
            self.close()
            return
        self._set_failure(status, headers)
        if not is_bodiless(self._status):
            self._head += b"\r\nContent-Type: " + content_type
        self.end(body)

    def _set_failure(self, status: int, headers: Mapping[str, str] | None) -> None:
        """Hold the head of an error's answer in place of what the handler has written.

        Raises:
            HeaderError: the status or a header can't be sent; nothing has changed.
        """
        line = encode_status(f"{status} {_REASONS.get(status, 'Error')}")
        checked = [(encode_name(name), encode_value(value)) for name, value in (headers or {}).items()]
        self._head = b"" if headers is None else without_body_headers(self._head)
        self._set_status(line)
        self._length = self._write_jar = None
        self._head += b"".join(name + value for name, value in checked if name)

    def _linger(self) -> None:
        """Close the connection behind the answer that comes next."""
        close_behind_answer(self)

    def _end_hooks(self) -> None:
        """Note that a hook which had suspended has ended."""
        self._hooks_wait -= 1
        if self._leaves and not (self._hooks_wait or self.aborted):
            self._leave()


def _size(what: str, value: Any) -> int:
    """Return a number of bytes as the core takes it.

    Raises:
        TypeError: it is not an int.
        BodyError: it is negative or beyond 2 ** 53.
    """
    size = operator.index(value)
    if not 0 <= size <= _LARGEST:
        raise errors.BodyError(
            what, "was refused", f"{size} is not a number of bytes", "Give the size of the whole body"
        )
    return size


def _check_callable(what: str, handler: Any) -> None:
    """Refuse a handler that can't be called.

    Raises:
        TypeError: it can't.
    """
    if not callable(handler):
        raise TypeError(f"{what} takes a function, not a {type(handler).__name__}")
