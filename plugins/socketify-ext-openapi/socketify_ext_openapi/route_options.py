"""The route options that describe an operation; they do nothing to its requests."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

Status = Annotated[int, Field(ge=100, le=599)]

ROUTE_OPTIONS: Final[dict[str, Any]] = {
    "tags": list[str],
    "summary": str,
    "description": str,
    "deprecated": bool,
    "operation_id": Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")],
    "examples": dict[Literal["body"] | Status, dict[str, Any]],
    "responses": dict[Status, str],
    "hidden": bool,
}
