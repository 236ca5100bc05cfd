"""Models that input must fit: large input is checked up to its first error."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from socketify_ext.errors import ArgumentError, HTTPError
from socketify_ext.sdk.model import SMALL, fit, fit_json, fit_texts, validate

MANY = 500


class Part(BaseModel):
    sizes: list[int] = []


class Line(msgspec.Struct):
    sku: str
    sizes: list[int] = []


class Order(BaseModel):
    lines: list[int] = []
    tags: set[int] = set()
    codes: frozenset[int] = frozenset()
    places: tuple[int, ...] = ()
    prices: dict[str, int] = {}
    part: Part = Part()


WORDS = [f"word {number}" for number in range(MANY)]
BAD = {
    "lines": WORDS,
    "tags": WORDS,
    "codes": WORDS,
    "places": WORDS,
    "prices": dict.fromkeys(WORDS, "x"),
    "part": {"sizes": WORDS},
}


@pytest.mark.parametrize("field", BAD)
def test_small_input_has_all_errors_and_large_input_the_first_one(field):
    with pytest.raises(ValidationError) as small:
        validate(Order, {field: BAD[field]}, SMALL)
    with pytest.raises(ValidationError) as large:
        validate(Order, {field: BAD[field]}, SMALL + 1)
    assert (small.value.error_count(), large.value.error_count()) == (MANY, 1)


def test_large_input_that_fits_is_the_same_as_small_input():
    value = {"lines": ["1"], "prices": {"tea": 2}, "part": {"sizes": [3]}}
    assert validate(Order, value, SMALL + 1) == validate(Order, value, SMALL)


class One(BaseModel):
    a: int


class Other(BaseModel):
    a: int


def test_unions_that_are_equal_are_validated_in_their_own_order():
    first, second = One | Other, Other | One
    assert first == second
    assert [type(fit(each, {"a": 1}, 1)) for each in (first, second)] == [One, Other]


def test_models_of_one_name_are_different_models():
    def make(kind):
        class Local(BaseModel):
            a: kind

        return Local

    assert [type(fit(make(kind), {"a": 1}, 1).a) for kind in (int, float)] == [int, float]


@pytest.mark.parametrize("model", [5, "", object(), "Nothing"])
def test_what_can_not_validate_is_an_error_that_says_what_does(model):
    with pytest.raises(ArgumentError, match="a BaseModel, a dataclass, a TypedDict"):
        fit(model, 1, 1)


def test_text_is_converted_for_strict_models_too_and_json_is_not():
    class Strict(BaseModel, strict=True):
        number: int
        day: date

    assert fit_texts(Strict, {"number": ["1"], "day": ["2026-01-02"]}, 1).day == date(2026, 1, 2)
    assert fit_json(Strict, b'{"number": 1, "day": "2026-01-02"}').number == 1
    with pytest.raises(HTTPError) as raised:
        fit_json(Strict, b'{"number": "1", "day": "2026-01-02"}')
    assert raised.value.status == 422


def outcome(model, data):
    """Return a 4xx, or 200."""
    try:
        fit_json(model, data)
    except HTTPError as error:
        return error.status, len(json.dumps(error.detail, allow_nan=False))
    return 200, 0


JSON_LIKE = st.text('[]{}",:0123456789.eE+-NaInfity\\u d8', max_size=40).map(str.encode)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)


@pytest.mark.parametrize("model", [Any, Order, list[float], Line])
@given(data=st.binary(max_size=60) | JSON_LIKE)
def test_any_bytes_are_a_value_or_a_4xx(model, data):
    assert outcome(model, data)[0] in (200, 400, 422)


@pytest.mark.parametrize("model", [Any, Order, list[float], Line])
@given(value=JSON)
def test_any_json_is_a_value_or_a_422_whose_details_are_short(model, value):
    status, size = outcome(model, json.dumps(value, ensure_ascii=False).encode())
    assert status in ((200,) if model is Any else (200, 422))
    assert size < 10_000
