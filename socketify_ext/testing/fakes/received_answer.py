"""An answer that a client without a socket receives, and the native layer that sends it as the core's does."""

from __future__ import annotations

import functools
import ipaddress
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from ...runtime.core import NULL, ffi
from ...runtime.response import Response
from .response import ResponseLibrary


class ReceivedAnswer:
    """What stands for the core's memory of a response.

    Attributes:
        body: what has come of it.
        done: has a result once the answer is complete, or its connection closed.
        closed: whether the connection was closed without a complete answer.
    """

    def __init__(self, loop: AbstractEventLoop, parts: Iterable[bytes], address: str, closes: bool) -> None:
        self.body = bytearray()
        self.closed = False
        self.done: Future[None] = loop.create_future()
        self.address = _address(address)
        self.on_aborted: tuple[Any, Any] | None = None  # a native callback and what it is called with
        self.on_data: tuple[Any, Any] | None = None
        self.is_chunked = False
        self.length: int | None = None
        self.closes = False  # the answer says that the connection ends
        self._closes = closes  # the request does
        self._loop = loop
        self._parts = deque(parts)  # of the request's body, that have not come yet
        self._paused = False
        self._sent_head = b"200 OK"
        self._offset = 0
        self._memory: list[Any] = []  # that native pointers may lead to

    @property
    def complete(self) -> bool:
        """Return whether all has come."""
        return self.done.done() and not self.closed

    @complete.setter
    def complete(self, complete: bool) -> None:
        if complete and not self.done.done():
            self.done.set_result(None)

    def close(self) -> None:
        """Lose the connection."""
        if not self.done.done():
            self.closed = True
            self.done.set_result(None)

    def leave(self) -> None:
        """Let the client leave."""
        self.close()
        if self.on_aborted is not None:
            callback, user_data = self.on_aborted
            callback(NULL, user_data)

    @property
    def status(self) -> int:
        """Return the status code."""
        return int(self._sent_head[:3])

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Return the headers, names as they are written, with those that the core adds but for Date and Server."""
        lines = (line.decode(errors="replace").partition(": ") for line in self._sent_head.split(b"\r\n")[1:])
        found = [(name, value) for name, _, value in lines]
        if self.closes and not self._closes:
            found.append(("Connection", "close"))
        if self.is_chunked:
            found.append(("Transfer-Encoding", "chunked"))
        elif self.length is not None:
            found.append(("Content-Length", str(self.length)))
        return found

    # -- the body of the request

    def send_body(self) -> None:
        """Let the parts of the request's body come, until the server pauses."""
        while self._parts and not self._paused and not self.done.done() and self.on_data is not None:
            part = self._parts.popleft()
            callback, user_data = self.on_data
            callback(NULL, part, len(part), not self._parts, user_data)

    def pause(self) -> None:
        """Let nothing more come of the request's body."""
        self._paused = True

    def resume(self) -> None:
        """Let the rest of the request's body come."""
        if self._paused:
            self._paused = False
            self._loop.call_soon(self.send_body)

    def point(self, buffer: Any, text: bytes) -> int:
        """Let the out-parameter of a native getter point to bytes; return their number."""
        self._memory.append(ffi.new("char[]", text))
        buffer[0] = self._memory[-1]
        return len(text)


@functools.lru_cache(maxsize=256)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text)


class ReceivedAnswerLibrary(ResponseLibrary):
    """The core's functions for responses: each takes a `ReceivedAnswer`, with the framing that the core adds."""

    def uws_res_write(self, ssl: int, res: Any, data: bytes, length: int) -> None:
        """Send a part of the body."""
        res.is_chunked = True
        super().uws_res_write(ssl, res, data, length)

    def socketify_res_cork_write(self, ssl: int, res: Any, data: bytes, length: int) -> None:
        """Send a part of the body."""
        self.uws_res_write(ssl, res, data, length)

    def uws_res_end(self, ssl: int, res: Any, data: bytes, length: int, last: bool) -> None:
        """Send the end of the body."""
        res.length, res.closes = length, bool(last)
        super().uws_res_end(ssl, res, data, length, last)

    def socketify_res_cork_end(self, ssl: int, res: Any, data: bytes, length: int, last: bool) -> None:
        """Send the end of the body."""
        self.uws_res_end(ssl, res, data, length, last)

    def uws_res_end_without_body(self, ssl: int, res: Any, last: bool) -> None:
        """End the answer."""
        res.closes = bool(last)
        super().uws_res_end_without_body(ssl, res, last)

    def uws_res_try_end(self, ssl: int, res: Any, data: bytes, length: int, total: Any, last: bool) -> Any:
        """Send a part of a body of known size."""
        res.length, res.closes = int(total), bool(last)
        return super().uws_res_try_end(ssl, res, data, length, total, last)

    def uws_res_close(self, _ssl: int, res: Any) -> None:
        """Close the connection."""
        res.close()

    def uws_res_on_aborted(self, _ssl: int, res: Any, callback: Any, user_data: Any) -> None:
        """Call back when the client leaves."""
        res.on_aborted = callback, user_data

    def uws_res_on_data(self, _ssl: int, res: Any, callback: Any, user_data: Any) -> None:
        """Call back for each part of the request's body."""
        res.on_data = callback, user_data

    def uws_res_get_remote_address(self, _ssl: int, res: Any, buffer: Any) -> int:
        """Find the client's address."""
        return int(res.point(buffer, res.address.packed))

    def uws_res_get_remote_address_as_text(self, _ssl: int, res: Any, buffer: Any) -> int:
        """Find the client's address as text."""
        return int(res.point(buffer, res.address.exploded.encode()))

    def uws_res_has_responded(self, _ssl: int, res: Any) -> bool:
        """Return whether the answer is complete, or its connection closed."""
        return bool(res.done.done())


def _buffered_amount(ssl: int, res: Any) -> int:
    """Return 0: the client takes everything at once."""
    return 0


def _pause_reading(ssl: int, res: Any) -> None:
    """Let nothing more come of the request's body."""
    res.pause()


def _resume_reading(ssl: int, res: Any, expects_more: bool) -> None:
    """Let the rest of the request's body come."""
    res.resume()


_LIBRARY: Final = ReceivedAnswerLibrary()


class ReceivedAnswerBase(Response):
    """The base of responses that are received without a socket; it stands behind all members."""

    # Each answer takes the way through `_lib`, as it does where a hook looks at it.
    _body_only = False
    _single_write = False
    _lib: Any = _LIBRARY
    _buffered_amount = staticmethod(_buffered_amount)
    _pause_reading = staticmethod(_pause_reading)
    _resume_reading = staticmethod(_resume_reading)
