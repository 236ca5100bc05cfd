from __future__ import annotations

import datetime
import enum
import re
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AnyUrl, BaseModel, Field, SecretStr, TypeAdapter, field_validator

from socketify_ext.inspection.stand_in import completed, stand_in


class Colour(enum.Enum):
    RED = "red"


class Inner(BaseModel):
    key: str
    size: int = Field(ge=100)


class Refusing(BaseModel):
    name: str = Field(alias="called")
    limit: int = 3
    inner: Inner

    @field_validator("name")
    @classmethod
    def refuse(cls, value):
        raise ValueError("never")


@pytest.mark.parametrize(
    "annotation",
    [
        str,
        Annotated[str, Field(min_length=16)],
        int,
        float,
        bool,
        bytes,
        Path,
        list[str],
        Annotated[list[str], Field(min_length=1)],
        tuple[str, ...],
        set[int],
        dict[str, int],
        Annotated[dict[str, str], Field(min_length=1)],
        Mapping[str, Any],
        str | None,
        None | int,
        Literal["a", "b"],
        Colour,
        datetime.datetime,
        datetime.timedelta,
        uuid.UUID,
        re.Pattern[str],
        AnyUrl,
        SecretStr,
        Callable[..., int],
    ],
    ids=str,
)
def test_a_stand_in_is_of_the_type_and_not_none(annotation):
    value = stand_in(annotation)
    assert value is not None
    TypeAdapter(annotation).validate_python(value)


def test_a_function_stands_in_for_a_function():
    assert stand_in(Callable)(1, a=2) is None


@pytest.mark.parametrize("annotation", [type(None), Annotated[int, Field(gt=10**9)]])
def test_where_there_is_none_it_is_nothing(annotation):
    assert not stand_in(annotation)


def test_a_model_is_completed_with_what_was_given():
    made = completed(Inner, {"size": 200})
    assert (made.size, bool(made.key)) == (200, True)


def test_a_model_that_refuses_stand_ins_is_made_unvalidated_with_the_given_options_validated():
    made = completed(Refusing, {"limit": "7"})
    assert (made.limit, bool(made.name)) == (7, True)
    assert isinstance(made.inner, Inner)
