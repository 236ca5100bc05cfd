import body_apps
import httpx2
import pytest
from wire import wire

make_app = body_apps.make


def parts(size):
    for start in range(0, size, 10_000):
        yield b"x" * min(10_000, size - start)


@pytest.mark.parametrize("size", [0, 1, 1000, 70_000, 900_000])
@pytest.mark.parametrize("path", ["/early", "/late", "/streamed"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_may_be_asked_for_before_or_after_an_await(server, path, size, chunked):
    content = parts(size) if chunked else b"x" * size
    with httpx2.Client(base_url=server.url, timeout=20) as client:
        assert client.post(path, content=content).text == str(size)
        assert client.get("/early").text == "hello"


@pytest.mark.parametrize("size", [1, 70_000, 3_000_000])
def test_a_body_that_nobody_asks_for_leaves_the_connection_usable(server, size):
    with httpx2.Client(base_url=server.url, timeout=20) as client:
        assert client.post("/never", content=b"x" * size).text == "ignored"
        assert client.get("/early").text == "hello"


def test_a_large_body_is_read_whole_where_the_handler_allows_it(server):
    assert httpx2.post(f"{server.url}/large", content=b"x" * 20_000_000, timeout=20).text == "20000000"


@pytest.mark.parametrize("path", ["/early", "/late", "/streamed"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_that_is_too_large_is_a_413(server, path, chunked):
    if path == "/streamed" and not chunked:
        chunked = True  # what is announced is read part by part, and has no limit of its own
    with wire(server.port) as connection:
        framing = b"transfer-encoding: chunked" if chunked else b"content-length: 2000000"
        body = b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n" if chunked else b"x" * 1_000_000
        connection.socket.sendall(b"POST %b HTTP/1.1\r\nhost: test\r\n%b\r\n\r\n" % (path.encode(), framing))
        connection.socket.sendall(body + body + (b"0\r\n\r\n" if chunked else b""))
        assert connection.answer().status.startswith("413")


def test_bodies_that_wait_are_counted_together_and_leave_with_their_requests(server):
    head = b"POST /waits HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n"
    with wire(server.port) as asking:
        with wire(server.port) as connection:
            connection.socket.sendall(head + b"1\r\na\r\n" * 20_000)
            while asking.ask("GET", "/held").body != b"20000":
                pass
            connection.reset()
        while asking.ask("GET", "/held").body != b"0":
            pass
        asking.ask("GET", "/small")
        assert asking.ask("POST", "/late", b"x" * 1001).status.startswith("503")
        assert asking.ask("POST", "/late", b"x" * 1000).body == b"1000"
        assert asking.ask("GET", "/held").body == b"0"
