"""The body of a request, which the core delivers through the response: what is held of it, and who gets it.

What comes before a handler asks is held, up to `HOLD` bytes; then reading from the client pauses until it is taken.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from ..errors import HTTPError
from .core import ffi, unpack
from .pending import pending_response

if TYPE_CHECKING:
    from .request import Request
    from .response import Response

MAX_BODY: Final = 1024 * 1024  # bytes of one body, where nothing else is said
MAX_HELD_BODIES: Final = 32 * 1024 * 1024  # bytes of all bodies together
HOLD: Final = 256 * 1024  # bytes of a body that are held before reading pauses; the core reads 512 KiB at once
_LONGEST_LENGTH: Final = 19  # digits of a length


class BodyRefusedError(HTTPError):
    """The answer to a body that is not read to its end; the connection closes behind it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail, headers={"Connection": "close"})


class BodyParts:
    """The parts of a request's body, as `async for chunk in res.body()` gets them."""

    __slots__ = ("_response",)

    def __init__(self, response: Response) -> None:
        self._response = response

    def __aiter__(self) -> BodyParts:
        """Return the iterator itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return what has come since the last part, at least one byte.

        Raises:
            HTTPError: 413, the body is larger than the route's `max_body`; 503, all requests together have used up
                `max_held_bodies`; 400, the client has left before the end.
            BodyError: the request is answered, or another iteration waits for the next part.
        """
        response = self._response
        while True:
            if response._lost is not None:
                raise response._lost.with_traceback(None)
            held = response._held
            if held:
                part = bytes(held)
                held.clear()
                _release(response)
                go_on(response)
                return part
            if response._body_ended:
                raise StopAsyncIteration
            if response.aborted:
                raise HTTPError(400, "the client has left before the end of the body")
            if response._answered:
                raise _misread("body", "the request is answered, and its body is not read any more")
            if response._part is not None:
                raise _misread("body", "another iteration waits for the next part")
            response._part = part_came = response._server.loop.create_future()
            try:
                await part_came
            finally:
                response._part = None


def announced_length(request: Request | None) -> int:
    """Return the length of the body that a request announces, 0 where it announces none that can be read."""
    if request is None or (request.req is None and request._headers is None):
        return 0
    length = request.get_header("content-length") or ""
    return int(length) if length.isascii() and length.isdigit() and len(length) <= _LONGEST_LENGTH else 0


def max_body(response: Response) -> int:
    """Return how many bytes the body of a request may have: the route's own number, else the app's."""
    limit = response._max_body
    return response._server.max_body if limit is None else limit


def check_length(handler: Callable[..., Any], limit: int) -> Callable[..., Any]:
    """Refuse requests that announce a larger body than their route allows before `handler` sees them."""

    def handle(response: Response, request: Request) -> Any:
        if announced_length(request) > limit:
            raise too_large(limit)
        return handler(response, request)

    return handle


def too_large(limit: int) -> BodyRefusedError:
    """Make the error of a body that is larger than `limit` bytes."""
    return BodyRefusedError(413, f"the body is larger than {limit} bytes")


def expect_body(response: Response, is_announced: bool) -> None:
    """Hold what comes of a body from now on; without that the core drops it when the handler's first step ends."""
    response._held = bytearray()
    if not is_announced:
        response._body_ended = True
        return
    response._limit = limit = max_body(response)
    if announced_length(response._request) > limit:
        refuse_body(response, too_large(limit))
        return
    response._data_handler = hold
    response._read_natively()


