"""The options of `msgpack`."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

CONTENT_TYPE: Final = "application/msgpack"  # registered with IANA
NAMES: Final = (CONTENT_TYPE, "application/x-msgpack", "application/vnd.msgpack")
MEDIA_TYPE: Final = r"^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$"  # RFC 6838, 4.2; no parameters


class Options(BaseModel):
    """Options of `msgpack`."""

    model_config = ConfigDict(frozen=True)

    content_type: str = Field(CONTENT_TYPE, pattern=MEDIA_TYPE, description="the Content-Type of answers, lower case")
    max_size: int | None = Field(
        None,
        ge=1,
        description="bytes of a body or a message that is decoded, at most; by default what the route or the app allows, "
        "and 1 MiB of a message",
    )
    max_depth: int = Field(100, ge=1, le=512, description="arrays and maps within each other, at most, when decoding")
    fast: bool = Field(True, description="let msgspec encode where it is installed; it can't send a msgpack.ExtType")
