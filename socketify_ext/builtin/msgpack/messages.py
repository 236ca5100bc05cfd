"""Messages of WebSockets as MessagePack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...sdk.model import validate
from ...sdk.surface import Surface
from .decoder import Decode
from .encoder import Encode

if TYPE_CHECKING:
    from socketify_ext import WebSocket

MAX_MESSAGE: Final = 1024 * 1024  # bytes, where nothing else is said


def add_messages(ws: Surface, max_size: int | None, encode: Encode, decode: Decode) -> None:
    """Add `ws.send_msgpack` and `ws.unpack`."""
    most = MAX_MESSAGE if max_size is None else max_size

    @ws.method
    def send_msgpack(self: WebSocket, value: Any, compress: bool = False) -> int:
        """Send `value` as a binary message of MessagePack, and return what `send` returns.

        Raises:
            TypeError, ValueError, OverflowError: it can't be encoded; nothing was sent.
            ConnectionClosedError: the connection is gone.
        """
        status: int = self.send(encode(value), compress=compress)
        return status

    @ws.method(example=r"ws.unpack(b'\x81\xa5probe\x01')")
    def unpack(self: WebSocket, message: bytes, Model: Any = None) -> Any:  # noqa: N803 - it is a class
        """Read a binary message as MessagePack, and return it as a `Model` if one is given, as in `get_msgpack`.

        Raises:
            ValueError: the message is text, larger than `max_size`, not MessagePack, beyond the limits, or does not
                fit the model (pydantic's and msgspec's ValidationError are ValueErrors).
        """
        if not isinstance(message, bytes):
            raise ValueError("the message is text; MessagePack comes in binary messages")  # noqa: TRY004 - of a client
        if len(message) > most:
            raise ValueError(f"the message is larger than {most} bytes")
        value = decode(message)
        return value if Model is None else validate(Model, value, len(message))
