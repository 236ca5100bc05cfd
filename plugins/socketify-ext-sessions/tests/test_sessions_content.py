from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketify_ext_sessions import Session
from socketify_ext_sessions.session import decode, encode

import socketify_ext

LIMIT = 100_000
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(text, values, max_size=5))
def test_what_is_kept_comes_back_as_it_was(content):
    assert decode(encode(Session(content), LIMIT)) == content


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1, 2},
        {1: "a"},
        {"deep": [{"when": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)}]},
        b"bytes",
        Ellipsis,
        float("nan"),
        float("inf"),
        [float("-inf")],
        "\ud800",
    ],
    ids=repr,
)
def test_what_json_does_not_give_back_is_refused_by_key(value):
    with pytest.raises(TypeError, match=r"can't be saved: it holds what JSON does not give back"):
        encode(Session({"fine": 1, "wrong": value}), LIMIT)


def test_a_refusal_says_where_and_what_it_found():
    with pytest.raises(TypeError, match=r"session\['wrong'\] can't be saved.*\(set\)"):
        encode(Session({"wrong": {1}}), LIMIT)
    with pytest.raises(TypeError, match=r"can't be saved"):
        encode(Session({1: "a"}), LIMIT)


def test_a_value_that_holds_itself_is_refused():
    loop = []
    loop.append(loop)
    with pytest.raises(TypeError, match="can't be saved"):
        encode(Session({"loop": loop}), LIMIT)


def test_a_session_beyond_its_size_is_a_413():
    with pytest.raises(socketify_ext.HTTPError, match="413 a session has 20 bytes at most"):
        encode(Session({"a": "x" * 20}), 20)


def test_a_session_is_a_dict_that_knows_what_became_of_it():
    session = Session()
    assert (session.is_new, session.is_changed, session == {}) == (True, False, True)
    session.setdefault("items", []).append(1)
    assert session.is_changed
    session.destroy()
    assert session == {}
    assert session.is_renewed
