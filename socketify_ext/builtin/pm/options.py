"""The options of `pm`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from ...stores.url import parse_url
from .rate import parse_rate

SCHEMES: Final = ("memory", "sqlite", "redis", "rediss", "unix")


class Options(BaseModel):
    """Options of `pm`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    inbox: str | None = Field(
        None,
        description='keeps messages until they are acknowledged: "memory://", "sqlite:///path" or "redis://..."',
        repr=False,
    )
    inbox_size: int = Field(1000, gt=0, description="messages that wait for one user at most")
    inbox_bytes: int = Field(
        16 * 1024 * 1024, gt=0, description='bytes that all messages in "memory://", or on their way to another, take'
    )
    inbox_expire: int = Field(
        30 * 24 * 3600,
        gt=0,
        le=10 * 365 * 24 * 3600,
        description="seconds after which a message that nobody reads goes",
    )
    prefix: str = Field("pm", min_length=1, max_length=64, description="what the names of all keys in Redis begin with")
    allow: Callable[[str, str], Any] | None = Field(None, description="allow(sender, to): whether a message may go")
    max_size: int = Field(16 * 1024, gt=0, description="bytes that a message may have as JSON")
    rate: str = Field("1000/minute", description='how often one user may send, as in "10/second"')

    @field_validator("inbox")
    @classmethod
    def _known(cls, inbox: str | None) -> str | None:
        if inbox is not None:
            parse_url(inbox, SCHEMES)
        return inbox

    @field_validator("allow")
    @classmethod
    def _plain(cls, allow: Callable[[str, str], Any] | None) -> Callable[[str, str], Any] | None:
        if inspect.iscoroutinefunction(allow):
            raise PydanticCustomError(
                "allow", "allow(sender, to) is asked at once: give a plain function, no async def"
            )
        return allow

    @field_validator("rate")
    @classmethod
    def _readable(cls, rate: str) -> str:
        try:
            parse_rate(rate)
        except ValueError:
            raise PydanticCustomError("rate", 'write it as "10/second" or "10/second; 200/minute"') from None
        return rate
