"""Options of `inspector`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Options(BaseModel):
    """Options of `inspector`: by default it answers this machine alone."""

    model_config = ConfigDict(frozen=True)

    path: str = Field("/_extensions", description="where the page is; its parts are below")
    allow: Callable[[Any], bool | Awaitable[bool]] | None = Field(
        None,
        description="admits a request from elsewhere, as in allow=is_admin with `def is_admin(req)`, sync or async",
    )

    @field_validator("path")
    @classmethod
    def _is_plain(cls, path: str) -> str:
        parts = path.split("/")
        if parts[0] or len(parts) < 2 or not all(parts[1:]) or any(part[0] in ":*" for part in parts[1:]):
            raise ValueError("write whole segments without parameters, as in /_extensions")
        return path
