"""The bytes of `json.dumps`, from an encoder that is made once instead of for each call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

try:
    from json.encoder import c_make_encoder, encode_basestring_ascii  # type: ignore[attr-defined]
except ImportError:  # an interpreter without the C accelerator
    c_make_encoder = None


def make_encoder() -> Callable[[Any], bytes]:
    """Make a function that returns the same as `json.dumps(value).encode()`.

    Its errors are those of `json.dumps`: TypeError for objects that JSON has no type for, ValueError for a circular value.
    """
    encoder = json.JSONEncoder()
    if c_make_encoder is None:
        encode = encoder.encode
        return lambda value: encode(value).encode()
    open_containers: dict[int, Any] = {}
    chunks = c_make_encoder(
        open_containers, encoder.default, encode_basestring_ascii, None, ": ", ", ", False, False, True
    )
    join = "".join

    def dump(value: Any) -> bytes:
        try:
            return join(chunks(value, 0)).encode()
        except BaseException:
            open_containers.clear()  # it leaves those that an error has interrupted
            raise

    return dump


def make_dump(serializer: Any) -> Callable[[Any], bytes]:
    """Make a function that returns the bytes of a serializer: anything with `dumps`, returning text or bytes.

    If the serializer has a `dump_bytes`, which returns only bytes, that is called directly.
    """
    if serializer is json:
        return make_encoder()
    given: Callable[[Any], bytes] | None = getattr(serializer, "dump_bytes", None)
    if callable(given):
        return given

    def dump(value: Any) -> bytes:
        data = serializer.dumps(value)
        return data.encode() if isinstance(data, str) else bytes(data)

    return dump
