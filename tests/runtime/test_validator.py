"""RFC 9110, 8.8 and 13: validators and conditions, whatever a client sends."""

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.runtime.files.validator import Validator, single
from socketify_ext.testing import fake_request

MODIFIED = 1_700_000_000
CURRENT = Validator(MODIFIED * 10**9, 17)
TAGS = st.sampled_from([CURRENT.etag, f"W/{CURRENT.etag}", '"x"', 'W/"a,b"', '"a\\"'])
VALUES = st.text(max_size=50) | st.lists(TAGS | st.sampled_from(["*", "junk", '"', ""]), max_size=5).map(",".join)


def asked(**headers):
    return fake_request(headers={name.replace("_", "-"): value for name, value in headers.items()})


@given(tags=st.lists(TAGS, min_size=1, max_size=6))
def test_rfc9110_13_1_2_any_of_the_tags_may_be_the_current_one_strong_or_weak(tags):
    request = asked(if_none_match=", ".join(tags))
    assert CURRENT.is_fresh(request) == any(CURRENT.etag in tag for tag in tags)


@given(tags=st.lists(TAGS, min_size=1, max_size=6))
def test_rfc9110_13_1_1_a_weak_tag_never_matches_what_must_be_the_same_bytes(tags):
    request = asked(if_match=",".join(tags))
    assert CURRENT.fails(request) == (CURRENT.etag not in tags)


@given(value=VALUES)
@pytest.mark.parametrize("name", ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"])
def test_any_value_can_be_read(name, value):
    request = asked(**{name: value})
    for method in (CURRENT.fails, CURRENT.is_fresh, CURRENT.allows_range):
        assert method(request) in (True, False)


def test_rfc9110_13_1_3_and_4_dates_are_compared_by_the_second():
    for ahead in (-1, 0, 1):
        date = formatdate(MODIFIED + ahead, usegmt=True)
        assert CURRENT.is_fresh(asked(if_modified_since=date)) == (ahead >= 0)
        assert CURRENT.fails(asked(if_unmodified_since=date)) == (ahead < 0)
        assert CURRENT.allows_range(asked(if_range=date)) == (ahead == 0)


def test_rfc9110_13_1_3_all_three_forms_of_a_date_count():
    for date in ("Tuesday, 14-Nov-23 22:13:20 GMT", "Tue Nov 14 22:13:20 2023"):
        assert CURRENT.is_fresh(asked(if_modified_since=date))


def test_rfc9110_13_2_2_tags_count_before_dates():
    earlier, later = (formatdate(MODIFIED + ahead, usegmt=True) for ahead in (-9, 9))
    assert not CURRENT.is_fresh(asked(if_none_match='"x"', if_modified_since=later))
    assert not CURRENT.fails(asked(if_match=CURRENT.etag, if_unmodified_since=earlier))


def test_rfc9110_8_8_2_1_a_date_is_never_later_than_now():
    future = Validator((int(time.time()) + 10_000) * 10**9, 17)
    assert future.date <= formatdate(time.time(), usegmt=True) or future.date[:3] != formatdate(usegmt=True)[:3]
    assert not future.allows_range(asked(if_range=future.date))


def test_rfc9110_8_8_2_2_a_date_of_this_second_names_no_range():
    now = Validator(time.time_ns() + 10**9, 17)
    assert not now.allows_range(asked(if_range=now.date))
    assert now.allows_range(asked(if_range=now.etag))


@pytest.mark.parametrize("modified", [-(10**18), 0, 10**30])
def test_any_time_of_a_file_system_is_a_date(modified):
    assert Validator(modified, 1).date.endswith(" GMT")


def test_rfc9110_8_8_3_3_each_coding_has_a_tag_of_its_own():
    assert len({Validator(MODIFIED, 17, coding).etag for coding in ("", "br", "gzip", "zstd")}) == 4


def test_a_header_that_is_no_list_counts_where_it_comes_once():
    assert single(asked(range=" bytes=0-1 "), "range") == "bytes=0-1"
    date = formatdate(MODIFIED, usegmt=True)
    assert single(asked(if_range=date), "if-range") == date
