"""Models that input must fit: large input is checked up to its first error."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from socketify_ext.sdk.model import SMALL, make_validate

MANY = 500


class Part(BaseModel):
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
    validate = make_validate()
    with pytest.raises(ValidationError) as small:
        validate(Order, {field: BAD[field]}, SMALL)
    with pytest.raises(ValidationError) as large:
        validate(Order, {field: BAD[field]}, SMALL + 1)
    assert (small.value.error_count(), large.value.error_count()) == (MANY, 1)


def test_large_input_that_fits_is_the_same_as_small_input():
    validate = make_validate()
    value = {"lines": ["1"], "prices": {"tea": 2}, "part": {"sizes": [3]}}
    assert validate(Order, value, SMALL + 1) == validate(Order, value, SMALL)
