import collections
import dataclasses
import datetime
import decimal
import enum
import types
import uuid
from typing import Any, NamedTuple

import msgpack
import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socketify_ext.builtin.msgpack.decoder import make_decoder
from socketify_ext.builtin.msgpack.encoder import make_encoder
from socketify_ext.sdk.model import validate

fast, slow = make_encoder(), make_encoder(fast=False)
decode = make_decoder(max_depth=100)
quick = settings(max_examples=25, deadline=None)


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 300


class Kind(str, enum.Enum):  # StrEnum comes with Python 3.11
    TEA = "tea"
    OTHER = "ä"


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Moment(datetime.datetime):
    pass


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclasses.dataclass
class Everything:
    aware: datetime.datetime
    naive: datetime.datetime
    day: datetime.date
    span: datetime.timedelta
    amount: decimal.Decimal
    key: uuid.UUID
    color: Color
    level: Level
    kind: Kind
    marks: set[int]
    blob: bytes
    text: str
    number: int
    fraction: float
    nothing: None
    names: dict[str, list[bool]]


EverythingModel = pydantic.create_model(
    "EverythingModel",
    **{field.name: (Everything.__annotations__[field.name], ...) for field in dataclasses.fields(Everything)},
)
EverythingStruct = msgspec.defstruct(
    "EverythingStruct", [(name, kind) for name, kind in Everything.__annotations__.items()]
)

zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes)))
text = st.text(st.characters(exclude_categories=["Cs"]))
# A day away from the ends, so that UTC has them all.
aware = st.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001
amounts = st.decimals(allow_nan=False, allow_infinity=False)
integers = st.integers(-(2**63), 2**64 - 1)
fields = {
    "aware": aware,
    "naive": st.datetimes(),
    "day": st.dates(),
    "span": st.timedeltas(),
    "amount": amounts,
    "key": st.uuids(),
    "color": st.sampled_from(Color),
    "level": st.sampled_from(Level),
    "kind": st.sampled_from(Kind),
    "marks": st.sets(integers, max_size=5),
    "blob": st.binary(max_size=300),
    "text": text,
    "number": integers,
    "fraction": st.floats(allow_nan=False),
    "nothing": st.none(),
    "names": st.dictionaries(text, st.lists(st.booleans(), max_size=3), max_size=3),
}
everything = st.fixed_dictionaries(fields)

scalars = st.one_of(
    *(fields[name] for name in fields if name not in ("marks", "names")),
    st.times(timezones=st.none() | zones),
    st.floats(),
    st.decimals(),
    st.sampled_from(Right),
    aware.map(lambda value: Moment.combine(value, value.timetz())),
    text.map(Text),
    integers.map(Whole),
    st.binary(max_size=20).map(bytearray),
    st.binary(max_size=20).map(memoryview),
    st.frozensets(integers, max_size=3),
    everything.map(lambda values: Everything(**values)),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=8)
        | st.tuples(inner, inner)
        | st.tuples(inner, inner).map(lambda pair: Pair(*pair))
        | st.dictionaries(text | integers | st.binary(max_size=5) | st.uuids() | st.dates(), inner, max_size=8)
        | st.dictionaries(text, inner, max_size=3).map(types.MappingProxyType)
        | st.dictionaries(text, inner, max_size=3).map(collections.OrderedDict)
    ),
    max_leaves=15,
)


@given(values)
@quick
def test_msgspec_writes_the_bytes_that_msgpack_writes(value):
    assert fast(value) == slow(value)


@given(everything.map(lambda values: EverythingStruct(**values)) | everything.map(lambda v: EverythingModel(**v)))
@quick
def test_records_have_the_same_bytes_too(value):
    assert fast([value]) == slow([value])


plain_values = st.recursive(
    st.none() | st.booleans() | integers | st.floats(allow_nan=False) | text | st.binary() | aware,
    lambda inner: st.lists(inner) | st.dictionaries(text | st.binary(), inner),
    max_leaves=15,
)


@given(plain_values)
@quick
@pytest.mark.parametrize("encode", [fast, slow])
def test_what_messagepack_has_types_for_comes_back_as_it_was(encode, value):
    assert decode(encode(value)) == value


@given(everything)
@quick
@pytest.mark.parametrize("encode", [fast, slow])
@pytest.mark.parametrize("model", [Everything, EverythingModel, EverythingStruct])
def test_every_type_comes_back_through_a_model(encode, model, values):
    value = model(**values)
    data = encode(value)
    found = validate(model, decode(data), len(data))
    assert found == value
    assert found.aware.utcoffset() == datetime.timedelta(0)
    assert found.naive.tzinfo is None


@given(st.lists(plain_values, max_size=3))
@quick
def test_the_bytes_are_those_of_a_bare_packer(value):
    assert fast(value) == slow(value) == msgpack.Packer(datetime=True).pack(value)


@pytest.mark.parametrize(
    ("moment", "size"),
    [
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc), 6),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=datetime.timezone.utc), 10),
        (datetime.datetime(1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5))), 15),
        (
            datetime.datetime(
                9999, 12, 31, 23, 59, 59, 999_999, tzinfo=datetime.timezone(-datetime.timedelta(hours=5))
            ),
            15,
        ),
        (datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=datetime.timezone.utc), 15),
    ],
)
def test_an_aware_datetime_is_the_shortest_timestamp_that_holds_it(moment, size):
    data = fast(moment)
    assert (len(data), data) == (size, slow(moment))
    stamp = msgpack.unpackb(data)
    seconds = (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(seconds=1)
    assert (stamp.seconds, stamp.nanoseconds) == (seconds, moment.microsecond * 1000)


@pytest.mark.parametrize("encode", [fast, slow])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (object(), TypeError),
        ({"a": [object()]}, TypeError),
        (2**64, OverflowError),
        (-(2**63) - 1, OverflowError),
        ("\ud800", UnicodeEncodeError),
    ],
)
def test_what_can_not_be_sent_is_refused_and_leaves_nothing_behind(encode, value, error):
    for _ in range(2):
        with pytest.raises(error):
            encode(value)
        assert encode([1]) == b"\x91\x01"


@pytest.mark.parametrize("encode", [fast, slow])
def test_a_circular_value_is_refused(encode):
    part = {}
    part["in"] = [part]
    with pytest.raises(ValueError, match="recursion"):
        encode(part)


def test_a_timestamp_of_the_library_keeps_its_nanoseconds():
    stamp = msgpack.Timestamp(1, 2)
    assert fast([stamp]) == slow([stamp]) == b"\x91" + msgpack.packb(stamp)


def test_an_extension_type_is_sent_without_the_fast_codec():
    assert slow([msgpack.ExtType(5, b"x")]) == b"\x91\xd4\x05x"
