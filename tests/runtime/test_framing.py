"""Bodies that two parsers frame differently: what is refused here, and what the core's parser makes of the rest.

Each row is one write: a request, and behind it another that is to be seen as a request only where the first one's
body is over. The rows under "the core" state what it does today, so that another core shows.
"""

import re
import socket

import framing_apps
import pytest

make_app = framing_apps.make

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
REFUSED = ["400 Bad Request"]
BOTH = ["200 OK", "200 OK"]


def request(method, path, *lines, body=b"", host="Host: x"):
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *([host] if host else []), *lines, "", ""])
    return head.encode("latin-1") + body


def answers(port, data):
    """Send bytes and the end of the stream; gives the status of each answer until the server closes."""
    return re.findall(r"HTTP/1\.1 (\d{3} [^\r]+)\r", exchange(port, data).decode("latin-1"))


def exchange(port, data):
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


@pytest.mark.parametrize(
    "route",
    [
        "POST /at-once",
        "PUT /at-once",
        "PATCH /at-once",
        "DELETE /at-once",
        "OPTIONS /at-once",
        "POST /with-body",
        "POST /awaited",
        "POST /taken",
        "POST /any",
        "GET /later",
    ],
)
@pytest.mark.parametrize(
    "coding",
    [
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "xchunked",
        "chunked, chunked",
        ",chunked",
        "chunked;q=1",
        '"chunked"',
        "chunked\xff;",
        "chunked\r\nTransfer-Encoding: identity",
        "identity\r\nTransfer-Encoding: chunked",
    ],
)
def test_a_coding_other_than_chunked_is_refused_with_its_connection(server, route, coding):
    lines = f"Transfer-Encoding: {coding}"
    assert answers(server.port, request(*route.split(), lines, body=b"0\r\n\r\n" + SMUGGLED)) == REFUSED


@pytest.mark.parametrize("route", ["POST /with-body", "POST /awaited", "POST /taken", "GET /later"])
@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 0", "Content-Length: 35"),
        ("Content-Length: 35", "Content-Length: 0"),
        ("Content-Length: 35", "Content-Length: 35"),
        ("Content-Length: ", "Content-Length: 35"),
        ("Content-Length: ",),
    ],
    ids=str,
)
def test_several_lengths_are_refused_where_the_request_is_kept(server, route, lines):
    assert answers(server.port, request(*route.split(), *lines, body=SMUGGLED)) == REFUSED


@pytest.mark.parametrize("coding", ["chunked", "Chunked", "chunked\t", "\tchunked"])
@pytest.mark.parametrize("path", ["/at-once", "/with-body", "/taken", "/any"])
def test_a_chunked_body_is_read_and_the_next_request_served(server, path, coding):
    body = b"3\r\nabc\r\n0\r\n\r\n" + SMUGGLED
    assert answers(server.port, request("POST", path, f"Transfer-Encoding: {coding}", body=body)) == BOTH


@pytest.mark.parametrize("path", ["/at-once", "/with-body", "/taken", "/any"])
def test_a_body_with_a_length_is_read_and_the_next_request_served(server, path):
    data = request("POST", path, "Content-Length: 3", body=b"abc" + SMUGGLED)
    assert answers(server.port, data) == BOTH


def test_the_answer_before_a_refused_request_is_sent(server):
    refused = request("POST", "/at-once", "Transfer-Encoding: gzip", body=SMUGGLED)
    assert answers(server.port, SMUGGLED + refused) == ["200 OK", "400 Bad Request"]


def test_http_1_0_knows_no_transfer_coding(server):
    data = request("POST", "/at-once", CHUNKED, body=b"0\r\n\r\n" + SMUGGLED).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    assert answers(server.port, data) == REFUSED


def test_a_refused_request_leaves_the_server_as_it_was(server):
    for _ in range(200):
        for path in ("/at-once", "/with-body", "/awaited"):
            data = request("POST", path, "Transfer-Encoding: identity", body=b"0\r\n\r\n" + SMUGGLED)
            assert answers(server.port, data) == REFUSED
            data = request("POST", path, "Content-Length: 0", "Content-Length: 35", body=SMUGGLED)
            answers(server.port, data)
    assert answers(server.port, SMUGGLED) == ["200 OK"]
    assert not server.log


# -- the core: what its parser refuses by itself


@pytest.mark.parametrize("value", ["+3", "-3", "0x3", "3abc", "3.0", "1e1", "3, 3", "4294967299", "9" * 23])
def test_the_core_refuses_a_length_that_is_no_number(server, value):
    data = request("POST", "/with-body", f"Content-Length: {value}", body=b"abc" + SMUGGLED)
    assert answers(server.port, data) == REFUSED


