import body_apps
import httpx2
import pytest
from wire import wire

import socketify_ext
from socketify_ext.testing import serve

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


@pytest.mark.parametrize("size", [1, 70_000, 1_048_576])
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
        with wire(server.port) as connection:
            assert connection.ask("POST", "/late", b"x" * 1001).status.startswith("503")
        assert asking.ask("POST", "/late", b"x" * 1000).body == b"1000"
        assert asking.ask("GET", "/held").body == b"0"


@pytest.fixture(scope="module")
def limited():
    with serve(body_apps.make_limited) as server:
        yield server


WAYS = ["/whole/early", "/whole/late", "/text/early", "/text/late", "/in-parts/early", "/in-parts/late"]
HOOKED = ["/hooked/whole", "/hooked/in-parts", "/extension", "/deferred"]


@pytest.mark.parametrize("size", [0, 1, 1_500_000, 19_000_000])
@pytest.mark.parametrize("path", [*WAYS, *HOOKED])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_route_has_a_limit_of_its_own_whenever_the_body_is_asked_for(limited, path, size, chunked):
    with httpx2.Client(base_url=limited.url, timeout=30) as client:
        assert client.post(path, content=parts(size) if chunked else b"x" * size).text == str(size)
        assert client.get("/ok").text == "ok"
        assert client.get("/held").text == "0"


def send_too_much(connection, path, size, chunked):
    """Send a body as a client does that reads the answer while it sends."""
    framing = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % size
    connection.socket.sendall(b"POST %b HTTP/1.1\r\nhost: test\r\n%b\r\n\r\n" % (path.encode(), framing))
    piece = b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n" if chunked else b"x" * 1_000_000
    for _ in range(size // 1_000_000):
        connection.socket.sendall(piece)


@pytest.mark.parametrize("path", [*WAYS, *HOOKED, "/never", "/at-once"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_above_the_limit_a_client_gets_413_and_its_connection_closes(limited, path, chunked):
    if chunked and path in ("/never", "/at-once"):
        pytest.skip("nobody looks at the body, and nothing announces its length")
    with wire(limited.port) as connection:
        send_too_much(connection, path, 22_000_000 if path not in ("/never", "/at-once") else 2_000_000, chunked)
        answer = connection.answer()
        assert answer.status.startswith("413"), answer
        assert dict(answer.headers)["connection"] == "close"
        assert connection.read_to_end() == b""
    assert "Error" not in limited.log


@pytest.mark.parametrize("path", ["/in-parts/early", "/in-parts/late"])
def test_a_body_that_is_read_in_parts_is_held_in_part(limited, path):
    httpx2.post(limited.url + path, content=b"x" * 19_000_000, timeout=30)
    kept = httpx2.get(f"{limited.url}/kept").json()
    assert max(held for held in kept if isinstance(held, int)) <= 1 << 20


def test_reading_pauses_while_no_part_is_taken(limited):
    found = httpx2.post(f"{limited.url}/slow", content=b"x" * 19_000_000, timeout=30).json()
    assert found["total"] == 19_000_000
    assert 0 < found["held"] <= 1 << 20


@pytest.mark.parametrize("size", [1, 70_000, 19_000_000])
def test_who_leaves_the_loop_early_leaves_the_connection_to_its_next_request(limited, size):
    with httpx2.Client(base_url=limited.url, timeout=30) as client:
        for _ in range(2):
            assert client.post("/breaks", content=b"x" * size).text == "enough"
            assert client.get("/ok").text == "ok"


def test_a_body_whose_client_leaves_is_not_taken_for_a_whole_one(limited):
    with wire(limited.port) as connection:
        connection.socket.sendall(b"POST /left HTTP/1.1\r\nhost: test\r\ncontent-length: 100\r\n\r\nhalf")
        while httpx2.get(f"{limited.url}/held").text != "0":
            pass
    while "the client has left before the end of the body" not in httpx2.get(f"{limited.url}/kept").json():
        pass


def test_a_body_is_read_once_and_in_one_way(limited):
    with wire(limited.port) as connection:
        assert connection.ask("POST", "/twice", b"x").json() == ["EXT506", "EXT506", 1]
        assert connection.ask("POST", "/answered", b"x").body == b"first"
        assert connection.ask("POST", "/none").body == b"0"
        assert "is answered" in "".join(map(str, connection.ask("GET", "/kept").json()))
        assert connection.ask("POST", "/none", b"x").status.startswith("413")


def test_many_small_pieces_cost_what_their_bytes_cost(limited):
    with wire(limited.port, 60) as connection:
        head = b"POST /in-parts/late HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n"
        connection.socket.sendall(head + b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n")
        assert connection.answer().body == b"200000"


@pytest.mark.parametrize("max_body", [-1, 1.5, "1 MiB", True])
def test_what_is_no_number_of_bytes_is_refused(max_body):
    app = socketify_ext.App()
    with pytest.raises(socketify_ext.errors.RouteError, match="max_body"):
        app.post("/", lambda res, req: None, max_body=max_body)


@pytest.fixture(scope="module", params=[{}, {"request_response_factory_max_items": 10}], ids=["no pool", "pool"])
def stock(request):
    with serve(body_apps.make_stock, **request.param) as server:
        yield server


@pytest.mark.parametrize("way", ["data", "text", "json", "msgpack", "by-part"])
def test_on_a_stock_app_asking_too_late_is_an_error(stock, way):
    with wire(stock.port) as connection:
        for _ in range(3):
            kind = {"content-type": f"application/{way}"}
            assert connection.ask("POST", f"/{way}", b"1", **kind).body == b"EXT506"
            assert connection.ask("POST", "/in-time", b"12").body == b"[2, 2]"
