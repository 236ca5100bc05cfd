"""Answers in parts: a producer is asked for more when the client has taken what it made before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from .core import NULL, ffi
from .encoding import BYTES_LIKE, exact_bytes
from .headers import encode_value
from .pending import on_writable
from .response_head import CONTENT_TYPE
from .tasks import start

if TYPE_CHECKING:
    from asyncio import Future

    from .response import Response

MOST_BUFFERED: Final = 128 * 1024  # bytes that wait for the client before a producer does
_AT_ONCE: Final = 128 * 1024  # bytes that are written in one call
_TURN: Final = 256 * 1024  # bytes that one answer writes before other requests come in between
_TOGETHER: Final = 16 * 1024  # bytes of small parts that are written as one where they come without waiting
_CORKED: Final = 16_000  # bytes that fit, with a chunk's head, into the core's buffer for corked writes
_LEAST: Final = 256  # bytes as which a part counts, however small

Parts = Iterable[str | bytes] | AsyncIterable[str | bytes]


class _Writer:
    """Writes parts of one answer, and waits for its client."""

    __slots__ = ("_since_wait", "is_writing", "response")

    def __init__(self, response: Response) -> None:
        self.response = response
        self.is_writing = False  # a part, which may wait in its middle
        self._since_wait = 0

    async def write(self, data: bytes) -> None:
        response = self.response
        self.is_writing = True
        if not response._head_sent:
            await response._send_head()
        if response._filters:
            data = response._filtered(data)
        for begin in range(0, len(data), _AT_ONCE):
            if response._answered:
                return
            part = data if len(data) <= _AT_ONCE else data[begin : begin + _AT_ONCE]
            # The core loses what is beyond its buffer where a corked write fails.
            write = response._lib.socketify_res_cork_write if len(part) <= _CORKED else response._lib.uws_res_write
            write(response._ssl, response.res, part, len(part))
            self._since_wait += max(len(part), _LEAST)
            if self._since_wait >= _TURN or response._buffered_amount(response._ssl, response.res) > MOST_BUFFERED:
                self._since_wait = 0
                await drain(response)
        self.is_writing = False


class Filler:
    """Writes the same part whenever the producer has nothing: at the start, and again every `interval` seconds."""

    __slots__ = ("_data", "_interval", "_timer", "_writer")

    def __init__(self, data: bytes, interval: float | None) -> None:
        self._data = data
        self._interval = interval
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, writer: _Writer) -> None:
        """Write the first one, unless the producer has written already."""
        self._writer = writer
        if not writer.response._head_sent:
            self._fill()
        self._schedule()

    def cancel(self) -> None:
        """Write no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _schedule(self) -> None:
        if self._interval is not None:
            self._timer = self._writer.response._server.loop.call_later(self._interval, self._go_on)

    def _go_on(self) -> None:
        response = self._writer.response
        if response._answered:
            return
        # While a part is on its way the connection is not silent, and a client that does not read needs no more.
        if not (self._writer.is_writing or response._buffered_amount(response._ssl, response.res)):
            self._fill()
        self._schedule()

    def _fill(self) -> None:
        self._writer.response._write_corked(self._data)


async def stream(
    response: Response,
    parts: Iterable[Any] | AsyncIterable[Any],
    content_type: str | bytes | None,
    what: str = "stream",
    encode: Callable[[Any], bytes] | None = None,
    filler: Filler | None = None,
) -> None:
    """Answer with the parts that an iterable makes.

    Args:
        response: the response.
        parts: the iterable.
        content_type: none where it is None.
        what: the call, for errors.
        encode: turns a part into bytes; text and bytes alone by default.
        filler: writes while the iterable makes nothing.

    Raises:
        TypeError: it is not an iterable of parts.
        HeaderError: the content type would split the response.
        BodyError: another iterable makes this answer.
    """
    producer = _iterator(parts, what)
    kind = None if content_type is None else encode_value(content_type)
    response._native(what)
    await asyncio.sleep(0)  # in the handler's first step the core has corked the connection: see `_Writer.write`
    try:
        begins = _begin(response, kind, what)
    except errors.BodyError:
        await _close(producer)
        raise
    if not begins:
        await _close(producer)
        return
    writer = _Writer(response)
    made: Any = _pump(writer, producer, encode or _encoded)
    task: asyncio.Task[None] = start(made, response._server.loop, copy_context())
    if not task.done():
        response._producer = task  # the end of the request cancels it
    if filler is not None and made.cr_frame is not None:  # it waits
        filler.begin(writer)
    try:
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        if response._producer is task:
            response._producer = None
            task.cancel()
        await asyncio.wait((task,))
        raise
    finally:
        if filler is not None:
            filler.cancel()
    if not (task.cancelled() and response._answered):
        task.result()


