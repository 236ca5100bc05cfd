import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.runtime.cookies import cookie_pairs, read_cookies

TOKENS = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1)


@given(st.lists(st.text()), TOKENS)
def test_what_is_malformed_hides_no_other(lines, name):
    strange = [line.replace(name, "") for line in lines]
    assert read_cookies([*strange, f"; {name}=value ;"])[name] in (
        "value",
        *(value for each, value in cookie_pairs(strange) if each == name),
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a=1", "b=2"], {"a": "1", "b": "2"}),
        (["a=specific; a=general"], {"a": "specific"}),
        (["a=1", "a=2"], {"a": "1"}),
        (['a="quoted; b=2'], {"a": '"quoted', "b": "2"}),
        (['a="1\\"2"'], {"a": '1"2'}),
        (["a=base64+/=="], {"a": "base64+/=="}),
        (["a=%zz%"], {"a": "%zz%"}),
        (["a=%ff"], {"a": "\ufffd"}),
        (["=1; a; b c=1; ;; a=1"], {"a": "1"}),
        (["version=1; expires=2; httponly=3"], {"version": "1", "expires": "2", "httponly": "3"}),
    ],
)
def test_cookies_are_read_by_rfc_6265bis(lines, expected):
    assert read_cookies(lines) == expected


def test_all_of_one_name_can_be_seen():
    assert list(cookie_pairs(["a=1; b=2", "a=3"])) == [("a", "1"), ("b", "2"), ("a", "3")]


def test_the_work_grows_with_the_length():
    """A line that is quadratic for `http.cookies` before 3.12.6 takes a hundred times as many calls as a hundredth of it."""
    steps = []
    for length in (1_000, 100_000):
        count = 0

        def note(*_):
            nonlocal count
            count += 1

        line = 'a="' + '\\"' * length + '"'
        sys.setprofile(note)
        try:
            value = read_cookies([line])["a"]
        finally:
            sys.setprofile(None)
        assert value == '"' * length
        steps.append(count)
    assert steps[1] <= steps[0] * 100
