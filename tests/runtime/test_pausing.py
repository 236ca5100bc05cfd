"""`res.pause()` and `res.resume()`: reading stops, goes on, and is never left stopped for the connection's next request."""

import pytest
from wire import wire

SIZE = 1_000_000


def make_app():
    import asyncio

    import socketify_ext

    app = socketify_ext.App()

    def upload(res, req):
        received, paused = 0, 0

        async def go_on(res):
            await asyncio.sleep(0)
            res.resume()

        def part(res, chunk, is_end):
            nonlocal received, paused
            received += len(chunk)
            if is_end:
                res.end({"received": received, "paused": paused})
            else:
                paused += 1
                res.pause()
                res.run_async(go_on(res))

        res.on_data(part)

    async def late(res, req):
        res.pause()
        await asyncio.sleep(0)
        res.end("late")

    async def dropped(res, req):
        res.pause()
        await asyncio.sleep(0)
        res.close()

    app.post("/upload", upload)
    app.get("/both", lambda res, req: (res.pause(), res.resume(), res.end("both")))
    app.get("/pause", lambda res, req: (res.pause(), res.end("pause")))
    app.get("/late", late)
    app.get("/dropped", dropped)
    return app


def test_a_paused_upload_goes_on_to_its_end(server):
    with wire(server.port) as connection:
        found = connection.ask("POST", "/upload", b"x" * SIZE).json()
        assert found["received"] == SIZE
        assert found["paused"] > 1
        assert connection.ask("GET", "/both").body == b"both"


@pytest.mark.parametrize("name", ["both", "pause", "late"])
def test_the_connection_serves_its_next_request(server, name):
    with wire(server.port) as connection:
        for _ in range(3):
            assert connection.ask("GET", f"/{name}").body == name.encode()


def test_a_paused_connection_can_be_closed(server):
    with wire(server.port) as connection:
        connection.send("GET", "/dropped")
        assert connection.read_to_end() == b""
    with wire(server.port) as connection:
        assert connection.ask("GET", "/both").body == b"both"
