"""The options of `compress`."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt
from pydantic_core import PydanticCustomError

Coding: TypeAlias = Literal["zstd", "br", "gzip"]

_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")


def _rejection(problem: str) -> PydanticCustomError:
    return PydanticCustomError("compress", "{problem}", {"problem": problem})


def _codings(value: tuple[Coding, ...]) -> tuple[Coding, ...]:
    if value and len(set(value)) == len(value):
        return value
    raise _rejection('give each coding once, and one at least, as in codings=["zstd", "gzip"]')


def _media_type(value: str) -> str:
    if _MEDIA_TYPE.fullmatch(value):
        return value
    raise _rejection(f'{value!r} is not a media type; write it in lower case without parameters, as "font/ttf"')


class Options(BaseModel):
    """Options of `compress`: what is compressed, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codings: Annotated[tuple[Coding, ...], AfterValidator(_codings)] = Field(
        ("zstd", "br", "gzip"), description="in the order in which they are taken where a client likes several as well"
    )
    min_size: NonNegativeInt = Field(1024, description="bytes of a whole body that are worth it")
    content_types: tuple[Annotated[str, AfterValidator(_media_type)], ...] = Field(
        (), description="media types beside text, JSON, XML and the like that shrink"
    )
    zstd_level: int = Field(3, ge=1, le=19, description="effort for zstd; beyond 19 browsers can't read the result")
    br_level: int = Field(4, ge=0, le=11, description="effort for brotli; from 10 on it is for files alone")
    gzip_level: int = Field(6, ge=1, le=9, description="effort for gzip")
    offload: PositiveInt = Field(
        128 * 1024, description="bytes of a whole body from which on a thread compresses it, so that others are served"
    )
