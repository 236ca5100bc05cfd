from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from session_apps import SECRET
from socketify_ext_sessions import Options
from socketify_ext_sessions.sessions import session_cookie

import socketify_ext
from socketify_ext.stores.signed_cookie import LIMIT

COOKIE = session_cookie(Options(secret=SECRET), "id")
SIGNED = COOKIE.sign("known")


class Request:
    def __init__(self, text):
        self.text = text

    def get_cookie(self, name):
        assert name == "__Host-session"
        return self.text


changes = st.tuples(st.integers(0, len(SIGNED)), st.integers(0, 3), st.text(max_size=4)).map(
    lambda change: SIGNED[: change[0]] + change[2] + SIGNED[change[0] + change[1] :]
)


@given(st.text() | changes | st.builds("{}.{}.{}".format, st.text(), st.text(), st.text()))
def test_nothing_but_what_was_signed_is_read(text):
    read = COOKIE.read(Request(text))
    # Base64 has more than one way to write a signature; what it signs stays the same.
    assert read is None or read[0] == "known"
    assert read is None or text.startswith(SIGNED.rpartition(".")[0])


def test_what_was_signed_is_read_with_its_time():
    assert COOKIE.read(Request(SIGNED))[0] == "known"
    assert COOKIE.read(Request(None)) is None


def test_a_cookie_that_no_browser_keeps_is_a_413():
    longest = 0

    def grow():
        nonlocal longest
        noise = ""
        for number in range(200):
            noise += hashlib.sha256(str(number).encode()).hexdigest()
            longest = len(COOKIE.name) + 1 + len(COOKIE.sign(noise))

    with pytest.raises(socketify_ext.HTTPError, match="413 the cookie __Host-session has 4096 bytes at most"):
        grow()
    assert LIMIT - 100 < longest <= LIMIT
