"""Models that a decoded value must fit: whatever pydantic validates, and msgspec Structs."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from ...http_error import HTTPError

T = TypeVar("T")


def make_validate() -> Callable[[type[T], Any], T]:
    """Make a function that gives `value` as a `model`, and raises ValueError with details where it does not fit."""
    adapter_of = lru_cache(maxsize=256)(TypeAdapter)

    def validate(model: type[T], value: Any) -> T:
        if isinstance(model, type) and issubclass(model, BaseModel):
            return model.model_validate(value)
        if hasattr(model, "__struct_config__"):
            import msgspec

            return msgspec.convert(value, model)
        adapter: Any = adapter_of(model)
        found: T = adapter.validate_python(value)
        return found

    return validate


def mismatch(error: ValueError) -> HTTPError:
    """Make 422 of a model's error: pydantic's details, each with `type`, `loc` and `msg`."""
    if isinstance(error, ValidationError):
        return HTTPError(422, error.errors(include_url=False, include_context=False, include_input=False))
    return HTTPError(422, [{"type": "model", "loc": [], "msg": str(error)}])