def _begin(response: Response, content_type: bytes | None, what: str) -> bool:
    """Hold the head; return whether parts may follow.

    Raises:
        BodyError: another iterable makes this answer.
    """
    if response._answered:
        response._refuse(what)
        return False
    if response._producer is not None:
        raise response._body_error(what, "another iterable makes this answer: await it first")
    if response._fixed_length is not None:
        response._refuse_mixed(what)
        return False
    if content_type is not None:
        response.set_header(CONTENT_TYPE, content_type)
    if response._is_bodiless():
        response.end_without_body()
        return False
    watch(response)
    return True


async def _pump(writer: _Writer, producer: Iterator[Any] | AsyncIterator[Any], encode: Callable[[Any], bytes]) -> None:
    """Write what a producer makes, and close it."""
    response = writer.response
    try:
        if isinstance(producer, AsyncIterator):
            async for part in producer:
                await writer.write(encode(part))
                if response._answered:
                    break
        else:
            await _write_all(writer, producer, encode)
    finally:
        await _close(producer)
    response._producer = None
    if not response._answered:
        response.end(b"")


async def _write_all(writer: _Writer, producer: Iterator[Any], encode: Callable[[Any], bytes]) -> None:
    """Write what a sync producer makes: the first part at once, then small ones together."""
    response, data = writer.response, b""
    for part in producer:
        data += encode(part)
        if len(data) >= _TOGETHER or not response._head_sent:
            await writer.write(data)
            data = b""
            if response._answered:
                return
    await writer.write(data)


async def drain(response: Response) -> None:
    """Wait until the client has taken most of what was written, or has left."""
    if not response._answered:
        watch(response)
    await asyncio.sleep(0)
    while not response._answered and response._buffered_amount(response._ssl, response.res) > MOST_BUFFERED:
        await _wait(response)


def _wait(response: Response) -> Future[None]:
    """Return a future that is done when the client has taken more.

    No frame keeps it: one that is cancelled would keep the frame, and with it what the client has not taken.
    """
    future: Future[None] = response._server.loop.create_future()
    response._drains = [*(response._drains or ()), future]
    return future


def watch(response: Response) -> None:
    """Write on when the client takes more, instead of the core, which says nothing and drops slow clients."""
    if not response._is_watched:
        key = response._wait()
        response._is_watched = True
        response._lib.uws_res_on_writable(response._ssl, response.res, on_writable, key)


def write_on(response: Response) -> None:
    """Write what is buffered, as far as the client takes it: an empty cork does that."""
    response._lib.uws_res_cork(response._ssl, response.res, _nothing, NULL)
    if not response._drains or response._answered:
        return
    if response._buffered_amount(response._ssl, response.res) <= MOST_BUFFERED:
        wake(response)


def wake(response: Response) -> None:
    """Wake up those who wait for the client."""
    waiting, response._drains = response._drains, None
    for future in waiting or ():
        if not future.done():
            future.set_result(None)


@ffi.callback("void(uws_res_t*, void*)")  # type: ignore[untyped-decorator]
def _nothing(res: Any, user_data: Any) -> None:
    """Write nothing."""


def _iterator(parts: Any, what: str) -> Iterator[Any] | AsyncIterator[Any]:
    """Return the iterator of an iterable of parts.

    Raises:
        TypeError: it is none, or one of something else, as a text is of characters.
    """
    if isinstance(parts, AsyncIterable):
        return aiter(parts)
    if isinstance(parts, Iterable) and not issubclass(type(parts), (str, dict, *BYTES_LIKE)):
        return iter(parts)
    raise TypeError(f"{what} takes an iterable, such as a generator, not a {type(parts).__name__}")


def _encoded(part: Any) -> bytes:
    data = exact_bytes(part)
    if data is None:
        raise TypeError(f"a part of an answer is text or bytes, not a {type(part).__name__}")
    return data


async def _close(producer: Any) -> None:
    """Close a generator, so that its `finally` runs now."""
    if isinstance(producer, AsyncIterator):
        close = getattr(producer, "aclose", None)
        if close is not None:
            await close()
    else:
        close = getattr(producer, "close", None)
        if close is not None:
            close()
