"""WebSockets that a client may leave at any time."""

import httpx2
import pytest
from websockets.sync.client import connect
from wire import wire

from socketify_ext.testing import serve

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def make_app():
    import asyncio

    import socketify_ext

    app = socketify_ext.App()
    closed, failed = asyncio.Event(), asyncio.Event()

    async def answer_late(ws, message, opcode):
        await closed.wait()
        try:
            ws.send(message, opcode)
        finally:
            failed.set()

    async def report(res, req):
        await failed.wait()
        res.end("failed")

    async def upgrade_late(res, req, context):
        await asyncio.sleep(0)
        names = ("sec-websocket-key", "sec-websocket-protocol", "sec-websocket-extensions")
        res.upgrade(*map(req.get_header, names), context)

    app.ws("/upgraded-late", {"upgrade": upgrade_late, "open": lambda ws: ws.subscribe("news")})
    app.ws("/late", {"message": answer_late, "close": lambda ws, code, message: closed.set()})
    app.get("/report", report)
    return app


@pytest.fixture(scope="module")
def server():
    with serve(make_app) as serving:
        yield serving


def test_rfc6455_4_1_http_1_0_is_not_upgraded(server):
    head = [
        "GET /upgraded-late HTTP/1.0",
        "host: x",
        "upgrade: websocket",
        "connection: Upgrade",
        f"sec-websocket-key: {KEY}",
    ]
    for _ in range(20):  # the core lets go of such a connection, and a late upgrade would find memory of another one
        with wire(server.port) as connection:
            connection.socket.sendall("\r\n".join([*head, "sec-websocket-version: 13", "", ""]).encode())
            answer = connection.answer()
            assert (answer.status, answer.json()) == ("400 Bad Request", {"detail": "a WebSocket needs HTTP/1.1"})
    with wire(server.port) as connection:
        assert connection.ask("GET", "/nothing").status == "404 Not Found"


def test_an_answer_to_a_client_that_has_left_is_no_fault_of_the_app(server):
    with connect(f"{server.ws_url}/late") as socket:
        socket.send("hello")
    assert httpx2.get(f"{server.url}/report").text == "failed"
    assert "Traceback" not in server.log
    assert "ERROR" not in server.log
