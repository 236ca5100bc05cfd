"""A response that outlives its handler: the table in which native callbacks look it up, and the events they bring."""

from __future__ import annotations

import itertools
import logging
from asyncio import Future
from collections.abc import Callable, Coroutine
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from ..errors import HTTPError
from .core import cast, core, ffi, lib, resume_reading
from .thread import ANY_THREAD, get_ident, wrong_thread

if TYPE_CHECKING:
    from typing_extensions import Self

    from .request import Request
    from .server import Server

log = logging.getLogger("socketify_ext")

_ADDRESS = ffi.typeof("void *")
_NUMBER = ffi.typeof("uintptr_t")
_next_key = itertools.count(1).__next__

# What an answer that is not left to the dispatcher has in place of a content type.
SENT: Final = b"\0"

# Responses that a native callback may still come for, by the number that it is given; across all apps of the
# process, since a callback brings nothing else. An entry leaves with its answer or its client.
waiting: Final[dict[int, Waiting]] = {}


class Waiting(core.AppResponse):  # type: ignore[misc]  # the core has no types
    """The state of a response, and its wait for the client.

    Native callbacks find a response through its number in `waiting`, never through its address, so that a late one
    finds nothing instead of freed memory.
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
    _unsent: bytes | None = None  # the body of an answer that the dispatcher sends
    _unsent_type: bytes | None = None  # its content type, empty for the head's own, None where there is no head
    _last = False  # the connection ends with it
    _held: bytearray | None = None  # what has come of the body, and nobody has asked for yet
    _body_ended = False  # what is held is the whole body
    _kept = 0  # bytes of the body that count in the server's budget
    _lost: HTTPError | None = None  # why the body that came is not kept
    _plain = True  # nothing but a body is to be sent, from within the handler's first step
    _simple = True  # a whole answer with a body is to be sent, from within the handler's first step
    _bodiless = False  # the answer is to a HEAD request
    _begun = False  # the head has gone to the client
    _status: bytes | None = None  # the status line, held until the answer
    _head = b""  # header lines, each after its line break, held until the answer
    _length: bytes | None = None  # the Content-Length that the handler has written, for an answer without a body
    _size: int | None = None  # what try_end has announced of a body that is not complete
    _paused = False  # nothing is read from the client
    _context: Any = None  # what the core gave to the upgrade handler
    _promised = False  # the handler said, by a callback or a task, that an answer comes later
    _key = 0  # its number in `waiting`, 0 where no native callback can come
    _tasks = 0  # coroutines that may still answer
    _route = ""  # its route's name, where something may come after the handler
    _admitted = False  # hooks have let the request pass
    _request: Request | None = None
    # Of the app; set once on the compiled class.
    _server: Server
    _ssl: Any = None
    _loop: Any = None
    _thread: Any = ANY_THREAD

    __init__ = object.__init__
    # The core's finaliser is Python code, run for each object; this one does nothing and costs a third.
    __del__ = object.__sizeof__

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
        server.loop.call_soon_threadsafe(server.call, self, call, *arguments)
        return self

    def _refuse(self, what: str) -> Self:
        """Ignore a write that comes too late, and say so unless the client has left."""
        if not self.aborted:
            log.error("%s was refused: this request is already answered", what, stack_info=True)
        return self

    def _finish(self) -> None:
        """Note that the request is over; leave the table of those that native callbacks look for."""
        if self._key:
            waiting.pop(self._key, None)
            self._key = 0
            self._release()
        if self._paused and not self.aborted:
            self._paused = False
            resume_reading(self.res)
        self._unsent_type = SENT
        self._answered = True

    def _release(self) -> None:
        """Tell whoever waits for the client that nothing more comes."""
        if self._chunkFuture is not None and not self._chunkFuture.done():
            self._chunkFuture.set_result((False, True))
        if self._dataFuture is not None and not self._dataFuture.done():
            self._dataFuture.set_result(self._data or BytesIO())

    def _wait(self) -> Any:
        """Enter the table that native callbacks look in; the core demands an abort callback for a late answer.

        Returns:
            The number as the user data of native callbacks.
        """
        if not self._key:
            res = self._native("a callback")
            self._key = key = _next_key()
            self._plain = self._simple = False
            waiting[key] = self
            self._grabbed_abort_handler_once = True
            lib.uws_res_on_aborted(self._ssl, res, on_aborted, cast(_ADDRESS, key))
        return cast(_ADDRESS, self._key)

    def grab_aborted_handler(self) -> Self:
        """Say that the answer comes after the handler has returned."""
        if not self._answered:
            self._wait()
            self._promised = True
        return self

    def on_aborted(self, handler: Callable[[Any], Any]) -> Self:
        """Call `handler(response)`, sync or async, when the client leaves before the answer.

        Raises:
            TypeError: the handler can't be called.
        """
        check_callable("on_aborted", handler)
        self.grab_aborted_handler()
        self._aborted_handler = handler
        return self

    def on_writable(self, handler: Callable[[Any, int], bool]) -> Self:
        """Call `handler(response, offset)` when more can be written.

        Raises:
            TypeError: the handler can't be called.
        """
        check_callable("on_writable", handler)
        if not self._answered:
            lib.uws_res_on_writable(self._ssl, self._native("on_writable"), on_writable, self._wait())
            self._writable_handler = handler
            self._promised = True
        return self

    def run_async(self, task: Coroutine[Any, Any, Any]) -> None:
        """Answer from a coroutine; it runs to its first await at once, and the request stays readable in it.

        Raises:
            ThreadError: this is not the server's thread.
        """
        self._native("run_async")
        self._server.start(task, self, self._request)

    def has_responded(self) -> bool:
        """Tell whether the request is answered."""
        return self._answered and not self.aborted

    def _leave(self) -> None:
        """The client has left: let nothing touch the response's memory any more, then tell whoever waits."""
        self.aborted = True
        if self._request is not None:
            self._request._client_left = True
        self._finish()
        if self._server.handed_on is self:
            self._server.handed_on = None
        self.res = None
        if self._aborted_handler is not None:
            self._server.call(self, self._aborted_handler, self)


def check_callable(what: str, handler: Any) -> None:
    """Refuse a handler that can't be called.

    Raises:
        TypeError: it can't.
    """
    if not callable(handler):
        raise TypeError(f"{what} takes a function, not a {type(handler).__name__}")


def waiting_response(user_data: Any) -> Any:
    """Find the response that a native callback comes for, None where it is answered or gone."""
    return waiting.get(int(cast(_NUMBER, user_data)))


@ffi.callback("void(uws_res_t*, void*)")  # type: ignore[untyped-decorator]
def on_aborted(res: Any, user_data: Any) -> None:
    """The client has left."""
    response = waiting_response(user_data)
    if response is not None:
        response._leave()


@ffi.callback("bool(uws_res_t*, uintmax_t, void*)")  # type: ignore[untyped-decorator]
def on_writable(res: Any, offset: int, user_data: Any) -> bool:
    """More can be written."""
    response = waiting_response(user_data)
    if response is None or response._writable_handler is None:
        return True
    response._loop.is_idle = False
    return bool(response._server.call(response, response._writable_handler, response, offset))
