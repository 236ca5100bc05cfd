"""JSON is the same whatever writes it: the standard module or msgspec, with the C accelerator or without."""

import dataclasses
import datetime
import decimal
import enum
import json
import math
import re
import sys
import types
import typing
import uuid

import msgspec
import pydantic
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from socketify_ext.builtin.json import encoder
from socketify_ext.builtin.json.encoder import make_dump, make_msgspec_encoder, make_standard_encoder
from socketify_ext.builtin.json.plain import encode_plainly


def standard_in_python():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "c_make_encoder", None)
        return make_standard_encoder()


ENCODERS = {
    "standard": make_standard_encoder(),
    "standard in Python": standard_in_python(),
    "msgspec": make_msgspec_encoder(),
    "plainly": encode_plainly,
}
NAN, INFINITY = float("nan"), float("inf")
KEY = uuid.UUID(int=7)
UTC = datetime.timezone.utc


class Color(enum.Enum):
    RED = "red"
    TWO = 2
    HALF = 0.5
    NONE = None
    PAIR = (1, 2)


class Number(enum.IntEnum):
    ONE = 1


class Word(str, enum.Enum):
    A = "a"


class Bits(enum.Flag):
    X = 1
    Y = 2


class Text(str):
    __slots__ = ()

    def __str__(self):
        return "never"


class Honest(str):
    __slots__ = ()


class Whole(int):
    def __int__(self):
        return -1


class Part(float):
    def __float__(self):
        return -1.0


class Dictionary(dict):
    pass


class Pair(typing.NamedTuple):
    a: int
    b: int


@dataclasses.dataclass(frozen=True)
class Point:
    x: object
    y: object = None


class Model(pydantic.BaseModel):
    value: object


class Struct(msgspec.Struct):
    value: object


class Odd:
    def __repr__(self):
        return "Odd()"


def outcome(encode, value):
    """Return the parsed JSON, which refuses what is none, or the class of the error."""
    try:
        data = encode(value)
    except Exception as error:
        return type(error)
    return json.loads(data, parse_constant=lambda name: pytest.fail(f"{name} is no JSON: {data!r}"))


def outcomes(value):
    return {name: outcome(encode, value) for name, encode in ENCODERS.items()}


def same_number(text):
    """Return a key as the number that it is: 0.00001, 1e-5 and 1e-05 are one."""
    return float(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", text) else text


def with_numbers(value):
    if isinstance(value, dict):
        return {same_number(key): with_numbers(inner) for key, inner in value.items()}
    return [with_numbers(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (NAN, b"null"),
        ([INFINITY, -INFINITY, Part("nan")], b"[null,null,null]"),
        ({"a": {"b": (1.5, NAN)}}, b'{"a":{"b":[1.5,null]}}'),
        (Point(NAN, [Model(value=INFINITY), Struct(-INFINITY)]), b'{"x":null,"y":[{"value":null},{"value":null}]}'),
        ({True: 1, False: 2, None: 3}, b'{"true":1,"false":2,"null":3}'),
        ({1: 1, 1.5: 2, 2**70: 3, -0.0: 4}, b'{"1":1,"1.5":2,"1180591620717411303424":3,"-0.0":4}'),
        ({NAN: 1, INFINITY: 2, -INFINITY: 3}, b'{"nan":1,"inf":2,"-inf":3}'),
        ({KEY: 1, decimal.Decimal("1.50"): 2}, b'{"00000000-0000-0000-0000-000000000007":1,"1.50":2}'),
        ({datetime.date(2026, 1, 2): {datetime.timedelta(1): 1}}, b'{"2026-01-02":{"P1D":1}}'),
        (
            {datetime.datetime(2026, 1, 2, tzinfo=UTC): {datetime.time(3): 1}},
            b'{"2026-01-02T00:00:00Z":{"03:00:00":1}}',
        ),
        ({Color.RED: Color.TWO, Number.ONE: Number.ONE, Word.A: Word.A}, b'{"red":2,"1":1,"a":"a"}'),
        ({Color.TWO: 1, Color.HALF: 2, Color.NONE: Color.NONE, Bits.X: Bits.Y}, b'{"2":1,"0.5":2,"null":null,"1":2}'),
        ({Text("x"): Text("x"), Whole(3): Whole(3), Part(1.5): Part(1.5)}, b'{"x":"x","3":3,"1.5":1.5}'),
        ({b"x": b"x"}, b'{"eA==":"eA=="}'),
        ([bytearray(b"x"), memoryview(b"xyz")[::2]], b'["eA==","eHo="]'),
        (Dictionary(a=Pair(1, 2)), b'{"a":[1,2]}'),
        ({"in": [{None: types.MappingProxyType({True: 1})}]}, b'{"in":[{"null":{"true":1}}]}'),
        ('é\u2028 \x00"\\/', '"é\u2028 \\u0000\\"\\\\/"'.encode()),
        (["é", "\ud800", "\U0001f600"], rb'["\u00e9","\ud800","\ud83d\ude00"]'),
        ({"\ud800": 1}, rb'{"\ud800":1}'),
        (2**70, b"1180591620717411303424"),
    ],
    ids=lambda each: each.decode() if type(each) is bytes else type(each).__name__,
)
def test_every_encoder_writes_the_same_text(value, wanted):
    assert {name: encode(value) for name, encode in ENCODERS.items()} == dict.fromkeys(ENCODERS, wanted)


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def circular(kind):
    value = [] if kind == "list" else {}
    inner = {kind: (value,)}
    value.append(inner) if kind == "list" else value.update(inner)
    return value


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (Odd(), TypeError),
        ({"a": [Odd()]}, TypeError),
        ({Odd(): 1}, TypeError),
        ({(1, 2): 1}, TypeError),
        ({frozenset([1]): 1}, TypeError),
        ({Point(1): 1}, TypeError),
        ({Color.PAIR: 1}, TypeError),
        ([NAN, Odd()], TypeError),
        (deep(100_000), ValueError),
        (circular("list"), ValueError),
        (circular("dict"), ValueError),
        (Point(circular("list")), ValueError),
    ],
    ids=[
        "object",
        "inside",
        "key",
        "tuple",
        "set",
        "dataclass",
        "enum",
        "nan",
        "deep",
        "list",
        "dict",
        "in a dataclass",
    ],
)
def test_every_encoder_refuses_the_same_each_time(value, error):
    for _ in range(2):
        assert outcomes(value) == dict.fromkeys(ENCODERS, error)
    assert outcomes([1]) == {key: [1] for key in ENCODERS}


