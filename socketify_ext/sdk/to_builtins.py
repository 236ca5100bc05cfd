"""Conversion of types that JSON and MessagePack lack to builtin types, the same for both."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import sys
import uuid
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from pydantic import BaseModel

_STRUCT: Final = "__struct_config__"
_MISSING: Final = object()


def to_builtins(value: Any) -> Any:
    """Convert a value to builtin types.

    A naive datetime, a date or a time becomes ISO 8601 text, a timedelta an ISO 8601 duration, Decimal and UUID text,
    an enum its value, a set a list, and a mapping, a dataclass, an attrs class, a pydantic model or a
    msgspec Struct a map. An aware
    datetime is left to the codec: text in JSON, a Timestamp in MessagePack. The value may hold others that come here
    in their turn.

    Raises:
        TypeError: the value has another type.
        OverflowError: it is an int that the codec has no room for.
    """
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)):
        return moment(value)
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (int, float, str, bytes, bytearray)):
        return exact(value)
    if is_record(value):
        return record(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, AbstractSet):
        return list(value)
    raise TypeError(f"a {type(value).__name__} can't be sent: {value!r}")


def moment(value: datetime.datetime | datetime.date | datetime.time | datetime.timedelta) -> Any:
    """Write a date or time as ISO 8601; an aware datetime of a subclass becomes one of the class itself."""
    if isinstance(value, datetime.timedelta):
        return duration(value)
    if isinstance(value, datetime.datetime) and value.utcoffset() is not None:
        return datetime.datetime.combine(value, value.timetz())
    text = value.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def duration(value: datetime.timedelta) -> str:
    """Write an ISO 8601 duration in days and seconds, as in "P1DT2.5S"."""
    sign, value = ("-", -value) if value < datetime.timedelta(0) else ("", value)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    days = f"{value.days}D" if value.days else ""
    seconds = f"T{value.seconds}{fraction}S" if value.seconds or fraction else ""
    return f"{sign}P{days}{seconds}" if days or seconds else "P0D"


def is_record(value: Any) -> bool:
    """Check whether a value is an instance of a pydantic model, a dataclass, an attrs class or a msgspec Struct."""
    kind = type(value)
    is_class = hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__attrs_attrs__")
    return isinstance(value, BaseModel) or is_class or hasattr(kind, _STRUCT)


def record(value: Any) -> Any:
    """Write a model, a dataclass or an attrs class by its fields, and a Struct as its own configuration has it."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    kind: Any = type(value)
    if not hasattr(kind, _STRUCT):
        fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else kind.__attrs_attrs__
        found = ((field.name, getattr(value, field.name, _MISSING)) for field in fields)
        unset = _MISSING if "msgspec" not in sys.modules else sys.modules["msgspec"].UNSET
        return {name: inner for name, inner in found if inner is not _MISSING and inner is not unset}
    import msgspec

    return msgspec.to_builtins(
        value, builtin_types=(bytes, bytearray, memoryview, datetime.datetime), enc_hook=to_builtins
    )


def exact(value: float | str | bytes | bytearray) -> Any:
    """Convert a value of a subclass to the class itself, whatever conversions the subclass defines."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(memoryview(value))
    if type(value) is int:
        raise OverflowError(f"the int {value} does not fit into 64 bits")
    return int.__int__(value)
