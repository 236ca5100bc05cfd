"""`json`: JSON by msgspec, several times as fast as the standard module."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Callable
from json import JSONEncoder
from typing import Any

from .. import errors
from ..sdk.app_surface import AppSurface
from ..sdk.declaration import extension
from ..sdk.surface import Surface
from .to_builtins import to_builtins


class MsgspecSerializer:
    """What `app.json_serializer` takes, on msgspec.

    Raises:
        MissingExtraError: msgspec is not installed.
    """

    def __init__(self) -> None:
        errors.require_extra("msgspec", "fast", "extension 'json'")
        import msgspec

        self.dumps = self.dump_bytes = msgspec.json.Encoder(enc_hook=to_builtins).encode
        self.loads = msgspec.json.Decoder().decode


def make_dump() -> Callable[[Any], bytes]:
    """Make a function that writes JSON: by msgspec where it is installed, else the same types by the standard module.

    The function raises TypeError for what has no plain value, and ValueError for what JSON can't say.
    """
    try:
        return MsgspecSerializer().dump_bytes
    except errors.MissingExtraError:
        encode = JSONEncoder(default=_to_json, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
        return lambda value: encode(value).encode()


def _to_json(value: Any) -> Any:
    """Convert a value that the standard module has no type for, as msgspec does."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    found = to_builtins(value)
    if isinstance(found, datetime.datetime):
        text = found.isoformat()
        return f"{text[:-6]}Z" if text.endswith("+00:00") else text
    return found


@extension("json")
def json(request: Surface, response: Surface, ws: Surface, *, app: AppSurface) -> None:
    """Answer and parse JSON with msgspec: datetimes, UUID, Decimal, dataclasses, enums and pydantic models included."""
    app.json_serializer(MsgspecSerializer())
