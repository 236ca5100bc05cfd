"""Names of a model that take several values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
import pytest
from pydantic import AfterValidator, AliasChoices, AliasPath, BaseModel, Field, RootModel, TypeAdapter
from typing_extensions import TypedDict

from socketify_ext.sdk.repeated_names import RepeatedNames, names_of_schema, names_of_struct


class Inner(BaseModel):
    values: list[int] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    toys: list[str]


class Dog(BaseModel):
    kind: Literal["dog"]
    bones: tuple[int, ...]


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


class Many(BaseModel):
    a: list[int]
    b: set[str] = set()
    c: tuple[int, int] = (1, 2)
    d: frozenset[int] | None = None
    e: Sequence[int] = ()
    f: int | list[int] = 0
    g: Annotated[list[int], AfterValidator(lambda value: value), Field(max_length=3)] = []
    h: list[int] = Field([], validation_alias=AliasChoices("eight", AliasPath("path", 0)))
    x: int = 0
    y: str | None = None
    z: Inner = Inner()
    w: dict[str, list[int]] = {}


class Typed(TypedDict, total=False):
    a: list[int]
    x: int


@dataclasses.dataclass
class Data:
    x: int
    a: list[int] = dataclasses.field(default_factory=list)


class Struct(msgspec.Struct, rename="camel"):
    x_y: int
    a_b: list[int] | None = None


@pytest.mark.parametrize(
    ("model", "several", "one"),
    [
        (Many, {*"abcdefgh", "eight", "path"}, set("xyzw")),
        (Typed, {"a"}, {"x"}),
        (Data, {"a"}, {"x"}),
        (Cat | Dog, {"toys", "bones"}, {"kind"}),
        (Annotated[Cat | Dog, Field(discriminator="kind")], {"toys", "bones"}, {"kind"}),
        (Typed | None, {"a"}, {"x"}),
        (Tree, {"children"}, {"name"}),
        (list[int], set(), set()),
        (int, set(), set()),
    ],
)
def test_names_whose_type_is_a_collection_take_several(model, several, one):
    names = names_of_schema(TypeAdapter(model).core_schema)
    assert (names.several, names.one, names.others) == (several, one, None)


@pytest.mark.parametrize(
    ("model", "others"), [(dict[str, str], False), (dict[str, list[str]], True), (RootModel[dict[str, set[int]]], True)]
)
def test_the_values_of_a_dict_are_all_of_one_kind(model, others):
    assert names_of_schema(TypeAdapter(model).core_schema).others is others


def test_names_of_a_struct_are_those_that_it_is_sent_with():
    names = names_of_struct(Struct)
    assert (names.several, names.one) == ({"aB"}, {"xY"})


def test_values_are_collected_by_what_their_names_take():
    names = RepeatedNames({"a"}, {"x"})
    values = {"a": ["1"], "x": ["1", "2"], "u": ["1"], "v": ["1", "2"]}
    assert names.collect(values) == {"a": ["1"], "x": "2", "u": "1", "v": ["1", "2"]}
    assert RepeatedNames(others=False).collect({"u": ["1", "2"]}) == {"u": "2"}
    assert RepeatedNames(others=True).collect({"u": ["1"]}) == {"u": ["1"]}
