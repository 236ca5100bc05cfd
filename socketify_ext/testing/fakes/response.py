"""The recorded answer of a response without a server, and the native layer that records it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, Final

from ...runtime.core import ffi
from ...runtime.response_head import join_head
from .request import Asked


class Answer:
    """What a fake response was told: filled while its members run.

    `status` is the code, `headers` are the names as written with their values, `body` is what was sent so far;
    `complete` is whether the answer has ended, `closed` whether its connection was dropped instead. `upgraded`
    holds the user data of each `upgrade`.
    """

    def __init__(self, response: Any) -> None:
        self.body = b""
        self.complete = False
        self.closed = False
        self.upgraded: list[Any] = []
        self._response = response
        self._sent_head: bytes | None = None
        self._offset = 0

    def __repr__(self) -> str:
        return f"<Answer {self.status} {self.headers} {self.body!r}, complete={self.complete}, closed={self.closed}>"

    @property
    def status(self) -> int:
        """Return the status code, 200 where none was written."""
        return int(self._head()[:3])

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that are written or sent so far."""
        lines = (line.decode(errors="replace").partition(": ") for line in self._head().split(b"\r\n")[1:])
        return [(name, value) for name, _, value in lines]

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """Return the object that the body holds as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """Return the first value of a header, its name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def _head(self) -> bytes:
        if self._sent_head is not None:
            return self._sent_head
        response = self._response
        return join_head(response._status, response._head, response._write_jar)


class ResponseLibrary:
    """The core's functions for responses: each takes an `Answer` in place of the core's memory, and records there."""

    def uws_res_write_status(self, _ssl: int, res: Answer, head: bytes, _length: int) -> None:
        """Send the head."""
        res._sent_head = head

    def uws_res_write(self, _ssl: int, res: Answer, data: bytes, _length: int) -> None:
        """Send a part of the body."""
        res.body += data

    socketify_res_cork_write = uws_res_write

    def uws_res_end(self, _ssl: int, res: Answer, data: bytes, _length: int, _last: bool) -> None:
        """Send the end of the body."""
        res.body += data
        res.complete = True

    socketify_res_cork_end = uws_res_end

    def uws_res_end_without_body(self, _ssl: int, res: Answer, _last: bool) -> None:
        """End the answer."""
        res.complete = True

    def socketify_res_cork_send(
        self, ssl: int, res: Answer, data: bytes, length: int, head: bytes, _: int, kind: bytes, __: int, last: bool
    ) -> None:
        """Send a whole answer."""
        res._sent_head = head + b"\r\nContent-Type: " + kind if kind else head
        self.uws_res_end(ssl, res, data, length, last)

    def uws_res_try_end(self, _ssl: int, res: Answer, data: bytes, _length: int, total: Any, _last: bool) -> Any:
        """Send a part of a body of known size; a fake client takes all of it."""
        res.body += data
        res._offset = len(res.body)
        res.complete = res._offset >= int(total)
        return SimpleNamespace(ok=True, has_responded=res.complete)

    def uws_res_get_write_offset(self, _ssl: int, res: Answer) -> int:
        """Return how many bytes of a body of known size are sent; the core does not count others."""
        return res._offset

    def uws_res_write_continue(self, _ssl: int, _res: Answer) -> None:
        """Do nothing: the body is there."""

    def uws_res_upgrade(self, _ssl: int, res: Answer, *_: Any) -> None:
        """Note the user data of the WebSocket that the request becomes."""
        res._sent_head = res._sent_head or b"101 Switching Protocols"
        res.upgraded.append(res._response._server.upgrading)
        res.complete = True

    def uws_res_close(self, _ssl: int, res: Answer) -> None:
        """Drop the connection."""
        res.closed = True

    def uws_res_cork(self, _ssl: int, _res: Answer, callback: Any, user_data: Any) -> None:
        """Call back at once."""
        callback(ffi.NULL, user_data)

    def uws_res_on_aborted(self, _ssl: int, _res: Answer, _callback: Any, _user_data: Any) -> None:
        """Do nothing: a fake client does not leave."""

    def uws_res_on_writable(self, _ssl: int, _res: Answer, _callback: Any, _user_data: Any) -> None:
        """Do nothing: a fake client has taken everything."""

    def uws_res_on_data(self, _ssl: int, res: Answer, callback: Any, user_data: Any) -> None:
        """Call back with the whole body of the request at once."""
        response = res._response
        body = getattr(response._request.req, "body", b"")
        response._server.call_back(callback, ffi.NULL, body, len(body), True, user_data)

    def uws_res_get_native_handle(self, _ssl: int, _res: Answer) -> None:
        """Return None: there is no connection."""

    def uws_res_get_remote_address(self, _ssl: int, _res: Any, buffer: Any) -> int:
        """Find the loopback address."""
        buffer[0] = _LOOPBACK
        return 4

    def uws_res_get_remote_address_as_text(self, _ssl: int, _res: Any, buffer: Any) -> int:
        """Find the loopback address as text."""
        buffer[0] = _LOOPBACK_TEXT
        return len(_LOOPBACK_TEXT) - 1

    def uws_res_get_proxied_remote_address(self, _ssl: int, _res: Answer, buffer: Any) -> int:
        """Find nothing: there is no proxy."""
        buffer[0] = ffi.NULL
        return 0

    uws_res_get_proxied_remote_address_as_text = uws_res_get_proxied_remote_address


_LOOPBACK: Final = ffi.new("char[]", b"\x7f\x00\x00\x01")
_LOOPBACK_TEXT: Final = ffi.new("char[]", b"127.0.0.1")


def _buffered_amount(_ssl: int, _res: Answer) -> int:
    """Return 0: a fake client takes everything at once."""
    return 0


def _pause_reading(_ssl: int, _res: Answer) -> None:
    """Do nothing: the body is there."""


def _resume_reading(_ssl: int, _res: Answer, expects_more: bool) -> None:
    """Do nothing: the body is there."""


# A fake has no dispatcher that sends what the handler's first step has left, so that each answer goes out by itself.
NATIVE: Final = {
    "_lib": ResponseLibrary(),
    "_buffered_amount": staticmethod(_buffered_amount),
    "_pause_reading": staticmethod(_pause_reading),
    "_resume_reading": staticmethod(_resume_reading),
    "_body_only": False,
    "_single_write": False,
    "_context": None,
}


def connect(response: Any, request: Any) -> None:
    """Let a response answer a request; a fake one's body is what it reads, and it has the response."""
    response.res = response.recorded = Answer(response)
    response._request = request
    if isinstance(request.req, Asked):
        request.req.response = response
    if request.get_method() == "HEAD":
        response._omit_body()
