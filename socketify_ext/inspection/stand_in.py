"""Stand-ins for options that must be given and are not, so that an extension can be described without them."""

from __future__ import annotations

import collections.abc
import enum
import inspect
import types
import typing
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_TEXT: Final = "stand-in-for-an-option-that-must-be-given"  # longer than 32 bytes, as secrets have to be
# The first that an option takes stands in for it.
_VALUES: Final[tuple[Any, ...]] = (
    _TEXT,
    1,
    "https://example.invalid/",
    "somebody@example.invalid",
    "127.0.0.1",
    "00000000-0000-4000-8000-000000000000",
    (),
    {},
    (_TEXT,),
    (1,),
    {_TEXT: _TEXT},
)


def completed(model: type[BaseModel], options: Mapping[str, Any]) -> BaseModel:
    """Return an instance of a model with the given options, and stand-ins for those that are required and missing.

    It is not validated where the stand-ins do not pass: the given options are, one by one.
    """
    values = {**_stand_ins(model, options), **options}
    try:
        return model.model_validate(values)
    except Exception:  # the stand-ins do not pass a validator, which may raise anything
        fields = {info.alias or name: info for name, info in model.model_fields.items()}
        return model.model_construct(
            **{name: _validated(fields[name], value) if name in fields else value for name, value in values.items()}
        )


def _stand_ins(model: type[BaseModel], options: Mapping[str, Any]) -> dict[str, Any]:
    missing = [(name, info) for name, info in model.model_fields.items() if info.is_required()]
    return {
        info.alias or name: stand_in(_full(info))
        for name, info in missing
        if not {name, info.alias}.intersection(options)
    }


def _full(info: FieldInfo) -> Any:
    """Return a field's annotation with its constraints."""
    annotation: Any = info.annotation
    for each in info.metadata:
        annotation = Annotated[annotation, each]
    return annotation


def _validated(info: FieldInfo, value: Any) -> Any:
    try:
        return _adapter(_full(info)).validate_python(value)
    except Exception:  # the model has refused it as a whole already
        return value


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation)
    except PydanticUserError:  # any class: pydantic knows none of its fields, and checks isinstance
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))


def stand_in(annotation: Any) -> Any:
    """Return a value for an annotation, None where none can be thought of."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return stand_in(next((each for each in arguments if each is not type(None)), type(None)))
    kind = arguments[0] if origin is Annotated else annotation
    if origin is typing.Literal:
        return arguments[0]
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return next(iter(kind), None)
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return completed(kind, {})
    if kind in (collections.abc.Callable, typing.Callable) or typing.get_origin(kind) is collections.abc.Callable:
        return _nothing
    for value in _VALUES:
        try:
            return _adapter(annotation).validate_python(value)
        except Exception:  # noqa: S112 - the annotation does not take this one; its validators may raise anything
            continue
    try:
        return kind()
    except Exception:  # any class
        return None


def plain_stand_ins(model: type[BaseModel], names: Iterable[str]) -> dict[str, Any]:
    """Return stand-ins for options as JSON has them, of those that one can be thought of for."""
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    found = {name: _plain_stand_in(_full(fields[name])) for name in names if name in fields}
    return {name: value for name, value in found.items() if value is not None}


def _plain_stand_in(annotation: Any) -> Any:
    made = stand_in(annotation)
    made = made.value if isinstance(made, enum.Enum) else made
    for value in (*_VALUES, *([made] if isinstance(made, str) else [])):
        plain = list(value) if isinstance(value, tuple) else value
        try:
            _adapter(annotation).validate_python(plain)
        except Exception:  # noqa: S112 - as in stand_in
            continue
        return plain
    return None


def _nothing(*_arguments: Any, **_options: Any) -> None:
    """Stand in for a function."""
