import struct
import tracemalloc

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socketify_ext.builtin.msgpack.decoder import library_depth, make_decoder

DEPTH = 20
decode = make_decoder(DEPTH)


def nested(depth, kind=b"\x91"):
    return kind * depth + b"\xc0"


@pytest.mark.parametrize(
    "kind", [b"\x91", b"\xdc\x00\x01", b"\xdd\x00\x00\x00\x01", b"\x81\xa1a", b"\xde\x00\x01\xa1a"]
)
@pytest.mark.parametrize("padding", [b"", b"\xc4\xff" + bytes(255), b"\xc5\xff\xff" + bytes(65535)])
def test_nesting_is_allowed_to_the_limit_and_not_beyond(kind, padding):
    around = b"\x92" + padding if padding else b""
    used = 1 if padding else 0
    decode(around + nested(DEPTH - used, kind))
    with pytest.raises(ValueError, match=f"nested more than {DEPTH} deep"):
        decode(around + nested(DEPTH - used + 1, kind))


@pytest.mark.parametrize("depth", [library_depth(), library_depth() + 1, 100_000, 1_000_000])
def test_whatever_the_depth_it_is_an_error_and_no_crash(depth):
    with pytest.raises(ValueError, match="nested more than"):
        decode(nested(depth))


def test_the_deepest_limit_can_be_kept():
    deepest = make_decoder(512)
    deepest(nested(512))
    with pytest.raises(ValueError, match="nested more than 512 deep"):
        deepest(nested(513))


def test_many_maps_beside_each_other_are_no_nesting():
    value = [{"a": [{}]} for _ in range(2000)]
    assert decode(msgpack.packb(value)) == value


HOSTILE = {
    "nothing": b"",
    "a list of 4 billion": b"\xdd\xff\xff\xff\xff",
    "a map of 4 billion": b"\xdf\xff\xff\xff\xff\xa1a",
    "a text of 4 GiB": b"\xdb\xff\xff\xff\xffa",
    "binary of 4 GiB": b"\xc6\xff\xff\xff\xffa",
    "an extension of 4 GiB": b"\xc9\xff\xff\xff\xff\x05a",
    "cut off in a number": b"\xcf\x00",
    "cut off in a map": b"\x82\xa1a\x01",
    "a byte left over": b"\x01\x02",
    "two values": b"\x91\x01\x91\x02",
    "the unused byte": b"\xc1",
    "the unused byte in a list": b"\x91\xc1",
    "an unknown extension": b"\xd4\x05x",
    "an empty extension": b"\xc7\x00\x05",
    "a reserved extension": b"\xd4\xfex",
    "a timestamp of a wrong length": b"\xd4\xff\x00",
    "a timestamp beyond the calendar": b"\xc7\x0c\xff\x00\x00\x00\x00\x7f" + b"\xff" * 7,
    "a timestamp before the calendar": b"\xc7\x0c\xff\x00\x00\x00\x00\x80" + bytes(7),
    "a timestamp of two seconds' nanoseconds": b"\xc7\x0c\xff" + struct.pack(">IQ", 2_000_000_000, 0),
    "a key twice": b"\x82\xa1a\x01\xa1a\x02",
    "a key twice in another form": b"\x82\xa1a\x01\xd9\x01a\x02",
    "a list as a key": b"\x81\x90\x01",
    "a map as a key": b"\x81\x80\x01",
    "a number as a key": b"\x81\x01\x01",
    "nil as a key": b"\x81\xc0\x01",
    "a timestamp as a key": b"\x81\xd6\xff\x00\x00\x00\x00\x01",
    "text that is no UTF-8": b"\xa1\xff",
    "a surrogate": b"\xa3\xed\xa0\x80",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("padding", [b"", b"\xc5\xff\xff" + bytes(65535)])
def test_hostile_input_is_an_error_that_says_what(data, padding):
    with pytest.raises(ValueError, match=r"\w") as caught:
        decode(b"\x92" + padding + data if padding else data)
    assert type(caught.value) is ValueError


def test_lengths_that_are_announced_and_not_held_take_no_memory():
    announced = 1024 * 1024
    message = (b"\xdd" + struct.pack(">I", announced)) * (DEPTH - 1)
    message += bytes(announced - len(message))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="ends early"):
            decode(message)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken < 4 * len(message)


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_any_bytes_are_a_value_or_an_error(data):
    try:
        value = decode(data)
    except ValueError:
        return
    has_floats = b"\xca" in data or b"\xcb" in data  # which may be no number
    assert has_floats or decode(msgpack.packb(value, datetime=True)) == value


messages = st.recursive(
    st.none() | st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(exclude_categories=["Cs"])) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
).map(msgpack.packb)


@given(messages, st.data())
def test_a_message_that_is_cut_off_or_goes_on_is_an_error(message, data):
    cut = data.draw(st.integers(0, len(message) - 1))
    with pytest.raises(ValueError, match=r"\w"):
        decode(message[:cut])
    with pytest.raises(ValueError, match=r"\w"):
        decode(message + b"\x00")
