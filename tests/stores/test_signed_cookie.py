from __future__ import annotations

from types import SimpleNamespace

import pytest

from socketify_ext.errors import HTTPError, MissingExtraError
from socketify_ext.stores import SignedCookie, check_secret, open_response, secret_list
from socketify_ext.stores.signed_cookie import LIMIT

SECRET = "a-secret-of-16-characters"


def cookie(*secrets, salt="test"):
    return SignedCookie("this test", "mark", secrets or (SECRET,), salt=salt, is_secure=True)


def request_with(text):
    return SimpleNamespace(get_cookie={"__Host-mark": text}.get)


def test_a_signed_value_is_read_with_its_time():
    value, signed = cookie().read(request_with(cookie().sign(["a", 1])))
    assert value == ["a", 1]
    assert signed > 0


@pytest.mark.parametrize("other", [cookie("another-secret-of-16"), cookie(salt="other")])
def test_a_value_of_another_secret_or_salt_does_not_count(other):
    assert cookie().read(request_with(other.sign("a"))) is None


@pytest.mark.parametrize("text", [None, "", "a", "x" * (LIMIT + 1), cookie().sign("a")[:-1]], ids=range(5))
def test_what_was_not_signed_does_not_count(text):
    assert cookie().read(request_with(text)) is None


def test_the_newest_secret_signs_and_each_reads():
    text = cookie("the-second-secret", "the-first-secret").sign("a")
    assert cookie("the-second-secret").read(request_with(text))
    assert cookie("the-third-secret", "the-second-secret").read(request_with(text))
    assert cookie("the-first-secret-x").read(request_with(text)) is None


def test_a_cookie_that_no_browser_keeps_is_a_413():
    with pytest.raises(HTTPError, match="413 the cookie __Host-mark has 4096 bytes at most"):
        cookie().sign(list(range(5000)))


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "itsdangerous", None)
    with pytest.raises(MissingExtraError, match=r"this test needs the module itsdangerous.*socketify-ext\[cart\]"):
        cookie()


@pytest.mark.parametrize("secret", [SECRET, [SECRET, "another-secret-of-16"], None])
def test_a_secret_that_is_long_enough_is_taken(secret):
    assert check_secret(secret) == secret


@pytest.mark.parametrize("secret", ["short", [], [SECRET, "short"]])
def test_a_short_secret_is_rejected(secret):
    with pytest.raises(ValueError, match="a secret has 16 characters at least"):
        check_secret(secret)


def test_secrets_are_a_list_the_newest_first():
    assert [secret_list(each) for each in (SECRET, ["b", "a"], None)] == [[SECRET], ["b", "a"], []]


@pytest.mark.parametrize("has_responded", [True, False])
def test_a_response_counts_until_it_has_answered(has_responded):
    response = SimpleNamespace(has_responded=lambda: has_responded)
    found = open_response(SimpleNamespace(response=response))
    assert found is (None if has_responded else response)


def test_a_request_has_no_response_once_its_client_has_left():
    assert open_response(SimpleNamespace(response=None)) is None
