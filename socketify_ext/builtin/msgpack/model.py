"""Models that a decoded value must fit: whatever pydantic validates, and msgspec Structs."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ...http_error import HTTPError

Validate = Callable[[Any, Any], Any]


def make_validate() -> Validate:
    """Make a function that gives a value as a model: `validate(model, value)`.

    It raises ValueError where the value does not fit: the ValidationError of pydantic or of msgspec.
    """

    @lru_cache(maxsize=256)
    def adapter_of(model: Any) -> TypeAdapter[Any]:
        return TypeAdapter(model)

    def validate(model: Any, value: Any) -> Any:
        if hasattr(model, "__struct_config__"):
            import msgspec

            return msgspec.convert(value, model)
        return adapter_of(model).validate_python(value)

    return validate


def mismatch(error: ValueError) -> HTTPError:
    """Make 422 of what `validate` has raised: pydantic's details, each with `type`, `loc` and `msg`."""
    if isinstance(error, ValidationError):
        return HTTPError(422, error.errors(include_url=False, include_context=False, include_input=False))
    return HTTPError(422, [{"type": "struct", "loc": [], "msg": str(error)}])
