import asyncio
import functools

import pytest

from socketify_ext.builtin.auth.callback_verifier import CallbackVerifier, as_user, takes_request
from socketify_ext.builtin.auth.user import User
from socketify_ext.errors import OptionsError


class Database:
    def find(self, token):
        return {"name": token}

    def find_for(self, token, request):
        return {"name": token + request}


@pytest.mark.parametrize(
    ("verify", "wanted"),
    [
        (lambda token: {"name": token}, "t"),
        (lambda token, request: {"name": token + request}, "tr"),
        (lambda token, request=None: {"name": token + request}, "tr"),
        (lambda token, cache={}: {"name": token + str(len(cache))}, "t0"),
        (lambda *all_of_them: {"name": "".join(all_of_them)}, "t"),
        (Database().find, "t"),
        (Database().find_for, "tr"),
        (functools.partial(lambda users, token: {"name": users[token]}, {"t": "Ann"}), "Ann"),
        (str, None),
    ],
)
def test_a_verify_gets_the_request_where_it_takes_it(verify, wanted):
    if wanted is None:
        assert not takes_request(verify)
        return
    assert CallbackVerifier(verify)("t", "r").name == wanted


@pytest.mark.parametrize("verify", [lambda: None, lambda one, two, three: None, lambda *, token: None])
def test_a_verify_that_can_not_be_called_is_an_error(verify):
    with pytest.raises(OptionsError, match=r"def verify\(token\) or def verify\(token, request\)"):
        CallbackVerifier(verify)


def test_an_asynchronous_verify_is_awaited():
    async def verify(token):
        await asyncio.sleep(0)
        return {"sub": token}

    async def ask():
        return await CallbackVerifier(verify)("t", None)

    assert asyncio.run(ask()) == {"name": "t", "sub": "t"}


@pytest.mark.parametrize(
    ("given", "identity", "name"),
    [
        ({"id": "7", "sub": "8", "name": "Ann"}, "7", "Ann"),
        ({"sub": "8", "name": "Ann"}, "8", "Ann"),
        ({"name": "Ann"}, "Ann", "Ann"),
        ({"id": "7"}, "7", "7"),
    ],
)
def test_the_identity_is_the_id_else_the_subject_else_the_name(given, identity, name):
    user = as_user(given)
    assert (user.id, user.name) == (identity, name)


def test_a_user_passes_as_it_is():
    user = User("Ann")
    assert as_user(user) is user
    assert as_user(None) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (True, "gave a bool"),
        ("Ann", "gave a str"),
        ({}, "gave a dict without an id"),
        ({"name": 5}, "whose name is not text, or empty"),
        ({"name": ""}, "whose name is not text, or empty"),
        ({"id": 7, "name": "Ann"}, "whose id is not text, or empty"),
        ({"id": None, "name": "Ann"}, "whose id is not text, or empty"),
        ({"id": "", "name": "Ann"}, "whose id is not text, or empty"),
        ({"sub": 7, "name": "Ann"}, "whose sub is not text, or empty"),
    ],
)
def test_what_is_no_user_lets_nobody_in(given, message):
    with pytest.raises(TypeError, match=message):
        as_user(given)
