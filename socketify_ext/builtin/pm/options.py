"""The options of `pm`."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

INBOXES: Final = ("memory://", "sqlite:///", "redis://", "rediss://", "unix://")


class Options(BaseModel):
    """Options of `pm`."""

    model_config = ConfigDict(frozen=True)

    inbox: str | None = Field(
        None,
        description='keeps messages until they are acknowledged: "memory://", "sqlite:///path" or "redis://..."',
        repr=False,
    )
    inbox_size: int = Field(1000, gt=0, description="messages that wait for one user at most")
    allow: Callable[[str, str], Any] | None = Field(None, description="allow(sender, to): whether a message may go")
    max_size: int = Field(16 * 1024, gt=0, description="bytes that a message may have as JSON")
    rate: str | None = Field(None, description='how often one user may send, as in "10/second; 200/minute" (limits)')

    @field_validator("inbox")
    @classmethod
    def _known(cls, inbox: str | None) -> str | None:
        if inbox is not None and not inbox.startswith(INBOXES):
            raise PydanticCustomError("inbox", 'give "memory://", "sqlite:///path" or "redis://host:port/0"')
        if inbox == "sqlite:///":
            raise PydanticCustomError("inbox", 'give a path, as in "sqlite:///pm.db" or "sqlite:////var/lib/pm.db"')
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
    def _readable(cls, rate: str | None) -> str | None:
        if rate is None:
            return None
        with contextlib.suppress(ImportError):  # the extension says what to install
            from limits import parse_many

            try:
                parse_many(rate)
            except ValueError:
                raise PydanticCustomError("rate", 'write it as "10/second" or "10/second; 200/minute"') from None
        return rate
