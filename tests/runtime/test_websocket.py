"""WebSockets that a client may leave at any time."""

import httpx2
import pytest
from websockets.sync.client import connect

from socketify_ext.testing import serve


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

    app.ws("/late", {"message": answer_late, "close": lambda ws, code, message: closed.set()})
    app.get("/report", report)
    return app


@pytest.fixture(scope="module")
def server():
    with serve(make_app) as serving:
        yield serving


def test_an_answer_to_a_client_that_has_left_is_no_fault_of_the_app(server):
    with connect(f"{server.ws_url}/late") as socket:
        socket.send("hello")
    assert httpx2.get(f"{server.url}/report").text == "failed"
    assert "Traceback" not in server.log
    assert "ERROR" not in server.log
