"""`msgpack`: answer with MessagePack."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgpack as codec
from pydantic import BaseModel, Field

from ..declaration import extension
from ..surface import Surface

CONTENT_TYPE: Final = "application/msgpack"


class Options(BaseModel):
    """Options of `msgpack`."""

    content_type: str = Field(CONTENT_TYPE, description="the Content-Type of answers")


def encode_other(value: Any) -> Any:
    """Encode what MessagePack has no type for.

    An aware datetime becomes the Timestamp extension, which the packer does itself; a naive one is ISO 8601 text,
    since it is no point in time. Dates, times, Decimal and UUID become text, a timedelta its seconds, an enum its
    value, a set a list, a dataclass and a pydantic model a map.

    Raises:
        TypeError: the value has another type.
    """
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
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
    raise TypeError(f"msgpack can't encode a {type(value).__name__}: {value!r}")


@extension("msgpack", options=Options)
def msgpack(request: Surface, response: Surface, ws: Surface, *, options: Options) -> None:
    """Answer with MessagePack: `res.msgpack(value)`, datetimes included."""
    content_type = options.content_type.encode()
    pack = codec.Packer(default=encode_other, datetime=True, autoreset=True).pack

    @response.method
    def msgpack(self: Any, value: Any, status: int = 200) -> Any:
        """Answer with `value` as MessagePack; a value that can't be encoded raises TypeError, and nothing is written."""
        data = pack(value)
        if status != 200:
            self.write_status(status)
        return self.write_header(b"Content-Type", content_type).end(data)
