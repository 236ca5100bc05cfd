"""The options of `request-id`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

FieldName: TypeAlias = Literal[
    "request_id", "method", "path", "query", "route", "status", "duration_ms", "aborted", "address", "host",
    "user_agent", "referer",
]  # fmt: skip

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2


def _rejection(problem: str) -> PydanticCustomError:
    return PydanticCustomError("request_id", "{problem}", {"problem": problem})


class Options(BaseModel):
    """Options of `request-id`: where ids come from, and what is logged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    header: str = Field("X-Request-ID", description="the header that carries the id, in answers too")
    accept: bool = Field(
        default=False, description="whether an id that comes with a request is taken; for a proxy of yours that sets it"
    )
    generate: Callable[[], str] | None = Field(
        None, description="makes an id; by default 128 random bits in hexadecimal"
    )
    access_log: Literal["logging", "structlog"] | None = Field(
        "logging", description="what writes a line for each request; None writes none"
    )
    logger: str = Field("socketify_ext.access", min_length=1, description="name of the access log's logger")
    fields: tuple[FieldName, ...] = Field(
        ("request_id", "method", "path", "route", "status", "duration_ms", "aborted"),
        description="what a line has; query, address, user_agent, host and referer may be personal",
    )
    quiet: tuple[str, ...] = Field(
        ("/livez", "/readyz", "/metrics"), description="patterns of routes whose requests are not logged"
    )

    @field_validator("header")
    @classmethod
    def _check_header(cls, value: str) -> str:
        if _TOKEN.fullmatch(value):
            return value
        raise _rejection(f"{value!r} is not a header name")

    @field_validator("fields")
    @classmethod
    def _check_fields(cls, value: tuple[FieldName, ...]) -> tuple[FieldName, ...]:
        if value and len(set(value)) == len(value):
            return value
        raise _rejection("name each field once, and one at least; access_log=None writes no lines")
