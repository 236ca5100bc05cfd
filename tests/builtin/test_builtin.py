import asyncio
import contextlib
import datetime
import json

import builtin_apps
import httpx2
import msgpack
import msgspec
import pytest
import socketify
import websockets
from hypothesis import given
from hypothesis import strategies as st

import socketify_ext
from socketify_ext.errors import InstallError, OptionsError
from socketify_ext.sdk.to_builtins import duration
from socketify_ext.testing import serve


@pytest.fixture(scope="module", params=["app", "install", "stock"])
def server(request):
    with serve(builtin_apps.builtins, kind=request.param) as serving:
        yield serving


# What both codecs have no type for, and write the same.
PLAIN = [
    ("naive", "2026-01-02T03:04:05"),
    ("date", "2026-01-02"),
    ("decimal", "1.10"),
    ("uuid", "00000000-0000-0000-0000-000000000007"),
    ("enum", "red"),
    ("set", [1]),
    ("timedelta", "P1DT2.5S"),
    ("point", {"x": 1, "y": 2}),
    ("model", {"sku": "s"}),
]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("plain", {"a": [1, 2.5, None, True, b"x", "ä"]}),
        ("aware", datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)),
        *PLAIN,
    ],
)
def test_msgpack_answers_with_the_value(server, name, wanted):
    answer = httpx2.get(f"{server.url}/value/{name}")
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/msgpack"
    assert msgpack.unpackb(answer.content, timestamp=3) == wanted


@pytest.fixture(scope="module", params=["app", "install"])
def json_server(request):
    with serve(builtin_apps.fast_json, kind=request.param) as serving:
        yield serving


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("aware", "2026-01-02T03:04:05.000006Z"),
        *PLAIN,
    ],
)
def test_json_answers_with_the_value(json_server, name, wanted):
    answer = httpx2.get(f"{json_server.url}/value/{name}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == wanted


def test_json_parses_and_sends_over_sockets(json_server):
    assert httpx2.post(f"{json_server.url}/echo", json={"a": ["ä", 1.5, None]}).json() == {"a": ["ä", 1.5, None]}
    assert httpx2.get(f"{json_server.url}/value/bad").status_code == 500

    async def ask():
        async with websockets.connect(f"{json_server.ws_url}/ws") as socket:
            await socket.send("point")
            return await recv(socket)

    assert json.loads(asyncio.run(ask())) == {"x": 1, "y": 2}


def test_json_on_a_stock_app_says_to_install():
    with pytest.raises(InstallError, match="install"):
        socketify.App().register(socketify_ext.load("json"))


@given(st.timedeltas())
def test_durations_are_written_as_msgspec_writes_them(value):
    assert duration(value) == msgspec.json.decode(msgspec.json.encode(value))


def test_msgpack_refuses_what_it_can_not_encode(server):
    assert httpx2.get(f"{server.url}/value/bad").status_code == 500
    assert httpx2.get(f"{server.url}/value/set").status_code == 201


@pytest.mark.parametrize("path", ["/user", "/late-user"])
@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, {"name": "Anonymous"}),
        ({"token": "wrong"}, {"name": "Anonymous"}),
        ({"token": "secre"}, {"name": "Anonymous"}),
        ({"authorization": "Basic secret"}, {"name": "Anonymous"}),
        ({"token": "secret"}, {"name": "Test", "role": "admin"}),
        ({"authorization": "Bearer secret"}, {"name": "Test", "role": "admin"}),
        ({"authorization": "bearer secret", "token": "wrong"}, {"name": "Test", "role": "admin"}),
    ],
)
def test_auth_knows_the_user_of_a_token(server, path, headers, wanted):
    assert httpx2.get(server.url + path, headers=headers).json() == wanted


def test_auth_asks_an_asynchronous_verify():
    with serve(builtin_apps.builtins, kind="app", verify="lookup") as serving:
        assert httpx2.get(f"{serving.url}/user", headers={"token": "tim"}).json() == {"name": "TIM"}
        assert httpx2.get(f"{serving.url}/user", headers={"token": "ann"}).json() == {"name": "Anonymous"}


def test_auth_without_a_way_to_verify_shows_both():
    with pytest.raises(OptionsError, match=r"tokens=.*verify=callable\(token\)"):
        socketify_ext.load("auth")


def test_auth_keeps_tokens_out_of_its_options_text():
    extension = socketify_ext.load("auth", tokens={"s3cret": {"name": "Test"}})
    assert "s3cret" not in repr(extension.validated_options())


def test_200_concurrent_carts_hold_their_own_item(server):
    async def fetch_all():
        async with httpx2.AsyncClient(base_url=server.url, timeout=20) as client:
            return await asyncio.gather(*(client.get(f"/cart?item={n}") for n in range(200)))

    assert [answer.json() for answer in asyncio.run(fetch_all())] == [[str(n)] for n in range(200)]


async def recv(socket):
    return await asyncio.wait_for(socket.recv(), 5)


async def pm(socket):
    frame = json.loads(await recv(socket))
    assert [len(frame.pop(name)) for name in ("id", "at")] == [32, 24]
    return frame


def test_pm_signals_first_and_then_uses_the_room(server):
    async def chat():
        async with contextlib.AsyncExitStack() as stack:
            ann, ben, eve = [
                await stack.enter_async_context(websockets.connect(f"{server.ws_url}/chat?name={name}"))
                for name in ("Ann", "Object", "Eve")
            ]
            await ann.send("Object: hello")
            assert await pm(ben) == {"type": "pm", "username": "Ann", "message": "hello"}
            await ben.send("Ann: hi")
            assert await pm(ann) == {"type": "pm", "username": "Object", "message": "hi"}
            await ann.send("Object: how are you")
            assert [(await pm(ben))["message"], (await pm(ben))["message"]] == ["hi", "how are you"]
            await eve.send("Eve: only me")
            return (await pm(eve))["message"]

    assert asyncio.run(chat()) == "only me"


def test_pm_signals_while_only_the_senders_own_tabs_are_in_the_room(server):
    async def chat():
        url = f"{server.ws_url}/chat?name="
        async with (
            websockets.connect(url + "Tim") as tab,
            websockets.connect(url + "Tim") as other_tab,
            websockets.connect(url + "Zoe") as zoe,
        ):
            await tab.send("Zoe: one")
            first = json.loads(await recv(zoe))
            await other_tab.send("Zoe: two")
            return first["message"], json.loads(await recv(zoe))["message"]

    assert asyncio.run(chat()) == ("one", "two")
