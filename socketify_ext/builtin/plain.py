"""Plain values for what JSON and MessagePack have no type for, the same for both."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import BaseModel


def plain(value: Any) -> Any:
    """Give the plain value that stands for `value`.

    A datetime, date or time becomes ISO 8601 text, a timedelta an ISO 8601 duration, Decimal and UUID text, an enum
    its value, a set a list, a dataclass and a pydantic model a map. (An aware datetime never comes here from
    MessagePack, which has a type for points in time.)

    Raises:
        TypeError: the value has another type.
    """
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return duration(value)
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, AbstractSet):
        return list(value)
    if isinstance(value, BaseModel):
        return value.model_dump()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"a {type(value).__name__} can't be sent: {value!r}")


def duration(value: datetime.timedelta) -> str:
    """Write an ISO 8601 duration in days and seconds, as in "P1DT2.5S"."""
    sign, value = ("-", -value) if value < datetime.timedelta(0) else ("", value)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    days = f"{value.days}D" if value.days else ""
    seconds = f"T{value.seconds}{fraction}S" if value.seconds or fraction else ""
    return f"{sign}P{days}{seconds}" if days or seconds else "P0D"
