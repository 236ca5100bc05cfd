import copy
import enum
import json
import pickle

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import socketify_ext
from socketify_ext.builtin.auth.user import ANONYMOUS, FrozenDict, User, name_in, required_scopes

ANN = User("Ann", {"role": "admin", "groups": ["a", {"b": [1]}], "tags": {"x"}})


def test_a_user_is_its_claims_with_a_name():
    assert ANN["name"] == ANN.name == "Ann"
    assert (ANN["role"], ANN["groups"]) == ("admin", ("a", {"b": (1,)}))
    assert ANN.claims == {"role": "admin", "groups": ("a", {"b": (1,)}), "tags": {"x"}}
    assert ANN.is_authenticated
    assert list(ANN) == ["name", "role", "groups", "tags"]


def test_the_anonymous_user_is_a_name_alone():
    assert ANONYMOUS == {"name": "Anonymous"}
    assert not ANONYMOUS.is_authenticated
    assert (ANONYMOUS.claims, ANONYMOUS.id) == ({}, "")
    assert ANONYMOUS.scopes == frozenset()


def test_the_name_is_the_one_that_was_chosen_else_the_claim_else_the_id():
    assert User("7", {"name": "Ann", "sub": "7"}, name="A.") == {"name": "A.", "sub": "7"}
    assert User("7", {"name": "Ann"}).name == "Ann"
    assert User("7", {"name": ["Ann"]}) == {"name": "7"}
    assert User("7").name == "7"


def test_users_are_one_if_their_ids_are():
    assert User("7", {"name": "Ann"}) == User("7", {"name": "Ann"}) == {"name": "Ann"}
    assert User("7", name="Ann") != User("8", name="Ann")
    assert User("Anonymous") != ANONYMOUS
    assert User("7") != 7
    with pytest.raises(TypeError, match="unhashable"):
        hash(User("7"))


@pytest.mark.parametrize("id", ["", None, 7, True, b"7", ["7"], "\udc80"])
def test_what_is_no_text_is_no_identity(id):
    with pytest.raises(ValueError, match="the id of a user is a text"):
        User(id, {"name": "Ann"})


@pytest.mark.parametrize(
    "change",
    [
        lambda user: user.update(name="Eve"),
        lambda user: user.__setitem__("name", "Eve"),
        lambda user: user.__delitem__("name"),
        lambda user: user.setdefault("admin", True),
        lambda user: user.pop("name"),
        lambda user: user.popitem(),
        lambda user: user.clear(),
        lambda user: user.__ior__({"name": "Eve"}),
        lambda user: setattr(user, "is_authenticated", False),
        lambda user: setattr(user, "claims", {}),
        lambda user: delattr(user, "claims"),
        lambda user: setattr(user, "id", "Eve"),
        lambda user: delattr(user, "id"),
        lambda user: user["groups"][1].update(b=2),
        lambda user: user.claims.update(role="none"),
    ],
)
def test_nobody_can_change_a_user(change):
    with pytest.raises(TypeError, match="can't be changed"):
        change(ANN)
    assert User("Ann", {"role": "admin", "groups": ["a", {"b": [1]}], "tags": {"x"}}) == ANN


def test_what_a_user_was_made_of_can_change_without_it():
    given_claims = {"groups": ["a"]}
    user = User("Ann", given_claims)
    given_claims["groups"].append("b")
    assert user["groups"] == ("a",)


def test_a_copy_of_a_user_is_the_user():
    assert copy.copy(ANN) is ANN
    assert copy.deepcopy(ANN) is ANN
    restored = pickle.loads(pickle.dumps(ANN))  # noqa: S301 - it is ours
    assert (restored, restored.claims, restored.is_authenticated) == (ANN, ANN.claims, True)
    restored = pickle.loads(pickle.dumps(User("7", {"sub": "7"}, name="Ann")))  # noqa: S301 - the same
    assert (restored.id, restored.name) == ("7", "Ann")
    assert pickle.loads(pickle.dumps(ANONYMOUS)) == ANONYMOUS  # noqa: S301 - the same
    assert type(pickle.loads(pickle.dumps(ANN.claims))) is FrozenDict  # noqa: S301 - the same


def test_a_log_shows_no_claims():
    assert repr(ANN) == "User('Ann', name='Ann', is_authenticated=True)"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_every_codec_writes_a_user_as_the_plain_mapping(claims):
    user, plain = User("Ann", claims), {**claims, "name": "Ann"}
    assert json.loads(json.dumps(user)) == plain
    assert msgspec.json.decode(msgspec.json.encode(user)) == plain
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(user)) == plain
    assert msgpack.unpackb(msgpack.packb(user), strict_map_key=False) == plain


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "read write"}, {"read", "write"}),
        ({"scp": ["read"]}, {"read"}),
        ({"scopes": ["read", 5]}, {"read"}),
        ({"scope": "", "scp": ["read"]}, set()),
        ({"scope": {"read": True}}, set()),
        ({"scope": 5}, set()),
        ({}, set()),
    ],
)
def test_scopes_are_read_from_the_claim_that_is_there(claims, scopes):
    assert User("Ann", claims).scopes == scopes


@pytest.mark.parametrize(
    ("scopes", "wanted"), [("", ()), ((), ()), ("a b", ("a", "b")), (["a", "b"], ("a", "b")), ({"a"}, ("a",))]
)
def test_scopes_are_required_as_a_text_or_as_texts(scopes, wanted):
    assert required_scopes(scopes) == wanted


@pytest.mark.parametrize("scopes", [None, 5, b"a", [b"a"], [None], [enum.Enum("Scope", "READ").READ], {"a": False}])
def test_a_slip_in_what_is_required_lets_nobody_in(scopes):
    with pytest.raises(TypeError):
        required_scopes(scopes)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Ann", "sub": "7"}, "Ann"),
        ({"sub": "7"}, "7"),
        ({"name": "", "sub": "7"}, "7"),
        ({"name": ["Ann"], "sub": "7"}, "7"),
        ({"name": None}, None),
    ],
)
def test_a_name_is_the_first_claim_that_is_a_text(claims, name):
    assert name_in(claims, ("name", "sub")) == name


def test_a_user_is_part_of_the_public_face():
    from socketify_ext.builtin import auth

    assert auth.User is User
    assert auth.ANONYMOUS is ANONYMOUS
    assert socketify_ext.load("auth", tokens={}).name == "auth"
