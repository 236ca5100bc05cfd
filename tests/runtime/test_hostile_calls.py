"""Whatever a public call is given, and whenever: the process lives, the client gets an answer, the next one its own."""

import pytest
from hostile_apps import CALLS, MOMENTS, VALUES, aborted_app, http_app, socket_app
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from wire import Wire, wire

from socketify_ext.testing import serve

# With these a handler says that it answers later, itself.
PROMISES = {"grab_aborted_handler", "on_aborted", "on_data", "on_writable"}


@pytest.fixture(scope="module")
def http():
    with serve(http_app) as server:
        yield server


def read_answer(connection, method):
    """Read one answer, whole or chunked; "closed" where the connection ends instead."""
    try:
        head = connection.read_until(b"\r\n\r\n").decode("latin-1").lower()
        while head.startswith("http/1.1 100 "):
            head = connection.read_until(b"\r\n\r\n").decode("latin-1").lower()
        assert head.startswith("http/1.1 "), head
        status = int(head[9:12])
        if method == "HEAD" or status in (204, 304):
            return status
        if "transfer-encoding: chunked" in head:
            while (size := int(connection.read_until(b"\r\n"), 16)) or not connection.read_until(b"\r\n"):
                while len(connection.rest) < size + 2:
                    connection._more()
                assert connection.rest[size : size + 2] == b"\r\n"
                connection.rest = connection.rest[size + 2 :]
            return status
        if "content-length: " not in head:
            connection.read_to_end()
            return "closed"
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        while len(connection.rest) < length:
            connection._more()
        connection.rest = connection.rest[length:]
    except ConnectionError:
        return "closed"
    return status


def walk(server, target, number, moment, method):
    """Make one call with each value in turn, and ask for something else behind each on the same connection."""
    name = CALLS[target][number][0]
    connection = Wire(server.port, 10.0)
    values = range(len(VALUES)) if CALLS[target][number][1] is not None else range(1)
    for value in values:
        where = f"{target}.{name} {number} with value {value}, {moment}, {method}"
        connection.send(method, f"/call/{target}/{number}/{value}/{MOMENTS.index(moment)}")
        try:
            found = read_answer(connection, method)
            if found != "closed":
                connection.send("GET", "/ok")
                try:
                    assert connection.answer().body == b"fine", where
                except ConnectionError:  # an answer that asked for the end of its connection
                    found = "closed"
            if found == "closed":
                connection.socket.close()
                connection = Wire(server.port, 10.0)
        except TimeoutError:
            pytest.fail(f"{where}: no answer\n{server.log[-3000:]}")
        except (ValueError, AssertionError) as error:
            pytest.fail(f"{where}: {error!r}\n{server.log[-3000:]}")
        except OSError as error:
            pytest.fail(f"{where}: {error!r}, alive {server.alive}\n{server.log[-3000:]}")
    connection.socket.close()
    assert server.alive


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", range(len(CALLS["response"])))
def test_a_call_of_the_response_ends_in_an_answer(http, number, moment):
    walk(http, "response", number, moment, "GET")


@pytest.mark.parametrize("moment", ["first step", "after an await"])
@pytest.mark.parametrize("number", range(len(CALLS["response"])))
def test_the_same_holds_for_head(http, number, moment):
    walk(http, "response", number, moment, "HEAD")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", range(len(CALLS["request"])))
def test_a_call_of_the_request_ends_in_an_answer(http, number, moment):
    walk(http, "request", number, moment, "GET")


def test_calls_on_a_response_whose_client_has_left_harm_nobody():
    with serve(aborted_app) as server:
        with wire(server.port) as connection:
            connection.send("GET", "/wait")
            with wire(server.port) as other:
                assert other.ask("GET", "/arrived").body == b"arrived"
            connection.reset()
        with wire(server.port) as connection:
            assert connection.ask("GET", "/done").json() == [True]


@pytest.fixture(scope="module")
def sockets():
    with serve(socket_app) as server:
        yield server


@pytest.mark.parametrize("moment", ["now", "in a cork", "later"])
@pytest.mark.parametrize("number", range(len(CALLS["ws"])))
def test_a_call_of_a_websocket_leaves_it_open_or_closes_it(sockets, number, moment):
    for value in range(len(VALUES)):
        with connect(sockets.ws_url + "/ws", proxy=None, compression=None, max_size=None) as client:
            client.send(f'[{number}, {value}, "{moment}"]')
            try:
                while client.recv(timeout=10, decode=False) != b"done":
                    pass
            except ConnectionClosed:
                pass
            except TimeoutError:
                pytest.fail(f"{CALLS['ws'][number]} with value {value}, {moment}: neither an answer nor the end")
    assert sockets.alive


def test_calls_on_a_websocket_that_closes_harm_nobody(sockets):
    with connect(sockets.ws_url + "/closing", proxy=None, compression=None) as client:
        client.send("x")
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=30)
    with wire(sockets.port) as connection:
        assert connection.ask("GET", "/closed").json() != []
        assert connection.ask("GET", "/ok").body == b"fine"
