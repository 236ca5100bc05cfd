"""Dispatch: what keeps the process alive where dispatch itself fails, as without memory."""

import pytest
from wire import wire


def make_app():
    import socketify_ext

    app = socketify_ext.App()

    def broken(*_):
        raise MemoryError("no memory left")

    class Broken:
        def __init__(self):
            raise MemoryError("no memory left")

    def fails(res, req):
        app._server.fail = broken
        try:
            raise ValueError
        finally:
            app.loop.loop.call_soon(vars(app._server).pop, "fail")

    def answered(res, req):
        res.end("answered")
        fails(res, req)

    def unmade(res, req):
        real, route.response_class = route.response_class, Broken
        app.loop.loop.call_soon(setattr, route, "response_class", real)
        res.end("the next one fails")

    app.get("/fails", fails)
    app.get("/answered", answered)
    app.get("/unmade", unmade)
    app.get("/ok", lambda res, req: res.end("fine"))
    route = next(route for route in app._server.routes if route.pattern == "/ok")
    return app


@pytest.mark.parametrize("path", ["/fails", "/answered"])
def test_a_request_whose_error_cannot_be_handled_ends_its_connection_alone(server, path):
    with wire(server.port) as connection:
        connection.send("GET", path)
        assert connection.read_to_end() == b""
    server.wait_for_log("could not be dispatched")
    with wire(server.port) as connection:
        assert connection.ask("GET", "/ok").body == b"fine"


def test_a_request_without_objects_ends_its_connection_alone(server):
    with wire(server.port) as connection, wire(server.port) as other:
        # Both come in one piece, so that the second is dispatched before the loop goes on.
        connection.socket.sendall(b"GET /unmade HTTP/1.1\r\nHost: test\r\n\r\nGET /ok HTTP/1.1\r\nHost: test\r\n\r\n")
        assert b"fine" not in connection.read_to_end()
        server.wait_for_log("could not be dispatched")
        assert other.ask("GET", "/ok").body == b"fine"