@pytest.mark.parametrize("lines", [("Content-Length: 40", CHUNKED), (CHUNKED, "Content-Length: 40")], ids=str)
def test_the_core_refuses_a_length_beside_a_coding(server, lines):
    assert answers(server.port, request("POST", "/at-once", *lines, body=b"0\r\n\r\n" + SMUGGLED)) == REFUSED


@pytest.mark.parametrize(
    "line",
    [
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        "Content-Length : 35",
        "X: a\r\n Content-Length: 35",
        "X: a\nContent-Length: 35",
        "X: a\rContent-Length: 35",
        "X: a\0b",
        "X\0: a",
        "X: a\1",
        "junk",
        "Content_Length: 35",
    ],
)
def test_the_core_answers_no_head_that_is_malformed(server, line):
    assert answers(server.port, request("POST", "/at-once", line, body=SMUGGLED)) == []


def test_the_core_answers_no_head_without_a_host(server):
    assert answers(server.port, request("GET", "/at-once", host=None)) == []


@pytest.mark.parametrize("begin", ["GET ", "GET /at-", "GET /at-once HTTP/1.1", "GET /at-once HTTP/1.1\r"])
def test_the_core_refuses_a_request_line_that_comes_in_pieces(server, begin):
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(begin.encode())
        assert connection.recv(12) == b"HTTP/1.1 505"


def test_the_core_waits_for_headers_that_come_in_pieces(server):
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        for piece in (b"GET /at-once HTTP/1.1\r\n", b"Ho", b"st: x\r", b"\n\r\n"):
            connection.sendall(piece)
        assert connection.recv(12) == b"HTTP/1.1 200"


@pytest.mark.parametrize("size", ["3xyz", "0x3", "+3", "-3", "g", "10000000000000003"])
def test_the_core_refuses_a_chunk_size_that_is_no_number(server, size):
    data = request("POST", "/with-body", CHUNKED, body=f"{size}\r\nabc\r\n0\r\n\r\n".encode() + SMUGGLED)
    assert answers(server.port, data) == REFUSED


def test_the_core_knows_no_trailers_and_takes_them_for_a_request(server):
    data = request("POST", "/with-body", CHUNKED, body=b"3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n" + SMUGGLED)
    assert answers(server.port, data)[-1] == "505 HTTP Version Not Supported"


# -- the core: what it lets through, and nothing here can see; docs/safety.md says what closes it


@pytest.mark.parametrize(
    "body",
    [
        b"3\r\nabcXX0\r\n\r\n",
        b"3\r\nabc\nX0\r\n\r\n",
        b"3\nabc\r\n0\r\n\r\n",
        b"3 \r\nabc\r\n0\r\n\r\n",
        b"3\r\nabc\r\n0\r\nXX",
    ],
    ids=["data not ended", "data ended by one LF and a byte", "size ended by LF", "size with a blank", "end not ended"],
)
def test_the_core_reads_sloppy_chunks(server, body):
    assert answers(server.port, request("POST", "/with-body", CHUNKED, body=body + SMUGGLED)) == BOTH


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_core_counts_the_first_of_several_lengths_where_a_handler_answers_at_once(server, method):
    data = request(method, "/at-once", "Content-Length: 0", "Content-Length: 35", body=SMUGGLED)
    assert answers(server.port, data) == BOTH


def test_the_core_takes_any_coding_for_chunked_where_a_get_is_answered_at_once(server):
    data = request("GET", "/at-once", "Transfer-Encoding: identity", body=b"0\r\n\r\n" + SMUGGLED)
    assert answers(server.port, data) == BOTH


@pytest.mark.parametrize("path", ["/at-once", "/with-body"])
def test_the_core_drops_bytes_that_are_no_ascii_before_a_value(server, path):
    data = request("POST", path, "Transfer-Encoding: \xffchunked", body=b"0\r\n\r\n" + SMUGGLED)
    assert answers(server.port, data) == BOTH


def test_the_core_hides_the_headers_behind_an_empty_name(server):
    assert answers(server.port, request("POST", "/at-once", ": a", "Content-Length: 35", body=SMUGGLED)) == BOTH


def test_the_core_serves_what_comes_after_connection_close(server):
    assert answers(server.port, request("GET", "/at-once", "Connection: close", body=SMUGGLED)) == BOTH


@pytest.mark.parametrize("line", ["Host: y", "Host: a b/c@d"])
def test_the_core_takes_several_hosts_and_any_host(server, line):
    host = "Host: x" if line == "Host: y" else None
    assert answers(server.port, request("GET", "/at-once", line, host=host, body=SMUGGLED)) == BOTH


def test_the_core_drops_a_connection_whose_next_request_comes_before_a_late_answer(server):
    assert answers(server.port, request("GET", "/later", body=SMUGGLED)) == []
