"""`msgpack`: answer with MessagePack."""

from __future__ import annotations

from typing import Any, Final

import msgpack as codec
from pydantic import BaseModel, Field

from ..declaration import extension
from ..surface import Surface
from .plain import plain

CONTENT_TYPE: Final = "application/msgpack"


class Options(BaseModel):
    """Options of `msgpack`."""

    content_type: str = Field(CONTENT_TYPE, description="the Content-Type of answers")


@extension("msgpack", options=Options)
def msgpack(request: Surface, response: Surface, ws: Surface, *, options: Options) -> None:
    """Answer with MessagePack: `res.msgpack(value)`, datetimes included."""
    content_type = options.content_type.encode()
    pack = codec.Packer(default=plain, datetime=True, autoreset=True).pack

    @response.method
    def msgpack(self: Any, value: Any, status: int = 200) -> Any:
        """Answer with `value` as MessagePack; a value that can't be encoded raises TypeError, and nothing is written."""
        data = pack(value)
        if status != 200:
            self.write_status(status)
        return self.write_header(b"Content-Type", content_type).end(data)
