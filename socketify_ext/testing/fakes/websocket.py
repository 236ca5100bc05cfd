"""The recorded traffic of a WebSocket without a server, and the native layer that records it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Final

from ...runtime.core import SendStatus
from ...runtime.websocket import WebSocket
from .response import ResponseLibrary

_SUCCESS: Final = int(SendStatus.SUCCESS)


@dataclass
class Traffic:
    """What a fake WebSocket was told: messages as (data, opcode), topics, and the close code once it has ended."""

    sent: list[tuple[bytes, int]] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    code: int | None = None
    reason: bytes = b""
    _socket: Any = field(default=None, repr=False, compare=False)


class WebSocketLibrary:
    """The core's functions for WebSockets: each takes a `Traffic` in place of the core's memory, and records there."""

    def uws_ws_send_with_options(
        self, _ssl: int, ws: Traffic, data: bytes, _length: int, opcode: int, _compress: bool, _fin: bool
    ) -> int:
        """Note a message."""
        ws.sent.append((data, int(opcode)))
        return _SUCCESS

    def uws_ws_send_first_fragment_with_opcode(
        self, _ssl: int, ws: Traffic, data: bytes, _length: int, opcode: int, _compress: bool
    ) -> int:
        """Note the first part of a message."""
        ws.sent.append((data, int(opcode)))
        return _SUCCESS

    def uws_ws_send_fragment(self, _ssl: int, ws: Traffic, data: bytes, _length: int, _compress: bool) -> int:
        """Add a part to the message."""
        earlier, opcode = ws.sent.pop()
        ws.sent.append((earlier + data, opcode))
        return _SUCCESS

    uws_ws_send_last_fragment = uws_ws_send_fragment

    def uws_ws_cork(self, _ssl: int, _ws: Traffic, callback: Any, user_data: Any) -> None:
        """Call back at once."""
        callback(user_data)

    def uws_ws_end(self, _ssl: int, ws: Traffic, code: int, reason: bytes, _length: int) -> None:
        """Note the close code and the reason."""
        ws.code, ws.reason = code, reason
        ws._socket.ws = None

    def uws_ws_close(self, ssl: int, ws: Traffic) -> None:
        """Note that the connection was dropped (RFC 6455, 7.1.5: 1006)."""
        self.uws_ws_end(ssl, ws, 1006, b"", 0)

    def uws_ws_subscribe(self, _ssl: int, ws: Traffic, topic: bytes, _length: int) -> bool:
        """Note a topic."""
        if topic.decode() not in ws.topics:
            ws.topics.append(topic.decode())
        return True

    def uws_ws_unsubscribe(self, ssl: int, ws: Traffic, topic: bytes, length: int) -> bool:
        """Drop a topic."""
        known = self.uws_ws_is_subscribed(ssl, ws, topic, length)
        if known:
            ws.topics.remove(topic.decode())
        return known

    def uws_ws_is_subscribed(self, _ssl: int, ws: Traffic, topic: bytes, _length: int) -> bool:
        """Return whether the socket listens on a topic."""
        return topic.decode() in ws.topics

    def uws_ws_iterate_topics(self, _ssl: int, ws: Traffic, callback: Any, user_data: Any) -> None:
        """Call back for each topic."""
        for topic in map(str.encode, ws.topics):
            callback(topic, len(topic), user_data)

    def uws_ws_get_buffered_amount(self, _ssl: int, _ws: Traffic) -> int:
        """Return 0: a fake client takes everything at once."""
        return 0

    uws_ws_get_remote_address = ResponseLibrary.uws_res_get_remote_address
    uws_ws_get_remote_address_as_text = ResponseLibrary.uws_res_get_remote_address_as_text


_LIBRARY: Final = WebSocketLibrary()
NATIVE: Final = {"_lib": _LIBRARY}


class RecordedWebSocket(WebSocket):
    """The real class; its `send`, which has a native function in its module for speed, finds a recording one there."""

    send: Any = FunctionType(
        WebSocket.send.__code__,
        {**WebSocket.send.__globals__, "native_send": _LIBRARY.uws_ws_send_with_options},
        "send",
        WebSocket.send.__defaults__,
    )


def open_socket(ws: Any, user_data: Any, topics: list[str]) -> None:
    """Connect a socket to a fake client."""
    ws.ws = ws.recorded = Traffic(topics=topics, _socket=ws)
    ws.socket_data = user_data
