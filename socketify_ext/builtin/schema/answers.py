"""What a route answers: objects are checked against the model of their status, and nothing else of them is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from ...errors import AnswerError
from ...sdk.model import has_struct, mismatch
from ...sdk.to_builtins import to_builtins

Encode = Callable[[Any], bytes]

OK: Final = 200


class Answers:
    """The models of a route's answers, by status.

    Args:
        route: the route, for errors.
        models: the model of each status; None where an answer has no object.
    """

    def __init__(self, route: str, models: Mapping[int, Any]) -> None:
        self._route = route
        self._encoders = {status: encoder_of(model) for status, model in models.items() if model is not None}

    def encode(self, value: Any, status: int) -> bytes:
        """Return an object as JSON, with what the model of its status has and nothing else.

        Raises:
            AnswerError: it does not fit, or its status has no model.
        """
        encode = self._encoders.get(status)
        if encode is None:
            declared = ", ".join(map(str, self._encoders)) or "none"
            raise self._error(
                status, f"its returns= has models for {declared}", f"Add {status}: Model, or raise HTTPError({status})"
            )
        try:
            return encode(value)
        except (ValidationError, PydanticSerializationError) as error:
            why = _reason(error)
        except _MisfitError as error:
            why = str(error)
        # Raised here, without a context: that of pydantic quotes the values.
        raise self._error(status, why, f"Answer with what returns= says of {status}, or change the model")

    def _error(self, status: int, why: str, fix: str) -> AnswerError:
        return AnswerError(
            self._route, f"answers {status} with an object that its returns= does not allow", why, fix, status=status
        )


class _MisfitError(Exception):
    """A Struct's reason against a value."""


def encoder_of(model: Any) -> Encode:
    """Make the function that checks a value against a model and returns it as JSON."""
    return _struct_encoder(model) if has_struct(model) else _pydantic_encoder(model)


def _pydantic_encoder(model: Any) -> Encode:
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    if not adapter.pydantic_complete:
        adapter.rebuild()
    validate, write = adapter.validate_python, adapter.serializer.to_json

    def encode(value: Any) -> bytes:
        if type(value) is not model:  # one of the model itself was validated when it was made
            value = validate(value, from_attributes=True, by_alias=True, by_name=True)
        data: bytes = write(value, by_alias=True, warnings="error")
        return data

    return encode


def _struct_encoder(model: Any) -> Encode:
    import msgspec

    write = msgspec.json.Encoder(enc_hook=to_builtins).encode

    def encode(value: Any) -> bytes:
        try:
            # Through plain values: a subclass of a Struct would be sent with what it adds.
            return write(msgspec.convert(msgspec.to_builtins(value, enc_hook=to_builtins), model))
        except msgspec.ValidationError as error:
            reason = str(error)
        except TypeError as error:
            reason = str(error).partition(":")[0]  # without the value
        raise _MisfitError(reason)

    return encode


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):  # an object that was made without validation; the text quotes its values
        fields = dict.fromkeys(re.findall(r"field_name='(\w+)'", str(error)))
        return f"{', '.join(fields) or 'a value in it'} has another type than the model says"
    details: Any = mismatch(error).detail
    return "; ".join(": ".join(filter(None, (".".join(map(str, each["loc"])), each["msg"]))) for each in details)
