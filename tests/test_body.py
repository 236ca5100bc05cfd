import body_apps
import httpx2
import pytest

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


def test_a_large_body_is_read_whole_where_it_is_asked_for_at_once(server):
    assert httpx2.post(f"{server.url}/early", content=b"x" * 20_000_000, timeout=20).text == "20000000"


@pytest.mark.parametrize("path", ["/late", "/streamed"])
def test_a_body_that_grew_too_large_meanwhile_is_an_error_and_no_hang(server, path):
    assert httpx2.post(server.url + path, content=b"x" * 20_000_000, timeout=20).status_code == 500
    assert "the body of this request is gone" in server.log
