"""Tokens that are verified in several ways, side by side: which one decides."""

import asyncio
import base64
import json

import httpx2
import pytest
from issuer import sign

import socketify_ext
from socketify_ext.builtin.auth.authentication import make_verifier
from socketify_ext.builtin.auth.options import Options
from socketify_ext.builtin.auth.user import InvalidTokenError, User
from socketify_ext.builtin.auth.verifier_chain import is_jwt
from socketify_ext.testing import serve

SECRET = "a secret of more than thirty-two bytes"
OTHER = "another secret of more than thirty-two bytes"
JWT = {"key": SECRET, "algorithms": ["HS256"]}
OPAQUE = {"deploy-token": {"id": "deploy", "name": "Deployment"}}


def encoded(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def chain(asked, **options):
    def verify(token):
        asked.append(token)
        return {"id": "own"} if token.startswith("key") else None

    return make_verifier(Options(verify=verify, **options))


@pytest.fixture
def asked():
    return []


def test_a_fixed_token_is_found_first_even_where_it_looks_like_a_jwt(asked):
    token = sign(OTHER, "HS256")
    verifier = chain(asked, tokens={token: {"id": "7", "name": "Ann"}}, jwt=JWT)
    assert verifier(token, None).id == "7"
    assert asked == []


def test_a_jwt_is_judged_by_its_own_verifier_alone(asked):
    verifier = chain(asked, tokens=OPAQUE, jwt=JWT)
    assert verifier(sign(SECRET, "HS256", sub="8"), None).id == "8"
    for refused, why in (
        (sign(SECRET, "HS256", exp=1), "expired"),
        (sign(OTHER, "HS256"), "signature"),
        (f"{encoded({'alg': 'none'})}.{encoded({'sub': 'admin'})}.", "algorithm"),
    ):
        with pytest.raises(InvalidTokenError, match=why):
            verifier(refused, None)
    assert asked == []


@pytest.mark.parametrize(
    "token",
    [
        "key",
        "key.with.dots",
        "key..",
        "key" + ".x" * 4,
        "key.\udc00.\u00e9",
        f"key{encoded({'id': 7})}.stamp.signature",
        "key" * 2000,
    ],
)
def test_everything_else_is_for_the_app_s_own_function(asked, token):
    assert chain(asked, tokens=OPAQUE, jwt=JWT)(token, None).id == "own"
    assert asked == [token]


def test_a_signed_text_that_is_no_jwt_is_for_the_app_s_own_function(asked):
    token = f"{encoded({'id': 7})}.stamp.signature"
    assert chain(asked, jwt=JWT)(token, None) is None
    assert asked == [token]


@pytest.mark.parametrize(
    "token", ["", ".", "..", "e30..", "W10..", "bnVsbA..", f"{encoded({'alg': 7})}..", f"{encoded({'alg': [1]})}.a.b"]
)
def test_a_header_without_an_algorithm_is_no_jwt(token):
    assert not is_jwt(token)


def test_tokens_beside_jwt_alone_leave_the_rest_to_jwt():
    verifier = make_verifier(Options(tokens=OPAQUE, jwt=JWT))
    assert verifier("deploy-token", None).id == "deploy"
    assert verifier(sign(SECRET, "HS256", sub="8"), None).id == "8"
    with pytest.raises(InvalidTokenError, match="malformed"):
        verifier("nobody's", None)


@pytest.mark.parametrize("found", [{"name": "Ann"}, {"name": "Ann", "id": ""}])
def test_a_name_is_no_identity_beside_other_ways(found):
    verifier = make_verifier(Options(tokens=OPAQUE, verify=lambda token: found))
    with pytest.raises(TypeError, match="id"):
        verifier("key", None)


def test_a_user_of_the_app_s_own_is_taken_beside_other_ways():
    async def verify(token, request):
        return User("9", name="Ann") if request == "the request" else {"sub": "10"}

    verifier = make_verifier(Options(tokens=OPAQUE, verify=verify))
    assert asyncio.run(verifier("key", "the request")).id == "9"
    assert asyncio.run(verifier("key", None)).id == "10"


def several():
    async def verify(token):
        await asyncio.sleep(0)
        return {"id": token, "name": "Ben"} if token.startswith("key") else None

    app = socketify_ext.App()
    app.register(socketify_ext.load("auth", tokens=OPAQUE, jwt=JWT, verify=verify, cookie="session"))

    async def me(res, req):
        res.end((await req.require_user()).id)

    app.get("/me", me)
    return app


def test_each_way_serves_its_own_requests_at_once_and_says_why_it_refuses():
    tokens = {"deploy-token": "deploy", sign(SECRET, "HS256", sub="8"): "8", "key-9": "key-9"}

    async def ask(http, token):
        return (await http.get("/me", headers={"authorization": f"Bearer {token}"})).text

    async def ask_all(url):
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
            given = [*tokens] * 20
            assert await asyncio.gather(*(ask(http, each) for each in given)) == [tokens[each] for each in given]

    with serve(several) as server:
        asyncio.run(ask_all(server.url))
        for token, why in (
            (sign(SECRET, "HS256", exp=1), "the token has expired"),
            ("nobody", "the token is not known"),
        ):
            answer = httpx2.get(f"{server.url}/me", cookies={"session": token})
            assert (answer.status_code, answer.json()["detail"]) == (401, why)
            assert why in answer.headers["www-authenticate"]
