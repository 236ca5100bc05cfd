"""Models that validate input: pydantic's types and msgspec Structs; reported errors are bounded."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaError, SchemaValidator

from ..errors import HTTPError
from .printable import printable

Validate = Callable[[Any, Any, int], Any]

SMALL: Final = 4096  # bytes of input up to which all errors are collected
_COLLECTED: Final = 1000  # errors that are made into dicts, at most: pydantic makes all or none
_LISTED: Final = 20
_LISTED_BYTES: Final = 8192
_TEXT: Final = 200  # characters of a message
_LOCATION: Final = 12  # steps of a location
_STEP: Final = 64  # characters of a step
# Collections that pydantic can leave at their first bad item, and the keys of a schema that hold other things.
_COLLECTIONS: Final = frozenset(("list", "set", "frozenset", "tuple", "dict"))
_NO_SCHEMA: Final = frozenset(("default", "expected", "metadata", "serialization", "config", "cls"))


def make_validate() -> Validate:
    """Make a function that returns a value as a model: `validate(model, value, size)`, `size` in bytes of the input.

    It raises ValueError if the value does not fit: the ValidationError of pydantic or of msgspec. Input of more
    than `SMALL` bytes is checked up to the first bad item of each list, set, tuple or dict, since an error takes
    hundreds of bytes where the item took one.
    """

    @lru_cache(maxsize=256)
    def adapter_of(model: Any) -> TypeAdapter[Any]:
        return TypeAdapter(model)

    @lru_cache(maxsize=256)
    def first_error_of(model: Any) -> Callable[[Any], Any]:
        adapter = adapter_of(model)
        try:
            # Not prebuilt: a model inside would bring its own validator, which collects all errors.
            return SchemaValidator(_failing_fast(adapter.core_schema), _use_prebuilt=False).validate_python
        except (TypeError, SchemaError):  # the model's own schema can't be built this way
            return adapter.validate_python

    def validate(model: Any, value: Any, size: int) -> Any:
        if hasattr(model, "__struct_config__"):
            import msgspec

            return msgspec.convert(value, model)
        if size > SMALL:
            return first_error_of(model)(value)
        return adapter_of(model).validate_python(value)

    return validate


def _failing_fast(schema: Any) -> Any:
    if isinstance(schema, (list, tuple)):
        return type(schema)(map(_failing_fast, schema))
    if not isinstance(schema, dict):
        return schema
    copy = {key: value if key in _NO_SCHEMA else _failing_fast(value) for key, value in schema.items()}
    if copy.get("type") in _COLLECTIONS:
        copy["fail_fast"] = True
    return copy


def mismatch(error: ValueError) -> HTTPError:
    """Turn an error of `validate` into a 422: details with `type`, `loc` and `msg`, bounded in number and bytes.

    If some are left out, the last one has the type `more_errors`.
    """
    if not isinstance(error, ValidationError):
        return HTTPError(422, [{"type": "struct", "loc": [], "msg": printable(str(error), _TEXT)}])
    count = error.error_count()
    found = error.errors(include_url=False, include_context=False, include_input=False) if count <= _COLLECTED else []
    listed: list[dict[str, Any]] = []
    size = 0
    for each in found[:_LISTED]:
        detail = {"type": each["type"], "loc": _location(each["loc"]), "msg": printable(each["msg"], _TEXT)}
        size += len(json.dumps(detail))
        if size > _LISTED_BYTES:
            break
        listed.append(detail)
    if count > len(listed):
        listed.append({"type": "more_errors", "loc": [], "msg": f"{count - len(listed)} more errors are left out"})
    return HTTPError(422, listed)


def _location(steps: tuple[int | str, ...]) -> list[int | str]:
    shown = [printable(step, _STEP) if isinstance(step, str) else step for step in steps[:_LOCATION]]
    return [*shown, "..."] if len(steps) > _LOCATION else shown
