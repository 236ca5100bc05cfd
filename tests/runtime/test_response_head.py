import socket

import head_apps
import httpx2
import pytest

make_app = head_apps.make


def exchange(server, method, path):
    """Send two requests on one connection, and give both answers as they came, byte by byte."""

    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        client.sendall(f"{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += client.recv(65536)
        client.sendall(b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n")
        while b"the next answer" not in data:
            part = client.recv(65536)
            assert part, data
            data += part
    first, _, rest = data.partition(b"\r\n\r\n")
    return first.decode().split("\r\n"), rest


@pytest.mark.parametrize(
    ("method", "path", "length"),
    [
        ("HEAD", "/head", "6"),
        ("HEAD", "/json", "7"),
        ("HEAD", "/late", "13"),
        ("HEAD", "/pieces", None),
        ("HEAD", "/sized", "3"),
        ("HEAD", "/own-length", "42"),
        ("HEAD", "/any", "6"),
        ("HEAD", "/204", None),
        ("HEAD", "/304", None),
        ("GET", "/204", None),
        ("GET", "/304", None),
    ],
)
def test_no_body_follows_a_head_alone_and_the_next_answer_is_whole(server, method, path, length):
    head, rest = exchange(server, method, path)
    assert rest.startswith(b"HTTP/1.1 200 OK")
    lengths = [line.split(": ")[1] for line in head if line.lower().startswith("content-length")]
    assert lengths == ([] if length is None else [length])


def test_any_routes_send_the_body_to_other_methods(server):
    assert httpx2.get(f"{server.url}/any").text == "a body"
    assert httpx2.post(f"{server.url}/any").text == "a body"


def test_the_core_counts_the_body_and_not_the_handler(server):
    answer = httpx2.get(f"{server.url}/length")
    assert answer.text == "a longer body"
    assert answer.headers.get_list("content-length") == ["13"]


def test_a_handler_can_not_frame_the_body_itself(server):
    assert httpx2.get(f"{server.url}/framing").status_code == 500
    server.wait_for_log("the core frames the body itself")


def test_status_and_headers_can_be_read_and_removed_before_the_answer(server):
    answer = httpx2.get(f"{server.url}/looked-at")
    before = [200, None, False, None]
    written = [299, "ä, 2", True, "5", "a=1, b=2", True]
    assert answer.json() == [*before, *written, None, "c", None, None, *["refused"] * 18]
    assert (answer.status_code, answer.headers["x-ab"]) == (299, "c")
    assert "x-a" not in answer.headers
    assert "set-cookie" not in answer.headers


def test_a_header_that_was_sent_can_not_be_removed(server):
    answer = httpx2.get(f"{server.url}/looked-at-too-late")
    assert (answer.text, answer.headers["x-a"]) == ("x1", "1")
    server.wait_for_log("remove_header was refused: the head of this answer is already sent")
