"""The Range header, whatever it holds."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.runtime.files.byte_range import byte_range

SIZES = st.integers(0, 2**40)
NUMBERS = st.integers(0, 2**70).map(str) | st.just("")


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        (None, 10, None),
        ("", 10, None),
        ("bytes=0-0", 10, range(1)),
        ("BYTES=2-", 10, range(2, 10)),
        ("bytes= 2-3 ", 10, range(2, 4)),
        ("bytes=2-99", 10, range(2, 10)),
        ("bytes=-3", 10, range(7, 10)),
        ("bytes=-30", 10, range(10)),
        ("bytes=-0", 10, range(0)),
        ("bytes=10-", 10, range(0)),
        ("bytes=0-", 0, range(0)),
        ("bytes=-1", 0, None),
        ("bytes=3-2", 10, None),
        ("bytes=0-1,2-3", 10, None),
        ("bytes=²-3", 10, None),
        ("bytes=" + "9" * 10_000 + "-", 10, range(0)),
        ("bytes=-" + "9" * 10_000, 10, range(10)),
        ("bytes=" + "0" * 10_000 + "-1", 10, range(2)),
    ],
)
def test_a_range_is_read_as_in_rfc_9110(header, size, expected):
    assert byte_range(header, size) == expected


@given(header=st.text() | st.text("bytes=-0123456789, \t"), size=SIZES)
def test_whatever_is_sent_names_bytes_of_the_file_or_nothing(header, size):
    found = byte_range(header, size)
    assert found is None or len(found) == 0 or 0 <= found.start < found.stop <= size
    assert found is None or re.match("bytes=", header, re.IGNORECASE)


@given(first=NUMBERS, last=NUMBERS, size=SIZES)
def test_a_well_formed_range_is_that_of_a_slice(first, last, size):
    found = byte_range(f"bytes={first}-{last}", size)
    if not first and not last:
        assert found is None
    elif not first:
        wanted = range(size)[-int(last) :] if int(last) else range(0)
        assert found == wanted or (found is None and size == 0)
    elif last and int(last) < int(first):
        assert found is None
    else:
        assert found == (range(size)[int(first) : int(last) + 1] if last else range(size)[int(first) :])
