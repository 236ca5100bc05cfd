import datetime
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from socketify_ext.errors import HeaderError
from socketify_ext.runtime.cookies import cookie_pairs, read_cookies, write_cookie

TOKENS = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TOKENS, TEXTS)
@example("version", "1")
@example("path", "Ann Lee+1")
@example("max-age", 'a"\\; ,%41')
def test_a_cookie_is_read_as_it_was_set(name, value):
    assert read_cookies([write_cookie(name, value, None)]) == {name: value}


@given(TOKENS, TEXTS)
def test_what_is_written_holds_only_what_a_cookie_may_hold(name, value):
    written = write_cookie(name, value, None).partition("=")[2]
    assert written.isascii()
    assert not set(written) & set(' ",;\\')
    assert written.isprintable()


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


MOMENT = datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"path": "/", "max-age": 60}, "c=v; Path=/; Max-Age=60"),
        ({"max_age": 0, "HttpOnly": True, "secure": False}, "c=v; Max-Age=0; HttpOnly"),
        ({"same_site": "Lax", "partitioned": True, "domain": ""}, "c=v; SameSite=Lax; Partitioned"),
        ({"expires": MOMENT}, "c=v; Expires=Wed, 02 Jan 2030 01:04:05 GMT"),
        ({"expires": MOMENT.replace(tzinfo=None)}, "c=v; Expires=Wed, 02 Jan 2030 03:04:05 GMT"),
        ({"expires": None}, "c=v"),
    ],
)
def test_attributes_are_written_in_the_names_of_the_rfc(options, expected):
    assert write_cookie("c", "v", options) == expected


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a b", None),
        ("", None),
        ("a=", None),
        ("a", {"path": "/; Domain=x"}),
        ("a", {"path": "\r\n"}),
        ("a", {"colour": 1}),
    ],
)
def test_what_is_no_cookie_is_refused(name, options):
    with pytest.raises(HeaderError):
        write_cookie(name, "v", options)


@pytest.mark.parametrize(("name", "value"), [(None, "v"), ("a", None), (b"a", "v"), ("a", 1)])
def test_names_and_values_are_texts(name, value):
    with pytest.raises(TypeError, match="are texts"):
        write_cookie(name, value, None)
