"""The body of a request, which the core delivers through the response."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from ..http_error import HTTPError
from .address import Address
from .core import ffi, lib, unpack
from .waiting import waiting_response

if TYPE_CHECKING:
    from typing_extensions import Self

_HELD_LIMIT: Final = 1024 * 1024  # bytes


class Body(Address):
    """The reading side of a response."""

    def on_data(self, handler: Callable[[Any, bytes, bool], Any]) -> Self:
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

    def get_data(self, limit: int | None = None) -> Future[BytesIO]:
        """Read the whole body, once or again; what has come where the client leaves.

        Args:
            limit: bytes; the future of a larger body raises HTTPError, 413, and no more of it is kept.
        """
        if self._dataFuture is not None:
            return self._dataFuture
        promised = self._promised
        future = self._server.loop.create_future()
        self._data, self._dataFuture = BytesIO(), future
        if self._answered:
            future.set_result(self._data)
        elif self._overflowed and limit is not None and limit <= _HELD_LIMIT:
            future.set_exception(too_large(limit))
        else:
            self.on_data(_collect if limit is None else _collect_up_to(limit))
            self._promised = promised
        return future

    def pause(self) -> Self:
        """Stop reading from the client."""
        if not self._answered:
            lib.uws_res_pause(self._ssl, self.res)
        return self

    def resume(self) -> Self:
        """Go on reading from the client."""
        if not self._answered:
            self._loop.is_idle = False
            lib.uws_res_resume(self._ssl, self.res)
        return self


def _hold(response: Body, chunk: bytes, is_end: bool) -> None:
    held = response._held
    if held is None:
        return
    held.append((chunk, is_end))
    if sum(len(part) for part, _ in held) > _HELD_LIMIT:
        response._held = None
        response._overflowed = True


def _collect(response: Body, chunk: bytes, is_end: bool) -> None:
    if response._data is None or response._dataFuture is None:
        return
    response._data.write(chunk)
    if is_end and not response._dataFuture.done():
        response._dataFuture.set_result(response._data)


def _collect_up_to(limit: int) -> Callable[[Body, bytes, bool], None]:
    def collect(response: Body, chunk: bytes, is_end: bool) -> None:
        future, data = response._dataFuture, response._data
        if future is None or data is None or future.done():
            return
        if data.tell() + len(chunk) > limit:
            response._data = None
            future.set_exception(too_large(limit))
        else:
            _collect(response, chunk, is_end)

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
