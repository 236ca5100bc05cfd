"""The body of a request, which the core delivers through the response."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from ..errors import HTTPError
from .address import Address
from .core import ffi, lib, resume_reading, unpack
from .pending import check_callable, waiting_response

if TYPE_CHECKING:
    from typing_extensions import Self

MAX_BODY: Final = 1024 * 1024  # bytes of one body that are kept, where nothing else is said
MAX_HELD_BODIES: Final = 32 * 1024 * 1024  # bytes of all bodies together
_LONGEST_LENGTH: Final = 19  # digits of a length


class Body(Address):
    """The reading side of a response."""

    def on_data(self, handler: Callable[[Any, bytes, bool], Any]) -> Self:
        """Call `handler(response, chunk, is_end)` for each part of the body, those that are kept first.

        Raises:
            HTTPError: the handler was suspended before, and more came meanwhile than is kept: 413 where it is more
                than `max_body`, 503 where all requests together have used up `max_held_bodies`.
            TypeError: the handler can't be called.
        """
        check_callable("on_data", handler)
        res = self._native("on_data")
        if self._answered:
            return self
        if self._lost is not None:
            raise self._lost.with_traceback(None)
        self._data_handler = handler
        self._promised = True
        held, self._held = self._held, None
        if held is None:
            lib.uws_res_on_data(self._ssl, res, on_data, self._wait())
            return self
        self._server.held_bytes -= len(held)
        self._kept -= len(held)
        if held or self._body_ended:
            self._server.call(self, handler, self, bytes(held), self._body_ended)
        return self

    def _hold_body(self, is_announced: bool) -> None:
        """Keep what comes of the body while the handler is suspended: the core would drop it."""
        if self._answered or self._data_handler is not None:
            return
        self._held = bytearray()
        self._body_ended = not is_announced
        if is_announced:
            self._data_handler = _hold
            lib.uws_res_on_data(self._ssl, self.res, on_data, self._wait())

    def _keep(self, size: int, limit: int) -> HTTPError | None:
        """Count bytes that are to be kept, for this request and all together; return why they can't be."""
        server = self._server
        if self._kept + size > limit:
            return too_large(limit)
        if server.held_bytes + size > server.max_held_bodies:
            return HTTPError(503, "the server holds too many bodies of requests")
        self._kept += size
        server.held_bytes += size
        return None

    def _release(self) -> None:
        """Forget the body with the end of the request."""
        super()._release()
        self._server.held_bytes -= self._kept
        self._kept = 0
        self._held = None

    def get_data(self, limit: int | None = None) -> Future[BytesIO]:
        """Read the whole body, once or again; what has come where the client leaves.

        Args:
            limit: bytes, by default `max_body` of the server; the future of a larger body raises HTTPError, 413, and
                that of one for which all bodies together leave no room raises HTTPError, 503. No more of it is kept.
        """
        if self._dataFuture is not None:
            return self._dataFuture
        limit = self._server.max_body if limit is None else limit
        promised = self._promised
        future = self._server.loop.create_future()
        self._data, self._dataFuture = BytesIO(), future
        if self._answered:
            future.set_result(self._data)
        elif self._announced_length() > limit:
            _refuse_body(self, too_large(limit))
        elif self._lost is not None:
            _refuse_body(self, self._lost)
        else:
            self.on_data(_collect_up_to(limit))
            self._promised = promised
        return future

    def _announced_length(self) -> int:
        """Return the length of the body that the request announces, 0 where it announces none that can be read."""
        request = self._request
        if request is None or (request.req is None and request._headers is None):
            return 0
        length = request.get_header("content-length") or ""
        return int(length) if length.isascii() and length.isdigit() and len(length) <= _LONGEST_LENGTH else 0

    def pause(self) -> Self:
        """Stop reading from the client, until `resume` or the answer."""
        res = self._native("pause")
        if not self._answered and not self._paused:
            self._wait()
            self._paused = True
            lib.uws_res_pause(self._ssl, res)
        return self

    def resume(self) -> Self:
        """Go on reading from the client."""
        res = self._native("resume")
        if self._paused and not self._answered:
            self._loop.is_idle = False
            self._paused = False
            resume_reading(res)
        return self


def _hold(response: Body, chunk: bytes, is_end: bool) -> None:
    held = response._held
    if held is None:
        return
    lost = response._keep(len(chunk), response._server.max_body)
    if lost is None:
        held += chunk
        response._body_ended = is_end
        return
    response._lost = lost
    response._held = None
    response._server.held_bytes -= response._kept
    response._kept = 0


def _refuse_body(response: Body, error: HTTPError) -> None:
    future = response._dataFuture
    response._data = None
    response._server.held_bytes -= response._kept
    response._kept = 0
    if future is not None and not future.done():
        future.set_exception(error)
        future.exception()  # a handler that does not wait for it needs no line in the log


def _collect_up_to(limit: int) -> Callable[[Body, bytes, bool], None]:
    def collect(response: Body, chunk: bytes, is_end: bool) -> None:
        future, data = response._dataFuture, response._data
        if future is None or data is None or future.done():
            return
        lost = response._keep(len(chunk), limit)
        if lost is not None:
            _refuse_body(response, lost)
            return
        data.write(chunk)
        if is_end:
            future.set_result(data)

    return collect


def too_large(limit: int) -> HTTPError:
    """Make the error of a body that is larger than `limit` bytes."""
    return HTTPError(413, f"the body is larger than {limit} bytes")


@ffi.callback("void(uws_res_t*, const char*, size_t, bool, void*)")  # type: ignore[untyped-decorator]
def on_data(res: Any, chunk: Any, length: int, is_end: bool, user_data: Any) -> None:
    """A part of the body has come."""
    response = waiting_response(user_data)
    if response is not None and response._data_handler is not None:
        response._loop.is_idle = False
        data = unpack(chunk, length) if chunk else b""
        response._server.call(response, response._data_handler, response, data, bool(is_end))
