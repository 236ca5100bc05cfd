"""JSON is the same by every way out of a server: with msgspec, without it, and where it is not installed (RFC 8259)."""

import asyncio
import json

import httpx2
import pytest
import websockets

from socketify_ext.testing import serve

NAMES = ("plain", "keys", "object", "circular", "surrogate")
WANTED = {
    "plain": b'{"nan":null,"in":[null,null,1.5]}',
    "keys": b'{"true":1,"null":2,"00000000-0000-0000-0000-000000000007":3,"1.50":4,"2026-01-02":5,"red":6,"2":7}',
    "surrogate": rb'["\ud800"]',
}


def make_app(msgspec):
    import datetime
    import decimal
    import enum
    import sys
    import uuid

    import socketify_ext

    if msgspec == "absent":
        sys.modules["msgspec"] = sys.modules["msgspec.json"] = None
    app = socketify_ext.App()
    app.register(socketify_ext.load("msgpack"))
    if msgspec == "used":
        app.register(socketify_ext.load("json"))
    color = enum.Enum("Color", {"RED": "red"}).RED
    circular = []
    circular.append(circular)
    values = {
        "plain": {"nan": float("nan"), "in": [float("inf"), -float("inf"), 1.5]},
        "keys": {
            True: 1,
            None: 2,
            uuid.UUID(int=7): 3,
            decimal.Decimal("1.50"): 4,
            datetime.date(2026, 1, 2): 5,
            color: 6,
            2: 7,
        },
        "object": [float("nan"), object()],
        "circular": circular,
        "surrogate": ["\ud800"],
    }

    def value_of(req):
        return values[req.get_parameter(0)]

    def header(res, req):
        res.write_header("X-Value", value_of(req)).end()

    def refuse(res, req):
        raise socketify_ext.HTTPError(400, value_of(req))

    def parts(res, req):
        res.write(value_of(req)).end()

    def message(ws, text, opcode):
        how, _, name = text.partition("/")
        try:
            if how == "send":
                ws.send(values[name], opcode)
            else:
                app.publish("all", values[name], opcode)
        except (TypeError, ValueError) as error:
            ws.send(type(error).__name__, opcode)

    app.get("/end/:name", lambda res, req: res.end(value_of(req)))
    app.get("/send/:name", lambda res, req: res.send(value_of(req)))
    app.get("/negotiate/:name", lambda res, req: res.negotiate(value_of(req)))
    app.get("/write/:name", parts)
    app.get("/header/:name", header)
    app.get("/refuse/:name", refuse)
    app.ws("/ws", {"message": message, "open": lambda ws: ws.subscribe("all")})
    return app


@pytest.fixture(scope="module", params=["used", "installed", "absent"])
def server(request):
    with serve(make_app, msgspec=request.param) as serving:
        yield serving


@pytest.mark.parametrize("way", ["end", "send", "negotiate", "write"])
@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_the_same_json_or_a_500(server, way, name):
    answer = httpx2.get(f"{server.url}/{way}/{name}")
    if name in WANTED:
        assert (answer.status_code, answer.content) == (200, WANTED[name])
    else:
        assert (answer.status_code, answer.text) == (500, "Internal Server Error")


@pytest.mark.parametrize("way", ["send", "publish"])
@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_the_same_json_or_an_error(server, way, name):
    async def received():
        async with websockets.connect(f"{server.ws_url}/ws") as socket:
            await socket.send(f"{way}/{name}")
            return await socket.recv()

    wanted = {"object": "TypeError", "circular": "ValueError"}.get(name) or WANTED[name].decode()
    assert asyncio.run(received()) == wanted


@pytest.mark.parametrize("name", ["plain", "keys"])
def test_a_header_and_the_detail_of_an_error_are_json_too(server, name):
    assert httpx2.get(f"{server.url}/header/{name}").headers["x-value"] == WANTED[name].decode()
    answer = httpx2.get(f"{server.url}/refuse/{name}")
    assert (answer.status_code, answer.content) == (400, b'{"detail":' + WANTED[name] + b"}")


def test_the_detail_of_an_error_may_be_anything(server):
    answer = httpx2.get(f"{server.url}/refuse/object")
    assert answer.status_code == 400
    number, text = answer.json()["detail"]
    assert (number, text[:7]) == (None, "<object")
    assert httpx2.get(f"{server.url}/refuse/surrogate").json() == {"detail": json.loads(WANTED["surrogate"])}
    assert httpx2.get(f"{server.url}/refuse/circular").status_code == 500
