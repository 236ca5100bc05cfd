import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.builtin.auth import Options
from socketify_ext.builtin.auth.authentication import Authentication
from socketify_ext.builtin.auth.challenge import Challenge
from socketify_ext.builtin.auth.credential import MAX_LENGTH, AmbiguousRequestError, Sources
from socketify_ext.runtime.cookies import cookie_pairs

asked = []


class Request:
    """A request of these headers and this query."""

    def __init__(self, *headers, query=None):
        self.headers, self.query = headers, query or {}

    def get_header_lines(self, name):
        return [value for each, value in self.headers if each == name]

    def get_cookie_list(self, wanted):
        return [value for name, value in cookie_pairs(v for n, v in self.headers if n == "cookie") if name == wanted]

    def get_queries(self):
        return self.query


def verify(token):
    asked.append(token)
    return {"name": "Ann"}


def identity(*headers, **options):
    asked.clear()
    authentication = Authentication(Options(verify=verify, **options))
    return asyncio.run(authentication.identity(Request(*headers)))


@pytest.mark.parametrize("token", ["x" * (MAX_LENGTH + 1), "ä" * (MAX_LENGTH // 2 + 1), "x" * 1_000_000])
@pytest.mark.parametrize("header", ["authorization", "token"])
def test_a_token_over_8_kib_is_refused_before_it_is_looked_at(header, token):
    found = identity((header, f"Bearer {token}" if header == "authorization" else token))
    assert found.challenge == Challenge(401, "invalid_token", "the token is longer than 8 KiB")
    assert not found.user.is_authenticated
    assert asked == []


@pytest.mark.parametrize("token", ["x" * MAX_LENGTH, "ä" * (MAX_LENGTH // 2)])
def test_a_token_of_8_kib_is_looked_at(token):
    assert identity(("authorization", f"Bearer {token}")).user.name == "Ann"
    assert asked == [token]


@pytest.mark.parametrize("names", [{}, {"header": "X-Key", "cookie": "sid", "query": "access_token"}])
def test_tokens_are_read_where_the_options_say(names):
    sources = Sources(Options(tokens={}, **names))
    request = Request(("token", "a"), ("x-key", "b"))
    assert sources.read(request, upgrade=False) == (("b" if names else "a"), "header")
    request = Request(("cookie", "sid=c"), query={"token": ["d"], "access_token": ["e"]})
    assert sources.read(request, upgrade=True) == (("c", "cookie") if names else ("d", "query"))
    request = Request(query={"token": ["d"], "access_token": ["e"]})
    assert sources.read(request, upgrade=True) == (("e" if names else "d"), "query")
    assert sources.read(request, upgrade=False) is None


def test_the_query_can_be_shut():
    sources = Sources(Options(tokens={}, query=None))
    assert sources.read(Request(query={"token": ["d"]}), upgrade=True) is None


names = st.sampled_from(["authorization", "token", "cookie", "x-other"])


@given(st.lists(st.tuples(names, st.text()), max_size=5))
def test_whatever_the_headers_hold_a_request_has_one_token_or_none(headers):
    sources = Sources(Options(tokens={}, cookie="session"))
    if [name for name, _ in headers].count("authorization") > 1:
        with pytest.raises(AmbiguousRequestError):
            sources.read(Request(*headers), upgrade=False)
        return
    with contextlib.suppress(AmbiguousRequestError):
        found = sources.read(Request(*headers), upgrade=False)
        assert found is None or any(found.token in value for _, value in headers)


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_no_challenge_splits_a_header(realm, reason, scopes):
    challenge = Challenge(401, "invalid_token", reason).answer(realm, tuple(scopes)).headers["WWW-Authenticate"]
    assert challenge.isascii()
    assert challenge.isprintable()
    assert challenge.count('"') % 2 == 0
    assert "\\" not in challenge
