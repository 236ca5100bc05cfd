"""Models that validate input: what pydantic validates and msgspec Structs; reported errors are bounded."""

from __future__ import annotations

import abc
import json
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Final, NoReturn, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaError, SchemaValidator

from ..errors import ArgumentError, HTTPError
from .body import not_json
from .printable import printable
from .pydantic_plugins import load_pydantic_plugins
from .repeated_names import RepeatedNames, names_of_schema, names_of_struct

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


def validate(model: Any, value: Any, size: int) -> Any:
    """Return a value as a model.

    Input of more than `SMALL` bytes is checked up to the first bad item of each list, set, tuple or dict, since an error
    takes hundreds of bytes where the item took one.

    Args:
        model: anything that pydantic validates, or a msgspec Struct.
        value: what was decoded.
        size: bytes of the input.

    Raises:
        ValueError: the value does not fit; it is the ValidationError of pydantic or of msgspec.
        ArgumentError: nothing can be validated with the model.
    """
    return validator_of(model).validate(value, size)


def fit(model: Any, value: Any, size: int) -> Any:
    """Return a decoded value as a model, as `validate` does.

    Raises:
        HTTPError: 422, it does not fit.
    """
    return validator_of(model).fit(value, size)


def fit_json(model: Any, data: bytes) -> Any:
    """Return JSON as a model.

    Raises:
        HTTPError: 400, it is not JSON; 422, it does not fit.
    """
    return validator_of(model).fit_json(data)


def fit_texts(model: Any, values: Mapping[str, Sequence[Any]], size: int) -> Any:
    """Return the values of a query, of a route's parameters or of a form as a model.

    Text is converted to what the model asks for, in strict models too. A name whose type is a list, set or tuple gets
    all of its values, any other one the last.

    Raises:
        HTTPError: 422, they do not fit.
    """
    return validator_of(model).fit_texts(values, size)


def validator_of(model: Any) -> Validator:
    """Return the validator of a model, made once.

    Raises:
        ArgumentError: nothing can be validated with the model.
    """
    return _validator_of(_Key(model))


class Validator(abc.ABC):
    """Validates with one model, and turns what does not fit into the answer to it."""

    def fit(self, value: Any, size: int) -> Any:
        """Return a decoded value as the model; see `fit`."""
        try:
            return self.validate(value, size)
        except ValueError as error:
            raise mismatch(error) from None

    def fit_json(self, data: bytes) -> Any:
        """Return JSON as the model; see `fit_json`."""
        if b"NaN" in data or b"Infinity" in data:
            _check_constants(data)
        try:
            return self.validate_json(data)
        except RecursionError:
            raise not_json("it is nested too deep") from None
        except ValueError as error:
            raise mismatch(error) from None

    def fit_texts(self, values: Mapping[str, Sequence[Any]], size: int) -> Any:
        """Return texts by their names as the model; see `fit_texts`."""
        try:
            return self.validate_texts(self.names.collect(values), size)
        except ValueError as error:
            raise mismatch(error) from None

    @abc.abstractmethod
    def validate(self, value: Any, size: int) -> Any:
        """Return a decoded value as the model."""

    @abc.abstractmethod
    def validate_json(self, data: bytes) -> Any:
        """Return JSON as the model."""

    @abc.abstractmethod
    def validate_texts(self, values: dict[str, Any], size: int) -> Any:
        """Return texts by their names as the model."""

    @property
    @abc.abstractmethod
    def names(self) -> RepeatedNames:
        """Return which names take several values."""