def hold(response: Response, chunk: bytes, is_end: bool) -> None:
    """Hold a part of a body until the handler takes it."""
    held = response._held
    if held is None or not _keep(response, len(chunk)):
        return
    held += chunk
    _wake(response)
    server = response._server
    if not is_end and (len(held) >= HOLD or server.held_bytes > server.max_held_bodies // 2):
        # Each time: a write that the client does not take makes the core read again.
        response._held_back = response._held_back or not response._paused
        response._paused = True
        response._pause_reading(response._ssl, response.res)


def go_on(response: Response) -> None:
    """Read on where `hold` has paused."""
    if response._held_back:
        response.resume()


def collect(response: Response, chunk: bytes, is_end: bool) -> None:
    """Collect a body for `get_data`."""
    future, data = response._dataFuture, response._data
    if future is None or data is None or future.done() or not _keep(response, len(chunk)):
        return
    data.write(chunk)
    if is_end:
        future.set_result(data)


def collect_whole(response: Response, then: Callable[[Response, bytes], object]) -> None:
    """Call `then(response, body)` once all of the body has come, at once where it has.

    Raises:
        HTTPError: 413, it is larger than `max_body`; 503, it was refused before.
        BodyError: somebody reads it in another way.
    """
    limit = max_body(response)
    check_unread(response, "the body")
    if max(response._received, announced_length(response._request)) > limit:
        raise too_large(limit)
    parts: list[bytes] = []

    def take(response: Response, chunk: bytes, is_end: bool) -> None:
        if not _keep(response, len(chunk)):
            return
        if not is_end:
            parts.append(chunk)
            return
        response._whole = body = b"".join((*parts, chunk)) if parts else chunk
        then(response, body)

    response._limit = limit
    response._deferred = True
    response._read_by(take)


def refuse_body(response: Response, error: BodyRefusedError) -> None:
    """Raise an error where the body is awaited; where it is not, answer with it. What was kept is dropped."""
    response._lost = error
    response._data = None
    forget_body(response)
    future: Future[Any] | None = response._dataFuture
    if future is not None:
        if not future.done():
            future.set_exception(error)
            future.exception()  # a handler that does not wait for it needs no line in the log
    elif response._is_read_in_parts:
        _wake(response)
        go_on(response)
    else:
        response._server.fail(error, response, response._request, response._route)
        response._deliver()
        if response._hooks_wait:  # the answer is still to come
            response._leaves = True
        else:
            response._leave()  # for the handler it is as if the client had left


def forget_body(response: Response) -> None:
    """Drop what is held of a body, and wake up who waits for a part."""
    _release(response)
    response._held = None
    _wake(response)


def check_unread(response: Response, what: str) -> None:
    """Check that nobody reads the body in another way.

    Raises:
        BodyError: somebody does.
    """
    if response._is_read_in_parts:
        raise _misread(what, "res.body() reads this body part by part")
    if response._dataFuture is not None:
        raise _misread(what, "res.get_data() reads this body as a whole")


def _misread(what: str, why: str) -> errors.BodyError:
    return errors.BodyError(what, "was refused", why, "Read a body once, in one way, before the answer")


def _wake(response: Response) -> None:
    if response._part is not None and not response._part.done():
        response._part.set_result(None)


def _release(response: Response) -> None:
    response._server.held_bytes -= response._kept
    response._kept = 0


def _keep(response: Response, size: int) -> bool:
    """Count bytes that are to be kept, for this request and all together; refuse the body where they are too many."""
    server, limit = response._server, response._limit or 0
    most = server.max_held_bodies
    if limit > max(most, server.max_body):  # its route or handler allows this one more than all others together
        most += limit
    if server.held_bytes + size > most:
        refuse_body(response, BodyRefusedError(503, "the server holds too many bodies of requests"))
        return False
    response._kept += size
    server.held_bytes += size
    return True


def receive(response: Response, part: bytes, is_end: bool) -> None:
    """Receive a part of a body."""
    if response._data_handler is None or response._lost is not None:
        return
    response._received += len(part)
    response._body_ended = is_end
    if response._limit is not None and response._received > response._limit:
        response._server.call(response, refuse_body, response, too_large(response._limit))
    else:
        response._server.call(response, response._data_handler, response, part, is_end)


@ffi.callback("void(uws_res_t*, const char*, size_t, bool, void*)")  # type: ignore[untyped-decorator]
def on_data(res: Any, chunk: Any, length: int, is_end: bool, user_data: Any) -> None:
    """Handle a part of a body."""
    response = pending_response(user_data)
    if response is not None:
        receive(response, unpack(chunk, length) if chunk else b"", bool(is_end))
