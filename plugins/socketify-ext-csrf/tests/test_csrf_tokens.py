from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from socketify_ext_csrf import Options, csrf
from socketify_ext_csrf.tokens import Tokens, is_key, make_key

import socketify_ext

SECRET = "the newest secret of this app"  # noqa: S105 - made up
OLD = "the secret that was before it"
KEY = make_key()


def tokens(*secrets, max_age=100, later=0.0):
    return Tokens(secrets or [SECRET], max_age, lambda: time.time() + later)


@pytest.mark.parametrize("identity", [None, "", "Ann", "\u00e9\n"])
def test_a_token_counts_for_its_browser_and_its_user(identity):
    token = tokens().make(KEY, identity)
    assert tokens().check(token, KEY, identity)
    assert not tokens().check(token, make_key(), identity)
    for other in {None, "", "Ann", "Bob", "\u00e9\n"} - {identity}:
        assert not tokens().check(token, KEY, other)


def test_key_and_identity_do_not_flow_into_each_other():
    token = tokens().make("a", "b")
    assert not tokens().check(token, "ab", "")
    assert not tokens().check(token, "a", '", "b')
    assert not tokens().check(token, 'a", "b', None)


def test_no_two_tokens_are_alike_in_any_part():
    made = [tokens().make(KEY, "Ann") for _ in range(50)]
    assert len({token.split(".")[0] for token in made}) == 50
    assert len({token.split(".")[-1] for token in made}) == 50
    assert not any(KEY in token or "Ann" in token for token in made)


def test_a_token_ends():
    token = tokens().make(KEY, None)
    assert tokens(later=90).check(token, KEY, None)
    assert not tokens(later=102).check(token, KEY, None)
    assert tokens(later=-5).check(token, KEY, None)


def test_a_secret_can_be_changed():
    token = tokens(OLD).make(KEY, None)
    assert tokens(SECRET, OLD).check(token, KEY, None)
    assert not tokens(SECRET).check(token, KEY, None)
    assert tokens(SECRET).check(tokens(SECRET, OLD).make(KEY, None), KEY, None)


@given(st.text(max_size=300))
def test_a_made_up_token_does_not_count(text):
    assert not tokens().check(text, KEY, None)


@given(st.integers(0, 200), st.characters())
def test_a_changed_token_does_not_count(place, character):
    token = tokens().make(KEY, None)
    place %= len(token) - 1  # the last letter of a signature has two bits that say nothing
    changed = token[:place] + character + token[place + 1 :]
    assert changed == token or not tokens().check(changed, KEY, None)


@pytest.mark.parametrize(("text", "wanted"), [(None, False), ("", False), ("a" * 21, False), ("a" * 22, True),
    ("a" * 22 + "\n", False), ("\u00e9" * 22, False)])  # fmt: skip
def test_a_cookie_that_nobody_has_made_is_not_taken(text, wanted):
    assert is_key(text) is wanted
    assert is_key(make_key())


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"trusted_origins": ["https://app.example/"]}, "not an origin"),
        ({"trusted_origins": ["https://App.example"]}, "not an origin"),
        ({"trusted_origins": ["https://app.example:443"]}, "not an origin"),
        ({"trusted_origins": ["*"]}, "not an origin"),
        ({"trusted_origins": ["null"]}, "not an origin"),
        ({"trusted_origins": ["https://*.app.example"]}, "not an origin"),
        ({"secret": "short"}, "16 characters"),
        ({"secret": []}, "16 characters"),
        ({"bind": "user"}, "give secret="),
        ({"bind": "name", "secret": SECRET}, "bind"),
        ({"header": "X CSRF"}, "not a header name"),
        ({"field": ""}, "field"),
        ({"max_age": 0}, "max_age"),
        ({"cookie": "a=b"}, "cookie"),
        ({"other": 1}, "Extra inputs"),
    ],
)
def test_options_that_can_not_work_are_refused(options, why):
    with pytest.raises(ValidationError, match=why):
        Options(**options)


def test_the_secret_is_not_shown():
    assert SECRET not in repr(csrf.configured(secret=SECRET)) + repr(Options(secret=[SECRET]))
    with pytest.raises(socketify_ext.ExtensionError) as caught:
        csrf.configured(secret="s3cret")
    assert "s3cret" not in str(caught.value)
