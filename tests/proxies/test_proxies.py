"""nginx and HAProxy with exactly the configurations of docs/proxies.md, in front of a real server.

`make proxies` installs both and runs this; the default run leaves this folder out.
"""

import asyncio
import contextlib
import json
import re
import socket
from typing import NamedTuple

import proxied_app
import pytest
import websockets
from proxy_programs import block, free_port, running

from socketify_ext.testing import serve

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"


class Proxied(NamedTuple):
    """A proxy and the server behind it."""

    name: str
    port: int
    server: int


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxied(request, tmp_path_factory):
    port = free_port()
    with serve(proxied_app.make) as server:
        text = block("docs/proxies.md", request.param).replace("127.0.0.1:3000", f"127.0.0.1:{server.port}")
        with running(request.param, text, port, tmp_path_factory.mktemp(request.param)):
            yield Proxied(request.param, port, server.port)
        assert server.alive


def requests(method, path, *lines, body=b""):
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""])
    return head.encode("latin-1") + body


def exchange(port, data):
    """Send bytes that end with a request for the close of the connection; gives all that comes."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(data)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                received += part
    return received.decode("latin-1")


def served(port):
    """Ask the server itself which paths it has seen since it was last asked."""
    return json.loads(exchange(port, requests("GET", "/seen", "Connection: close")).partition("\r\n\r\n")[2])


HOSTILE = {
    "two lengths": (("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}"), b""),
    "two lengths, the first counts": ((f"Content-Length: {len(SMUGGLED)}", "Content-Length: 0"), b""),
    "coding identity": (("Transfer-Encoding: identity",), b"0\r\n\r\n"),
    "coding chunked, gzip": (("Transfer-Encoding: chunked, gzip",), b"0\r\n\r\n"),
    "coding xchunked": (("Transfer-Encoding: xchunked",), b"0\r\n\r\n"),
    "coding behind a byte that is no ASCII": (("Transfer-Encoding: \xffchunked",), b"0\r\n\r\n"),
    "empty header name": ((": a", f"Content-Length: {len(SMUGGLED)}"), b""),
    "blank before the colon": ((f"Content-Length : {len(SMUGGLED)}",), b""),
    "chunk data not ended": ((CHUNKED,), b"3\r\nabcXX0\r\n\r\n"),
    "chunk size with junk": ((CHUNKED,), b"3xyz\r\nabc\r\n0\r\n\r\n"),
    "two hosts": (("Host: y",), b""),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("row", HOSTILE)
def test_no_request_behind_an_ambiguous_one_reaches_the_server(proxied, row, method):
    lines, body = HOSTILE[row]
    served(proxied.server)
    answer = exchange(proxied.port, requests(method, "/at-once", *lines, body=body + SMUGGLED))
    assert answer.count("HTTP/1.") == 1
    assert re.match(r"HTTP/1\.[01] (400|422|501) ", answer)
    assert "/smuggled" not in served(proxied.server)


@pytest.mark.parametrize("body", [b"3\nabc\r\n0\r\n\r\n", b"3 \r\nabc\r\n0\r\n\r\n", b"3;a=b\r\nabc\r\n0\r\n\r\n"])
def test_what_the_proxy_accepts_it_reads_as_the_server_does(proxied, body):
    answer = exchange(proxied.port, requests("POST", "/with-body", CHUNKED, body=body + SMUGGLED))
    assert '"abc"' in answer
    assert answer.count("HTTP/1.1 200") == 2


def test_pipelined_requests_to_async_handlers_are_all_answered(proxied):
    answer = exchange(proxied.port, requests("GET", "/later") + requests("GET", "/later") + SMUGGLED)
    assert answer.count("HTTP/1.1 200") == 3


def test_a_header_with_an_underscore_does_not_reach_the_server(proxied):
    answer = exchange(proxied.port, requests("GET", "/forwarded", "X_Forwarded_For: 1.1.1.1", "Connection: close"))
    assert json.loads(answer.partition("\r\n\r\n")[2]) == ["127.0.0.1"]


@pytest.mark.parametrize("lines", [(), ("1.1.1.1",), ("1.1.1.1", "2.2.2.2"), ("1.1.1.1, 2.2.2.2",)], ids=str)
def test_the_server_sees_one_address_which_no_client_wrote(proxied, lines):
    forged = [f"X-Forwarded-For: {line}" for line in lines]
    answer = exchange(proxied.port, requests("GET", "/forwarded", *forged, "Connection: close"))
    assert json.loads(answer.partition("\r\n\r\n")[2]) == ["127.0.0.1"]


def test_a_websocket_passes(proxied):
    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{proxied.port}/ws") as socket:
            await socket.send("hello")
            return await socket.recv()

    assert asyncio.run(talk()) == b"hello"