class PydanticValidator(Validator):
    """Validates with pydantic."""

    def __init__(self, model: Any) -> None:
        load_pydantic_plugins()
        self._adapter = TypeAdapter(model)
        if not self._adapter.pydantic_complete:
            self._adapter.rebuild()

    def validate(self, value: Any, size: int) -> Any:
        """Return a decoded value as the model."""
        return self._for(size).validate_python(value)

    def validate_json(self, data: bytes) -> Any:
        """Return JSON as the model."""
        try:
            return self._for(len(data)).validate_json(data)
        except ValidationError as error:
            if error.error_count() == 1:
                (only,) = error.errors(include_url=False, include_context=False, include_input=False)
                if only["type"] == "json_invalid" and not only["loc"]:
                    raise not_json(only["msg"].removeprefix("Invalid JSON: ")) from None
            raise

    def validate_texts(self, values: dict[str, Any], size: int) -> Any:
        """Return texts by their names as the model."""
        return self._for(size).validate_python(values, strict=False)

    @cached_property
    def names(self) -> RepeatedNames:
        """Return which names take several values."""
        return names_of_schema(self._adapter.core_schema)

    def _for(self, size: int) -> Any:
        return self._first_error if size > SMALL else self._adapter.validator

    @cached_property
    def _first_error(self) -> Any:
        try:
            # Not prebuilt: a model inside would bring its own validator, which collects all errors.
            return SchemaValidator(_failing_fast(self._adapter.core_schema), _use_prebuilt=False)
        except (TypeError, SchemaError):  # the model's own schema can't be built this way
            return self._adapter.validator


class StructValidator(Validator):
    """Validates with msgspec, which stops at the first error."""

    def __init__(self, model: Any) -> None:
        import msgspec

        self._model = model
        self._misfit = msgspec.ValidationError
        self._convert = msgspec.convert
        self._decode = msgspec.json.Decoder(model).decode
        self._check_syntax = msgspec.json.Decoder(msgspec.Raw).decode

    def validate(self, value: Any, _size: int) -> Any:
        """Return a decoded value as the model."""
        return self._convert(value, self._model)

    def validate_json(self, data: bytes) -> Any:
        """Return JSON as the model; it stops at what does not fit, so that what comes behind is looked at too."""
        try:
            try:
                return self._decode(data)
            except self._misfit:
                self._check_syntax(data)
                raise
        except self._misfit:
            raise
        except ValueError as error:
            raise not_json(str(error)) from None

    def validate_texts(self, values: dict[str, Any], _size: int) -> Any:
        """Return texts by their names as the model."""
        return self._convert(values, self._model, strict=False, dec_hook=_instance)

    @cached_property
    def names(self) -> RepeatedNames:
        """Return which names take several values."""
        return names_of_struct(self._model)


class _Key:
    """A model as a key: alike are those that are equal and read the same, since `int | str` equals `str | int`."""

    __slots__ = ("_text", "model")

    def __init__(self, model: Any) -> None:
        self.model = model
        self._text = "" if issubclass(type(model), type) else repr(model)

    def __hash__(self) -> int:
        return hash(self._text) if self._text else id(self.model)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Key):
            return NotImplemented
        if self.model is other.model:
            return True
        return bool(self._text) and self._text == other._text and bool(self.model == other.model)


@lru_cache(maxsize=512)
def _validator_of(key: _Key) -> Validator:
    try:
        return StructValidator(key.model) if has_struct(key.model) else PydanticValidator(key.model)
    except Exception as error:  # pydantic, msgspec and the model's own code raise whatever they like
        name = getattr(key.model, "__qualname__", None) or repr(key.model)
        raise ArgumentError(
            f"the model {printable(name, _TEXT)}",
            "can't validate input",
            str(error),
            "Give what pydantic validates (a BaseModel, a dataclass, a TypedDict, list[int]) or a msgspec Struct",
        ) from error


def has_struct(model: Any) -> bool:
    """Whether a model is a msgspec Struct, or holds one."""
    return hasattr(get_origin(model) or model, "__struct_config__") or any(map(has_struct, get_args(model)))


def _instance(kind: type, value: Any) -> Any:
    if isinstance(value, kind):
        return value
    raise ValueError(f"Expected `{kind.__name__}`")


def _failing_fast(schema: Any) -> Any:
    if isinstance(schema, (list, tuple)):
        return type(schema)(map(_failing_fast, schema))
    if not isinstance(schema, dict):
        return schema
    copy = {key: value if key in _NO_SCHEMA else _failing_fast(value) for key, value in schema.items()}
    if copy.get("type") in _COLLECTIONS:
        copy["fail_fast"] = True
    return copy


def _check_constants(data: bytes) -> None:
    """Refuse NaN and Infinity, which pydantic takes for numbers (RFC 8259, 6)."""
    try:
        json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # the reader that comes next says what is wrong
        return


def _refuse_constant(name: str) -> NoReturn:
    raise not_json(f"{name} is not a number")


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