@pytest.mark.skipif(not hasattr(sys, "get_int_max_str_digits"), reason="digits without a limit")
def test_an_int_of_too_many_digits_is_a_value_error():
    assert outcomes(10 ** (sys.get_int_max_str_digits() + 1)) == dict.fromkeys(ENCODERS, ValueError)


offsets = st.integers(-1439, 1439).map(lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes)))
zones = st.none() | st.just(UTC) | offsets
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.uuids()
    | st.decimals().filter(lambda number: not number.is_snan())  # which has no hash
    | st.dates()
    | st.datetimes(timezones=zones)
    | st.times(timezones=zones)
    | st.timedeltas()
    | st.sampled_from([Color.RED, Color.TWO, Color.HALF, Color.NONE, Number.ONE, Word.A, Bits.X | Bits.Y, Honest("x")])
    | st.builds(Whole, st.integers())
    | st.builds(Part, st.floats())
)
values = st.recursive(
    scalars | st.just(Odd()),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(scalars | st.tuples(st.integers()), inner)
        | st.frozensets(scalars, max_size=1)
        | st.builds(Point, inner, inner)
        | st.builds(lambda value: Model(value=value), inner)
        | st.builds(Struct, inner)
        | st.dictionaries(st.text(), inner).map(types.MappingProxyType)
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(values)
@example({1e16: 1e16, 1e-7: 1})
@example({"1": 1, 1: 2, None: 3})
def test_any_value_gives_the_same_json_or_the_same_error(value):
    found = {name: with_numbers(each) for name, each in outcomes(value).items()}
    assert found == dict.fromkeys(ENCODERS, found["plainly"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_json_has_types_for_comes_back_as_it_was(value):
    assert outcomes(value) == dict.fromkeys(ENCODERS, value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_as_they_were(number):
    assert outcomes([number, {"a": number}]) == {key: [number, {"a": number}] for key in ENCODERS}
    assert math.copysign(1, json.loads(ENCODERS["standard"](number))) == math.copysign(1, number)


def test_an_offset_of_seconds_is_rounded_to_minutes():
    zone = datetime.timezone(datetime.timedelta(hours=1, seconds=40))
    at = datetime.datetime(1900, 1, 1, tzinfo=zone)
    assert outcomes([at, {at: 1}]) == {
        key: ["1900-01-01T00:00:00+01:01", {"1900-01-01T00:00:00+01:01": 1}] for key in ENCODERS
    }


def test_the_encoder_is_that_of_what_is_installed(monkeypatch):
    assert type(make_dump()(1.0)) is bytes
    monkeypatch.setitem(sys.modules, "msgspec", None)
    monkeypatch.setitem(sys.modules, "msgspec.json", None)
    assert make_dump()({1e16: 1}) == b'{"1e+16":1}'


def test_an_interruption_is_raised_and_leaves_nothing_behind():
    class Interrupts:
        @property
        def __dataclass_fields__(self):
            raise KeyboardInterrupt

    encode, value = make_standard_encoder(), [1]
    with pytest.raises(KeyboardInterrupt):
        encode([value, Interrupts()])
    assert encode(value) == b"[1]"
