"""A WebSocket without a server, and what it was told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...runtime.core import OpCode, SendStatus
from ...runtime.encoding import encode_message
from ...runtime.websocket import WebSocket
from .server import text_of


@dataclass
class Traffic:
    """What a fake WebSocket was told: messages as (data, opcode), topics, and the close code once it has ended."""

    sent: list[tuple[bytes, int]] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    code: int | None = None
    reason: bytes = b""


class FakeWebSocket(WebSocket):
    """A WebSocket that writes to `recorded`, a `Traffic`, where the real one writes to a client."""

    recorded: Traffic

    def send(self, message: Any, opcode: int = OpCode.BINARY, compress: bool = False, fin: bool = True) -> Any:  # noqa: ARG002 - the core's
        """Note a message; gives `SendStatus.SUCCESS`."""
        self._open()
        self.recorded.sent.append((encode_message(message, self._server.dump_json), int(opcode)))
        return SendStatus.SUCCESS

    def send_first_fragment(self, message: Any, opcode: int = OpCode.BINARY, compress: bool = False) -> Any:
        """Note a first part."""
        return self.send(message, opcode, compress)

    def send_fragment(self, message: Any, compress: bool = False) -> Any:
        """Add a middle part to the message."""
        self._open()
        earlier, opcode = self.recorded.sent.pop()
        return self.send(earlier + encode_message(message, self._server.dump_json), opcode, compress)

    def send_last_fragment(self, message: Any, compress: bool = False) -> Any:
        """Add the last part to the message."""
        return self.send_fragment(message, compress)

    def cork(self, callback: Callable[[Any], Any]) -> WebSocket:
        """Run `callback(ws)`."""
        self._open()
        callback(self)
        return self

    def end(self, code: int = 0, message: Any = None) -> WebSocket:
        """Close with a code and a reason."""
        self._open()
        self.recorded.code, self.recorded.reason = code, encode_message(message, self._server.dump_json)
        self.ws = None
        return self

    def close(self) -> WebSocket:
        """Drop the connection."""
        if self.ws is not None:
            self.end(1006)
        return self

    def subscribe(self, topic: str | bytes) -> bool:
        """Listen on a topic."""
        self._open()
        if text_of(topic) not in self.recorded.topics:
            self.recorded.topics.append(text_of(topic))
        return True

    def unsubscribe(self, topic: str | bytes) -> bool:
        """Stop listening on a topic."""
        known = self.is_subscribed(topic)
        if known:
            self.recorded.topics.remove(text_of(topic))
        return known

    def is_subscribed(self, topic: str | bytes) -> bool:
        """Tell whether the socket listens on a topic."""
        self._open()
        return text_of(topic) in self.recorded.topics

    def get_topics(self) -> list[str]:
        """List the topics that the socket listens on."""
        self._open()
        return list(self.recorded.topics)

    def get_buffered_amount(self) -> int:
        """Give 0: a fake client takes everything at once."""
        self._open()
        return 0

    def get_remote_address_bytes(self) -> bytes | None:
        """Give the loopback address."""
        self._open()
        return b"\x7f\x00\x00\x01"

    def get_remote_address(self) -> str | None:
        """Give the loopback address as text."""
        self._open()
        return "127.0.0.1"


def opened(ws: FakeWebSocket, user_data: Any, topics: list[str]) -> FakeWebSocket:
    """Open the socket."""
    ws.recorded = Traffic(topics=topics)
    ws.socket_data = user_data
    ws.ws = ws.recorded
    return ws
