import collections
import dataclasses
import datetime
import decimal
import enum
import subprocess
import sys
import types
import uuid

import attrs
import msgspec
import pydantic
import pytest

from socketify_ext.builtin.json.encoder import make_msgspec_encoder, make_standard_encoder
from socketify_ext.sdk.to_builtins import to_builtins


class Color(enum.Enum):
    RED = "red"


class Text(str):
    __slots__ = ()

    def __str__(self):
        return "never"


class Whole(int):
    def __int__(self):
        return -1


class Fraction(float):
    def __float__(self):
        return -1.0


class Blob(bytes):
    def __bytes__(self):
        return b"never"


class Moment(datetime.datetime):
    pass


@dataclasses.dataclass
class Part:
    name: str
    weight: decimal.Decimal = decimal.Decimal("1.10")
    unset: int = dataclasses.field(init=False)


@attrs.define
class Box:
    name: str
    label: object = msgspec.UNSET


class Model(pydantic.BaseModel):
    at: datetime.datetime
    parts: list[Part]


class Tagged(msgspec.Struct, tag=True, rename="camel", omit_defaults=True):
    item_count: int
    color: Color = Color.RED


AWARE = datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)

CASES = [
    (datetime.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),  # noqa: DTZ001 - the rule for naive ones
    (AWARE, "2026-01-02T03:04:05.000006Z"),
    (Moment(2026, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=-5))), "2026-01-02T00:00:00-05:00"),
    (datetime.date(2026, 1, 2), "2026-01-02"),
    (datetime.time(3, 4, 5, 6), "03:04:05.000006"),
    (datetime.time(3, 4, tzinfo=datetime.timezone.utc), "03:04:00Z"),
    (datetime.timedelta(days=1, seconds=2.5), "P1DT2.5S"),
    (decimal.Decimal("1.10"), "1.10"),
    (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    (Color.RED, "red"),
    (frozenset([1]), [1]),
    ({"a": 1}.keys(), ["a"]),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (collections.OrderedDict(a=1), {"a": 1}),
    (Part("p"), {"name": "p", "weight": "1.10"}),
    (Box("b"), {"name": "b"}),
    (Part(msgspec.UNSET), {"weight": "1.10"}),
    (Model(at=AWARE, parts=[]), {"at": "2026-01-02T03:04:05.000006Z", "parts": []}),
    (Tagged(3), {"type": "Tagged", "itemCount": 3}),
    (Text("x"), "x"),
    (Whole(3), 3),
    (Fraction(1.5), 1.5),
    (b"\x00\xff", "AP8="),
    (Blob(b"x"), "eA=="),
    (bytearray(b"x"), "eA=="),
]


@pytest.mark.parametrize("encode", [make_msgspec_encoder(), make_standard_encoder()], ids=["msgspec", "standard"])
@pytest.mark.parametrize(("value", "wanted"), CASES, ids=lambda value: type(value).__name__)
def test_json_writes_plain_values_with_msgspec_and_without(encode, value, wanted):
    assert msgspec.json.decode(encode({"in": [value]})) == {"in": [wanted]}


@pytest.mark.parametrize("value", [object(), int, ..., range(3), 1j, Part])
def test_what_has_no_plain_value_is_refused_by_name(value):
    for encode in (make_msgspec_encoder(), make_standard_encoder()):
        with pytest.raises(TypeError, match=f"a {type(value).__name__} can't be sent"):
            encode([value])


def test_an_int_without_room_is_no_type_error():
    with pytest.raises(OverflowError, match="64 bits"):
        to_builtins(2**64)


def test_plain_values_take_no_import_of_msgspec():
    program = (
        "import sys; sys.modules['msgspec'] = None\n"
        "import datetime, socketify_ext\n"
        "from socketify_ext.sdk.to_builtins import to_builtins\n"
        "from socketify_ext.builtin.msgpack.encoder import make_encoder\n"
        "socketify_ext.load('msgpack').declare()\n"
        "print(make_encoder()({'at': datetime.date(2026, 1, 2)}).hex())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "81a26174aa323032362d30312d3032", done.stderr
