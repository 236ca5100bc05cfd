"""The encoder: values to MessagePack, by msgspec where it is installed and would write the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgpack import Packer

from ...sdk.to_builtins import to_builtins

Encode = Callable[[Any], bytes]


def make_encoder(*, fast: bool = True) -> Encode:
    """Make a function that encodes one value.

    An aware datetime becomes a Timestamp (extension type -1) with all of its microseconds; for what else MessagePack
    has no type for, see `to_builtins`. The function raises TypeError for what has no plain value, OverflowError for an int
    beyond 64 bits, and ValueError for a circular or too deeply nested value.

    Args:
        fast: whether msgspec may do the work. It takes a `msgpack.ExtType` for the tuple that it also is.
    """
    pack: Encode = Packer(default=to_builtins, datetime=True).pack
    if not fast:
        return pack
    try:
        from msgspec.msgpack import Encoder
    except ImportError:
        return pack
    by_msgspec = Encoder(enc_hook=to_builtins).encode

    def encode(value: Any) -> bytes:
        try:
            return by_msgspec(value)
        except Exception:  # what msgspec can't write, msgpack writes or refuses
            return pack(value)

    return encode
