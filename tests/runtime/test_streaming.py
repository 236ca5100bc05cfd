"""Answers in parts: what arrives, what is held for a client that does not read, and how a producer ends."""

import socket
import ssl
from pathlib import Path

import httpx2
import pytest
import stream_apps
from wire import wire

from socketify_ext.testing import serve

make_app = stream_apps.make
WHOLE = stream_apps.PART * stream_apps.PARTS
SMALL = ",".join(map(str, range(50_000))) + ","
BODIES = {
    "sync": WHOLE,
    "async": WHOLE,
    "mixed": "äbcdd".encode(),
    "iterator": b"ab",
    "list": b"one, two",
    "large": b"x" * 10_000_000 + b"y",
    "small": SMALL.encode(),
    "empty": b"",
}


@pytest.mark.parametrize("when", ["stream", "late"])
@pytest.mark.parametrize("name", BODIES)
def test_all_parts_arrive_in_order_behind_the_head(server, name, when):
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        for _ in range(2):
            answer = client.get(f"/{when}/{name}")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/csv"
            assert (answer.headers["x-before"], answer.headers["set-cookie"].split(";")[0]) == ("1", "a=b")
            assert answer.content == BODIES[name]


def test_a_producer_sees_the_handlers_context_variables(server, state):
    assert httpx2.get(f"{server.url}/stream/pages").text == "0 pages;1 pages;2 pages;"
    httpx2.get(f"{server.url}/stream/mixed")
    assert state(lambda seen: "name" in seen)["name"] == "mixed"


def test_parts_may_come_behind_others_and_from_a_sync_handler(server):
    assert httpx2.get(f"{server.url}/after-a-part").text == "head, one, two"
    assert httpx2.get(f"{server.url}/from-sync").text == "ab"


@pytest.mark.parametrize("name", ["sync", "async", "fails"])
def test_head_gets_the_head_alone_and_runs_no_producer(server, state, name):
    with wire(server.port) as connection:
        head = connection.ask("HEAD", f"/stream/{name}")
        assert head.status == "200 OK"
        assert ("content-type", "text/csv") in head.headers
        assert connection.ask("GET", "/state").json()["made"] == 0


@pytest.mark.parametrize("status", ["204", "304"])
def test_a_status_without_a_body_runs_no_producer(server, state, status):
    with wire(server.port) as connection:
        connection.send("GET", f"/{status}")
        assert connection.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 " + status.encode())
        assert connection.ask("GET", "/state").json()["made"] == 0


@pytest.mark.parametrize("name", ["fails", "text", "nothing"])
def test_an_error_before_the_first_part_is_a_500(server, name):
    with wire(server.port) as connection:
        assert connection.ask("GET", f"/stream/{name}").status.startswith("500")
        answer = connection.ask("GET", "/stream/refuses")
        assert (answer.status, answer.json()) == ("404 Not Found", {"detail": "no such report"})
    server.wait_for_log("Error")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("fails-behind", "ZeroDivisionError"),
        ("refuses-behind", "no such report"),
        ("fails-late", "KeyError"),
        ("object", "a part of an answer is text or bytes, not a object"),
    ],
)
def test_an_error_behind_a_part_closes_the_connection_and_is_logged(server, name, error):
    before = server.log.count(error)
    with wire(server.port) as connection:
        connection.send("GET", f"/stream/{name}")
        assert not connection.read_to_end().endswith(b"0\r\n\r\n")
    assert server.log.count(error) > before


@pytest.mark.parametrize("path", ["/stream/sync", "/stream/async", "/late/sync", "/write"])
def test_a_client_that_does_not_read_holds_little_and_its_producer_waits(server, state, path):
    with wire(server.port) as connection:
        connection.send("GET", path)
        made = -1
        while made != (made := state(lambda seen: seen["made"])["made"]):
            pass
        assert state(lambda seen: True)["most"] <= 1 << 20
        received = len(connection.read_until(b"\r\n\r\n")) and len(connection.rest)
        while not connection.rest.endswith(b"\r\n0\r\n\r\n"):
            connection.rest = connection.rest[-16:] + connection.socket.recv(1 << 20)
            received += len(connection.rest) - 16
        assert received >= len(WHOLE)
    assert state(lambda seen: True)["most"] <= 1 << 20


@pytest.mark.parametrize("name", ["sync", "async", "waits"])
def test_a_client_that_leaves_ends_the_producer(server, state, name):
    with wire(server.port) as connection:
        connection.send("GET", f"/stream/{name}")
        connection.read_until(b"\r\n\r\n")
        connection.reset()
    seen = state(lambda seen: seen["ended"] and seen["outcomes"])
    assert (seen["ended"], seen["outcomes"]) == ([name], [[200, True]])
    assert seen["made"] < stream_apps.PARTS


def test_a_producer_that_ignores_its_end_is_closed_all_the_same(server, state):
    with wire(server.port) as connection:
        connection.send("GET", "/stream/stubborn")
        connection.read_until(b"first")
        connection.reset()
    assert state(lambda seen: seen["outcomes"])["ended"] == []


def test_a_loop_of_writes_sees_that_its_client_has_left(server, state):
    with wire(server.port) as connection:
        connection.send("GET", "/write")
        connection.read_until(b"\r\n\r\n")
        connection.reset()
    assert state(lambda seen: seen["ended"])["ended"] == ["write"]


@pytest.mark.parametrize(("path", "ended"), [("/times-out", ["waits"]), ("/closes", ["waits", "closed"])])
def test_a_producer_ends_with_its_handler_and_with_its_answer(server, state, path, ended):
    with wire(server.port) as connection:
        connection.send("GET", path)
        connection.read_until(b"first")
        if path == "/times-out":
            connection.read_until(b", timeout\r\n0\r\n\r\n")
        else:
            assert connection.read_to_end() == b""
    assert state(lambda seen: seen["ended"] == ended)


def test_a_request_that_is_answered_takes_no_parts(server, state):
    with wire(server.port) as connection:
        assert connection.ask("GET", "/answered").body == b"first"
        assert connection.ask("GET", "/state").json()["made"] == 0
    server.wait_for_log("stream was refused")


def chunks(data):
    """Return the body that the chunks of an answer make, which follows its head at once."""
    body, at = bytearray(), data.index(b"\r\n\r\n") + 4
    while size := int(data[at : data.index(b"\r\n", at)], 16):
        begin = data.index(b"\r\n", at) + 2
        body += data[begin : begin + size]
        assert data[begin + size : begin + size + 2] == b"\r\n"
        at = begin + size + 2
    return bytes(body)


@pytest.mark.parametrize("name", ["sync", "async", "small", "large"])
@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "tls"])
def test_a_slow_client_gets_all_parts(is_secure, name):
    data = Path(__file__).parents[1] / "data"
    certificate, key = (str(data / f"localhost.{kind}") if is_secure else None for kind in ("crt", "key"))
    with serve(stream_apps.make, certificate=certificate, key=key) as serving, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(30)
        client.connect(("127.0.0.1", serving.port))
        context = ssl.create_default_context(cafile=certificate)
        with context.wrap_socket(client, server_hostname="localhost") if is_secure else client as connection:
            connection.sendall(b"GET /stream/%b HTTP/1.1\r\nHost: test\r\n\r\n" % name.encode())
            received = bytearray()
            while not received.endswith(b"\r\n0\r\n\r\n"):
                received += connection.recv(1 << 20)
        assert chunks(bytes(received)) == BODIES[name]
