"""The rules of what JSON has no type for, applied to a whole value: slower than the encoders, for what they can't write."""

from __future__ import annotations

import base64
import datetime
import json
import math
from collections.abc import Callable
from typing import Any, Final

from ...sdk.to_builtins import to_builtins

Convert = Callable[[Any], Any]

_MINUTE: Final = datetime.timedelta(minutes=1)


def to_json(value: Any) -> Any:
    """Convert a value that JSON has no type for, as msgspec does.

    Raises:
        TypeError: it has no plain value.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(memoryview(value).tobytes()).decode()
    found = to_builtins(value)
    if isinstance(found, datetime.datetime):
        return _moment(found)
    return found


def encode_plainly(value: Any, *, ascii_only: bool = False, unknown: Convert = to_json) -> bytes:
    """Encode a value as JSON, in compact UTF-8.

    NaN and infinities are null, as in JavaScript's `JSON.stringify`. A key is the text that its value would be. A
    surrogate without its pair, which UTF-8 can't say, is written as its escape.

    Args:
        value: any value.
        ascii_only: whether to escape all characters outside of ASCII.
        unknown: converts values, not keys, that JSON has no type for.

    Raises:
        TypeError: the value, or one in it, has no plain value.
        ValueError: it is circular or nested too deeply, or an int has too many digits.
    """
    try:
        plain = _plain(value, set(), unknown)
        if not ascii_only:
            try:
                return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
            except UnicodeEncodeError:
                pass
        return json.dumps(plain, allow_nan=False, separators=(",", ":")).encode()
    except RecursionError:
        pass
    raise ValueError("the value is nested too deeply")


def _moment(value: datetime.datetime) -> str:
    """Write an aware datetime as RFC 3339 does, whose offsets are whole minutes."""
    offset = value.utcoffset()
    if offset is not None and offset % _MINUTE:
        offset = _MINUTE * round(offset / _MINUTE)
        value = value.replace(tzinfo=datetime.timezone(offset))
    text = value.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def _plain(value: Any, open_containers: set[int], unknown: Convert) -> Any:
    """Make a copy of nothing but dicts with text as keys, lists, text, numbers, truth values and None."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        number = float.__float__(value)
        return number if math.isfinite(number) else None
    if id(value) in open_containers:
        raise ValueError("the value is circular: it holds itself")
    open_containers.add(id(value))
    if isinstance(value, dict):
        made: Any = {_key(key): _plain(inner, open_containers, unknown) for key, inner in value.items()}
    elif isinstance(value, (list, tuple)):
        made = [_plain(inner, open_containers, unknown) for inner in value]
    else:
        made = _plain(unknown(value), open_containers, unknown)
    open_containers.discard(id(value))
    return made


def _key(key: Any) -> str:
    """Return a key as the text that its value would be; NaN and infinities keep their names.

    Raises:
        TypeError: its value would be no text, number, truth value or null.
    """
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool):
        return json.dumps(key)
    if isinstance(key, int):
        return int.__repr__(key)
    if isinstance(key, float):
        return float.__repr__(key)
    found = to_json(key)
    if isinstance(found, (list, dict)) or found is key:
        raise TypeError(f"a {type(key).__name__} can't be a key: {key!r}")
    return _key(found)
