"""RFC 9110, 5.6.7: dates in three forms."""

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.runtime.files.http_date import read_date

EXAMPLE = 784111777


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_rfc9110_5_6_7_the_three_forms_are_one_moment_in_every_time_zone(monkeypatch, text, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert read_date(text) == EXAMPLE
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "junk",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 +0100",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT; length=5",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov \u0661\u0669\u0669\u0664 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "784111777",
        "1" * 100_000,
    ],
)
def test_rfc9110_13_1_3_what_is_no_date_is_none(text):
    assert read_date(text) is None


@pytest.mark.parametrize("ahead", [-49, -1, 0, 1, 50, 51])
def test_rfc9110_5_6_7_two_digits_are_a_year_at_most_50_ahead(ahead):
    year = time.gmtime().tm_year + ahead
    found = time.gmtime(read_date(f"Monday, 01-Jan-{year % 100:02} 00:00:00 GMT")).tm_year
    assert found == (year if ahead <= 50 else year - 100)


def test_rfc9110_5_6_7_a_leap_second_is_the_one_before():
    assert read_date("Sat, 31 Dec 2016 23:59:60 GMT") == read_date("Sat, 31 Dec 2016 23:59:59 GMT")


@given(seconds=st.integers(0, 253402300799))
def test_what_is_sent_is_what_is_read(seconds):
    assert read_date(formatdate(seconds, usegmt=True)) == seconds


@given(text=st.text(max_size=40))
def test_any_text_can_be_read(text):
    found = read_date(text)
    assert found is None or isinstance(found, int)
