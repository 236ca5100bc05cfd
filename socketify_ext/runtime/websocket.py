"""The WebSocket: one object for each connection, which knows when the connection is gone."""

from __future__ import annotations

import operator
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from .core import OpCode, SendStatus, core, ffi, from_handle, lib, read_address, unpack
from .cork import CorkedCall, cork_websocket
from .encoding import encode_message, encode_topic
from .thread import ANY_THREAD, get_ident, wrong_thread

if TYPE_CHECKING:
    from .received import Backlog
    from .server import Server

native_send = lib.uws_ws_send_with_options

_STATUS: Final = {int(status): status for status in SendStatus}
_BINARY: Final = OpCode.BINARY
_TEXT: Final = OpCode.TEXT
_SENT: Final = {int(code): int(code) for code in OpCode if code is not OpCode.CLOSE}
_CONTROL: Final = frozenset((int(OpCode.PING), int(OpCode.PONG)))
_LONGEST_CONTROL: Final = 125  # bytes (RFC 6455, 5.5)
_LONGEST_REASON: Final = _LONGEST_CONTROL - 2  # behind the code


class WebSocket(core.WebSocket):  # type: ignore[misc]  # the core has no types
    """A WebSocket connection.

    The same object is passed to every event of a connection, so that attributes set on it live as long as the
    connection. After the close event, calls that need the connection raise `ConnectionClosedError`;
    `get_user_data()` still works.
    """

    # What the core's __init__ sets on each object; class attributes here, so that an object starts empty.
    app: Any = None
    ws: Any = None
    _ptr = None
    _cork_handler = None
    _for_each_topic_handler = None
    socket_data_id: uuid.UUID | None = None
    socket_data: Any = None
    got_socket_data = True
    # Ours.
    _route: Any = None
    _variables: Any = None  # the context of all its events, derived from that of its upgrade
    _path: str | None = None  # of its request, where hooks ask for it
    _end_waits = False  # a subscription event or a cork runs, in which the core can't end: it ends right after
    _ended = False  # the server has asked for the end
    _backlog: Backlog | None = None  # messages that wait for a hook
    _unsubscribing = False  # `unsubscribe` runs: an event with one listener less does not mean the end
    _closing = False  # the end has begun: a subscription now would stay behind in the core's table
    _topics: set[bytes] | None = None  # its topics, where there is a backplane
    # The native layer of all but `send`; a fake has one that records.
    _lib: Any = lib
    # Of the app; set once on the compiled class.
    _server: Server
    _ssl: Any = None
    _thread: Any = ANY_THREAD

    __init__ = object.__init__
    # The core's finaliser is Python code; this one does nothing.
    __del__ = object.__sizeof__

    @property
    def closed(self) -> bool:
        """Return whether the connection is gone."""
        return self.ws is None

    @property
    def route(self) -> str:
        """Return the pattern of the connection's route, as in "/chat/:room"."""
        return str(self._route.pattern)

    def _open(self) -> Any:
        """Return the native socket.

        Raises:
            ConnectionClosedError: it is gone.
            ThreadError: this is not the server's thread.
        """
        if get_ident() != self._thread:
            raise wrong_thread("this WebSocket", "its connection")
        ws = self.ws
        if ws is None:
            raise errors.ConnectionClosedError(
                "this WebSocket",
                "is closed",
                "the client or the server has ended the connection",
                "Check ws.closed, or catch ConnectionClosedError where a client may leave at any time",
            )
        return ws

    def clone(self) -> WebSocket:
        """Return the connection's one object, which may be kept for as long as you like."""
        return self

    def set_user_data(self, user_data: Any) -> None:
        """Set what `get_user_data` returns."""
        self.socket_data, self.socket_data_id = user_data, None

    def get_user_data(self) -> Any:
        """Return the `user_data` that was passed to `res.upgrade` or `set_user_data`."""
        return self.socket_data

    def get_user_data_uuid(self) -> uuid.UUID | None:
        """Return an identifier of the user data, or None."""
        if self.socket_data_id is None and self.socket_data is not None:
            self.socket_data_id = uuid.uuid4()
        return self.socket_data_id

    def send(self, message: Any, opcode: int = _BINARY, compress: bool = False, fin: bool = True) -> Any:
        """Send text, bytes, or any other object as JSON.

        Returns:
            A `SendStatus`. From another thread the message is handed to the server's, and SUCCESS says no more than that.

        Raises:
            ConnectionClosedError: the connection is gone; nothing was written.
            TypeError, ValueError: the object can't be serialised, or the opcode carries no message.
        """
        data = message if type(message) is bytes else encode_message(message, self._server.dump_json)
        if opcode is not _BINARY and opcode is not _TEXT:
            opcode = encode_opcode(opcode, len(data))
        if compress is not False or fin is not True:
            compress, fin = bool(compress), bool(fin)
        if get_ident() != self._thread:
            self._hand_over(self.send, data, opcode, compress, fin)
            return SendStatus.SUCCESS
        ws = self.ws
        if ws is None:
            ws = self._open()
        return _STATUS[native_send(self._ssl, ws, data, len(data), opcode, compress, fin)]

    def _hand_over(self, call: Callable[..., Any], *arguments: Any) -> None:
        self._server.hand_over(f"WS {self.route}", call, *arguments)

    def send_fragment(self, message: Any, compress: bool = False) -> Any:
        """Send a middle part of a message; returns a `SendStatus`."""
        data, compress = encode_message(message, self._server.dump_json), bool(compress)
        ws = self._open()
        return _STATUS[self._lib.uws_ws_send_fragment(self._ssl, ws, data, len(data), compress)]

    def send_first_fragment(self, message: Any, opcode: int = _BINARY, compress: bool = False) -> Any:
        """Send the first part of a message; returns a `SendStatus`."""
        data, compress = encode_message(message, self._server.dump_json), bool(compress)
        opcode = encode_opcode(opcode, 0)
        ws = self._open()
        sent = self._lib.uws_ws_send_first_fragment_with_opcode(self._ssl, ws, data, len(data), opcode, compress)
        return _STATUS[sent]

    def send_last_fragment(self, message: Any, compress: bool = False) -> Any:
        """Send the last part of a message; returns a `SendStatus`."""
        data, compress = encode_message(message, self._server.dump_json), bool(compress)
        ws = self._open()
        return _STATUS[self._lib.uws_ws_send_last_fragment(self._ssl, ws, data, len(data), compress)]

    def cork(self, callback: Callable[[Any], Any]) -> WebSocket:
        """Send what `callback(ws)` writes in one piece; it must be synchronous, and what it raises is raised."""
        call, ws = CorkedCall(callback, self), self._open()
        waits, self._end_waits = self._end_waits, True
        try:
            cork_websocket(self._lib, self._ssl, ws, call)
        finally:
            self._end_waits = waits
        return self

    def cork_send(self, message: Any, opcode: int = _BINARY, compress: bool = False, fin: bool = True) -> WebSocket:
        """Send a message inside a cork of its own."""
        return self.cork(lambda ws: ws.send(message, opcode, compress, fin))

    def end(self, code: int = 0, message: Any = None) -> WebSocket:
        """Close the connection with a code and a reason; from a subscription event, right after it.

        Args:
            code: 1000 to 4999 (RFC 6455, 7.4), or 0 for none.
            message: the reason, as in `send`.

        Raises:
            ConnectionClosedError: it is closed already.
            TypeError, ValueError: the code is not a close code.
        """
        number = operator.index(code)
        if number and not 1000 <= number <= 4999:
            raise ValueError(f"the close code {number} is not in 1000 to 4999")
        data = _reason(encode_message(message, self._server.dump_json))
        if get_ident() != self._thread:
            self._hand_over(self._end_later, number, data)
            return self
        ws = self._open()
        self._ended = True
        if self._end_waits:
            self._server.loop.call_soon(self._end_later, number, data)
        else:
            self._lib.uws_ws_end(self._ssl, ws, number, data, len(data))
        return self

    def _end_later(self, code: int, data: bytes) -> None:
        self._ended = True
        if self.ws is not None:
            self._lib.uws_ws_end(self._ssl, self.ws, code, data, len(data))

    def cork_end(self, code: int = 0, message: Any = None) -> WebSocket:
        """Close the connection, as `end` does; the core's own never closes it."""
        return self.end(code, message)

    def close(self) -> WebSocket:
        """Drop the connection without a closing handshake; on a closed one this does nothing."""
        if get_ident() != self._thread:
            self._hand_over(self.close)
        elif self.ws is not None:
            self._ended = True
            if self._end_waits:
                self._server.loop.call_soon(self.close)
            else:
                self._lib.uws_ws_close(self._ssl, self.ws)
        return self

    def subscribe(self, topic: str | bytes) -> bool:
        """Listen on a topic; return whether that succeeded, which is False once the end has begun."""
        name = encode_topic(topic)
        ws = self._open()
        if self._closing or not self._lib.uws_ws_subscribe(self._ssl, ws, name, len(name)):
            return False
        counts = self._server.topic_counts
        if counts is not None:
            counts.add(self, name)
        return True

    def unsubscribe(self, topic: str | bytes) -> bool:
        """Stop listening on a topic; return whether that succeeded."""
        name = encode_topic(topic)
        ws = self._open()
        if self._closing:  # the core is about to do it
            return False
        earlier, self._unsubscribing = self._unsubscribing, True
        try:
            done = bool(self._lib.uws_ws_unsubscribe(self._ssl, ws, name, len(name)))
        finally:
            self._unsubscribing = earlier
        counts = self._server.topic_counts
        if counts is not None:
            counts.remove(self, name)
        return done

    def is_subscribed(self, topic: str | bytes) -> bool:
        """Return whether the socket listens on a topic."""
        name = encode_topic(topic)
        ws = self._open()
        return bool(self._lib.uws_ws_is_subscribed(self._ssl, ws, name, len(name)))

    def publish(self, topic: str | bytes, message: Any, opcode: int = _BINARY, compress: bool = False) -> bool:
        """Send to all sockets that listen on a topic, this one included, as in the core."""
        return bool(self.app.publish(topic, message, opcode, compress))

    def get_topics(self) -> list[str]:
        """List the topics that the socket listens on."""
        topics: list[str] = []
        handle = ffi.new_handle(topics)
        self._lib.uws_ws_iterate_topics(self._ssl, self._open(), on_topic, handle)
        return topics

    def for_each_topic(self, handler: Callable[[str], Any]) -> None:
        """Call `handler(topic)` for each topic that the socket listens on."""
        for topic in self.get_topics():
            handler(topic)

    def get_buffered_amount(self) -> int:
        """Return how many bytes wait for the client."""
        return int(self._lib.uws_ws_get_buffered_amount(self._ssl, self._open()))

    def get_remote_address_bytes(self) -> bytes | None:
        """Return the client's address as 4 or 16 bytes."""
        return read_address(self._lib.uws_ws_get_remote_address, self._ssl, self._open())

    def get_remote_address(self) -> str | None:
        """Return the client's address as text."""
        found = read_address(self._lib.uws_ws_get_remote_address_as_text, self._ssl, self._open())
        return None if found is None else found.decode()


def encode_opcode(opcode: Any, length: int) -> int:
    """Return the opcode of a message, or of a control frame of `length` bytes, as the core takes it.

    Raises:
        TypeError, ValueError: it is not an opcode of a message, or the control frame is too long (RFC 6455, 5.5).
    """
    code = _SENT.get(operator.index(opcode))
    if code is None:
        raise ValueError(f"the opcode {opcode!r} carries no message: give OpCode.TEXT or OpCode.BINARY, or call end")
    if code in _CONTROL and length > _LONGEST_CONTROL:
        raise ValueError(f"a ping or pong carries {_LONGEST_CONTROL} bytes at most, not {length}")
    return code


def _reason(data: bytes) -> bytes:
    """Return as much of a closing reason as fits behind its code, cut between characters."""
    if len(data) <= _LONGEST_REASON:
        return data
    return data[:_LONGEST_REASON].decode(errors="ignore").encode()


@ffi.callback("void(const char*, size_t, void*)")  # type: ignore[untyped-decorator]
def on_topic(topic: Any, length: int, user_data: Any) -> None:
    """Collect one topic."""
    from_handle(user_data).append(unpack(topic, length).decode(errors="replace"))
