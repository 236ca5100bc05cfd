"""The body of a request, which the core delivers through the response: what is held of it, and what is collected."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..errors import HTTPError
from .core import ffi, unpack
from .pending import pending_response

if TYPE_CHECKING:
    from .request import Request
    from .response import Response

MAX_BODY: Final = 1024 * 1024  # bytes of one body that are kept, where nothing else is said
MAX_HELD_BODIES: Final = 32 * 1024 * 1024  # bytes of all bodies together
_LONGEST_LENGTH: Final = 19  # digits of a length


def announced_length(request: Request | None) -> int:
    """Return the length of the body that a request announces, 0 where it announces none that can be read."""
    if request is None or (request.req is None and request._headers is None):
        return 0
    length = request.get_header("content-length") or ""
    return int(length) if length.isascii() and length.isdigit() and len(length) <= _LONGEST_LENGTH else 0


def too_large(limit: int) -> HTTPError:
    """Make the error of a body that is larger than `limit` bytes."""
    return HTTPError(413, f"the body is larger than {limit} bytes")


def hold(response: Response, chunk: bytes, is_end: bool) -> None:
    """Keep a part of a body until a handler asks for it."""
    held = response._held
    if held is None:
        return
    lost = _keep(response, len(chunk), response._server.max_body)
    if lost is None:
        held += chunk
        response._body_ended = is_end
        return
    response._lost = lost
    forget_body(response)


def collect_up_to(limit: int) -> Callable[[Response, bytes, bool], None]:
    """Make a handler that collects a body for `get_data`, and refuses one of more than `limit` bytes."""

    def collect(response: Response, chunk: bytes, is_end: bool) -> None:
        future, data = response._dataFuture, response._data
        if future is None or data is None or future.done():
            return
        lost = _keep(response, len(chunk), limit)
        if lost is not None:
            refuse_body(response, lost)
            return
        data.write(chunk)
        if is_end:
            future.set_result(data)

    return collect


def refuse_body(response: Response, error: HTTPError) -> None:
    """Raise an error where `get_data` is awaited, and drop what was collected."""
    future = response._dataFuture
    response._data = None
    response._server.held_bytes -= response._kept
    response._kept = 0
    if future is not None and not future.done():
        future.set_exception(error)
        future.exception()  # a handler that does not wait for it needs no line in the log


def forget_body(response: Response) -> None:
    """Drop what is held of a body."""
    response._server.held_bytes -= response._kept
    response._kept = 0
    response._held = None


def _keep(response: Response, size: int, limit: int) -> HTTPError | None:
    """Count bytes that are to be kept, for this request and all together; return why they can't be."""
    server = response._server
    if response._kept + size > limit:
        return too_large(limit)
    if server.held_bytes + size > server.max_held_bodies:
        return HTTPError(503, "the server holds too many bodies of requests")
    response._kept += size
    server.held_bytes += size
    return None


@ffi.callback("void(uws_res_t*, const char*, size_t, bool, void*)")  # type: ignore[untyped-decorator]
def on_data(res: Any, chunk: Any, length: int, is_end: bool, user_data: Any) -> None:
    """Handle a part of a body."""
    response = pending_response(user_data)
    if response is not None and response._data_handler is not None:
        if is_end:
            response._body_ended = True
        data = unpack(chunk, length) if chunk else b""
        response._server.call(response, response._data_handler, response, data, bool(is_end))
