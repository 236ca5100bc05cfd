"""Text and bytes as native calls take them: bytes of no subclass, whose length is true and whose conversion is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

BYTES_LIKE = (bytes, bytearray, memoryview)


def exact_bytes(value: Any) -> bytes | None:
    """Return text as UTF-8 and bytes-like objects as they are; None for any other object.

    The type is never a subclass: one may report a length that it does not have, and C would read beyond its end.

    Raises:
        UnicodeEncodeError: the text holds a lone surrogate.
    """
    kind = type(value)
    if kind is bytes:
        return value  # type: ignore[no-any-return]
    if issubclass(kind, str):
        return str.encode(value)
    return memoryview(value).tobytes() if issubclass(kind, BYTES_LIKE) else None


def encode_topic(topic: str | bytes) -> bytes:
    """Return a topic's name as bytes.

    Raises:
        TypeError: it is neither text nor bytes.
    """
    data = exact_bytes(topic)
    if data is None:
        raise TypeError(f"a topic is text or bytes, not a {type(topic).__name__}")
    return data


def encode_message(message: Any, dump_json: Callable[[Any], bytes]) -> bytes:
    """Return a message as bytes: text as UTF-8, bytes as they are, None as nothing, any other object as JSON.

    Raises:
        TypeError, ValueError: it can't be serialised.
    """
    data = exact_bytes(message)
    if data is not None:
        return data
    return b"" if message is None else dump_json(message)
