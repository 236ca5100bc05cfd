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
    """Make a function that gives what `json.dumps(value).encode()` gives.

    Its errors are those of `json.dumps`: TypeError for what JSON has no type for, ValueError for a circular value.
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
    """Make a function that gives the bytes of a serializer: anything with `dumps`, giving text or bytes.

    Where it has a `dump_bytes`, which gives nothing but bytes, that is called, and nothing around it.
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
