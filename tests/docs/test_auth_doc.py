"""docs/auth.md: its example runs, and its tables name every option."""

import asyncio
import hashlib
import re
from pathlib import Path

import httpx2
import pytest
import socketify
import websockets
from issuer import sign
from websockets.exceptions import InvalidStatus

import socketify_ext
from socketify_ext.builtin.auth import JwtOptions, Options
from socketify_ext.testing import serve

PAGE = (Path(__file__).parents[2] / "docs" / "auth.md").read_text()
EXAMPLE, SEVERAL, ON_ERROR = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SECRET = "a secret of more than thirty-two bytes"


def example():
    names = {"__name__": "example"}
    exec(EXAMPLE, names)  # noqa: S102 - it is ours
    return names["app"]


def stock():
    app = socketify.App()
    app.register(socketify_ext.load("auth", tokens={"secret": {"name": "Ann"}}))
    exec(ON_ERROR, {"app": app, "socketify_ext": socketify_ext})  # noqa: S102 - the same

    async def me(res, req):
        res.end(await req.require_user())

    def broken(res, req):
        raise RuntimeError("no matter")

    app.get("/me", me)
    app.get("/broken", broken)
    return app


def several():
    names = {"__name__": "example"}
    exec(EXAMPLE + SEVERAL, names)  # noqa: S102 - the same
    names["PARTNERS"][hashlib.sha256(b"partner's key").hexdigest()] = {"id": "9", "name": "Partner"}
    app = socketify_ext.App()
    app.register(names["several"])
    app.get("/me", names["me"])
    return app


def token(**changed):
    return sign(SECRET, "HS256", **({"aud": "shop", "scope": "orders:read"} | changed))


def bearer(given):
    return {"authorization": f"Bearer {given}"}


def test_the_example_with_several_ways_takes_each():
    with serve(several, environment={"JWT_KEY": SECRET}) as serving, httpx2.Client(base_url=serving.url) as http:
        names = [
            http.get("/me", headers=bearer(each)).json().get("name")
            for each in ("a token for deployments", token(), "partner's key", "nobody's key", token(exp=1))
        ]
    assert names == ["Deployment", "Ann", "Partner", None, None]


def test_the_example_does_what_it_says():
    with serve(example, environment={"JWT_KEY": SECRET}) as serving, httpx2.Client(base_url=serving.url) as http:
        assert http.get("/me").json() == {"hint": "send Authorization: Bearer <token>"}
        assert http.get("/me", headers=bearer(token())).json()["name"] == "Ann"
        assert http.get("/orders", headers=bearer(token())).json() == {"orders of": "Ann"}
        refused = http.get("/orders")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (
            401,
            'Bearer realm="api", scope="orders:read"',
        )
        assert http.get("/orders", headers=bearer(token(scope="other"))).status_code == 403
        assert http.get("/orders", headers=bearer(token(aud="other"))).status_code == 401

        async def chat(path, **options):
            async with websockets.connect(serving.ws_url + path, **options) as socket:
                await socket.send("hello")
                return await asyncio.wait_for(socket.recv(), 10)

        cookie = {"cookie": f"session={token()}"}
        told = [
            asyncio.run(chat(f"/chat?room=tea&token={token()}")),
            asyncio.run(chat("/chat?room=tea", additional_headers=cookie, origin="https://shop.example")),
        ]
        assert told == ["Ann in tea: hello"] * 2
        with pytest.raises(InvalidStatus, match="403"):
            asyncio.run(chat("/chat", additional_headers=cookie, origin="https://evil.example"))


def test_the_error_handler_for_a_stock_app_answers_as_it_says():
    with serve(stock) as serving, httpx2.Client(base_url=serving.url) as http:
        assert http.get("/me", headers={"token": "secret"}).json() == {"name": "Ann"}
        answer = http.get("/me")
        assert (answer.status_code, answer.json()) == (401, {"detail": "a token is required"})
        assert answer.headers["www-authenticate"] == 'Bearer realm="api"'
        assert http.get("/broken").status_code == 500


def test_the_tables_name_every_option_and_member():
    named = [
        name for cell in re.findall(r"^\| ([^|]+) \|", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)
    ]
    assert sorted(named) == sorted([*Options.model_fields, *JwtOptions.model_fields])
    extension = socketify_ext.load("auth", tokens={})
    members = [f"{member.target}.{member.name}" for member in extension.declare().spec.members]
    assert members == ["request.get_user", "request.require_user", "response.upgrade_authenticated", "ws.get_user"]
    written = re.findall(r"^\| `(?:await )?(\w+)\.(\w+)\(", PAGE, re.MULTILINE)
    assert [
        f"{ {'req': 'request', 'res': 'response'}.get(target, target) }.{name}" for target, name in written
    ] == members
