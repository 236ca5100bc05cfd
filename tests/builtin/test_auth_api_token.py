import gc
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.builtin.auth import api_token
from socketify_ext.builtin.auth.api_token import ApiTokens

tokens = st.text(min_size=1)


@given(tokens, tokens)
def test_only_the_whole_token_is_known(known, asked):
    found = ApiTokens({known: {"name": "Ann"}})(asked)
    assert (found is not None) == (known == asked)


@given(st.dictionaries(tokens, st.text(min_size=1), max_size=5), tokens)
def test_a_token_gives_its_own_user(names, asked):
    verify = ApiTokens({token: {"name": name} for token, name in names.items()})
    assert {token: verify(token).name for token in names} == names
    if asked not in names:
        assert verify(asked) is None


@pytest.fixture
def compared(monkeypatch):
    """Return the pairs that are compared in constant time."""
    pairs = []

    def compare(first, second):
        pairs.append((first, second))
        return hmac.compare_digest(first, second)

    monkeypatch.setattr(api_token, "hmac", type("Recorded", (), {"digest": hmac.digest, "compare_digest": compare}))
    return pairs


@pytest.mark.parametrize(("asked", "is_known"), [("s3cret-token", True), ("s3cret-tokeN", False), ("s3cret", False)])
def test_every_look_up_compares_one_pair_of_hashes_in_constant_time(compared, asked, is_known):
    verify = ApiTokens({"s3cret-token": {"name": "Ann"}, "another": {"name": "Bob"}})
    assert (verify(asked) is not None) == is_known
    ((known, given_digest),) = compared
    assert len(known) == len(given_digest) == 32
    assert asked.encode() not in known + given_digest


def test_tokens_are_found_by_a_hash_whose_key_is_new_each_time(compared):
    for _ in range(2):
        ApiTokens({"s3cret-token": {"name": "Ann"}})("s3cret-token")
    (first, _), (second, _) = compared
    assert first != second


def test_a_hash_that_begins_alike_is_not_enough(monkeypatch):
    digests = {"known": b"same-beg" + b"1" * 24, "asked": b"same-beg" + b"2" * 24}
    monkeypatch.setattr(ApiTokens, "_digest", lambda self, token: digests[token])
    verify = ApiTokens({"known": {"name": "Ann"}})
    assert verify("known").name == "Ann"
    assert verify("asked") is None


def test_no_token_is_kept():
    verify = ApiTokens({f"s3cret-{number}": {"name": "Ann"} for number in range(3)})
    seen, waiting = set(), list(vars(verify).values())
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, type):
            continue
        seen.add(id(value))
        assert not (isinstance(value, str) and value.startswith("s3cret-"))
        assert not (isinstance(value, bytes) and b"s3cret-" in value)
        waiting.extend(gc.get_referents(value))
    assert len(seen) > 10
