"""The encoder of objects that are sent: that of the app's serializer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..builtin.json.encoder import make_standard_encoder


def make_dump(serializer: Any) -> Callable[[Any], bytes]:
    """Make a function that returns the bytes of a serializer: anything with `dumps`, returning text or bytes.

    If the serializer has a `dump_bytes`, which returns only bytes, that is called directly. In place of the standard
    module, whose `dumps` writes NaN, which is no JSON, an encoder on it has the rules of docs/json.md.
    """
    if serializer is json:
        return make_standard_encoder()
    given: Callable[[Any], bytes] | None = getattr(serializer, "dump_bytes", None)
    if callable(given):
        return given

    def dump(value: Any) -> bytes:
        data = serializer.dumps(value)
        return data.encode() if isinstance(data, str) else bytes(data)

    return dump
