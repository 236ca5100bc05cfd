import enum
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.runtime.json_encoder import make_encoder

encode = make_encoder()
keys = st.text() | st.integers() | st.booleans() | st.none() | st.floats()
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner), max_leaves=20
)


class Number(enum.IntEnum):
    ONE = 1


@given(values)
def test_the_bytes_are_those_of_json_dumps(value):
    assert encode(value) == json.dumps(value).encode()


@pytest.mark.parametrize("value", ["\ud800", Number.ONE, {Number.ONE: [Number.ONE]}, 10**400, float("nan"), ""])
def test_odd_values_are_written_as_by_json_dumps(value):
    assert encode(value) == json.dumps(value).encode()


class Odd:
    pass


@pytest.mark.parametrize("value", [{1}, b"x", Odd(), {"a": [Odd()]}, {("a",): 1}])
def test_an_error_is_that_of_json_dumps_and_leaves_nothing_behind(value):
    with pytest.raises(TypeError) as wanted:
        json.dumps(value)
    for _ in range(2):
        with pytest.raises(TypeError) as got:
            encode(value)
        assert str(got.value) == str(wanted.value)


def test_a_circular_value_is_an_error_each_time():
    value = []
    value.append(value)
    for _ in range(2):
        with pytest.raises(ValueError, match="Circular"):
            encode(value)
    value.clear()
    assert encode(value) == b"[]"
