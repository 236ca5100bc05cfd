"""What options put around the handlers of their routes, on a real server."""

import json
import socket

import httpx2
import pytest
import route_surface_apps
from websockets.sync.client import connect

import socketify_ext
from socketify_ext.errors import DeclarationError, SignatureError
from socketify_ext.testing import serve

PATIENCE = 20


@pytest.fixture(scope="module")
def server():
    with serve(route_surface_apps.make) as serving:
        yield serving


def get(server, path):
    return httpx2.get(server.url + path, timeout=PATIENCE)


def post(server, path, content, **headers):
    return httpx2.post(server.url + path, content=content, headers=headers, timeout=PATIENCE)


HOOKS = ["outer hook", "inner hook", "late hook", "guard"]


def test_wrappers_stand_inside_all_hooks_the_earliest_extension_outermost(server):
    get(server, "/log")
    assert get(server, "/around").json() == [*HOOKS, "outer 2", "inner 1", "handler"]
    assert get(server, "/around/late").json() == [*HOOKS, "outer 2", "late 1", "handler"]


def test_a_guard_of_the_app_keeps_them_out(server):
    get(server, "/log")
    assert get(server, "/around?stop=1").status_code == 401
    assert [each for each in get(server, "/log").json() if not each.endswith("hook")] == ["guard"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_they_hold_for_each_method_that_the_route_answers(server, method):
    get(server, "/log")
    assert httpx2.request(method, f"{server.url}/around/any").status_code == 200
    if method == "HEAD":
        assert httpx2.head(f"{server.url}/around").status_code == 200


def test_an_upgrade_has_them_too(server):
    get(server, "/log")
    with connect(f"{server.ws_url}/socket", proxy=None) as ws:
        assert b"outer 1" in ws.recv(PATIENCE)
    with connect(f"{server.ws_url}/plain", proxy=None) as ws:
        ws.send("hello")
        assert ws.recv(PATIENCE) == b"hello"


@pytest.mark.parametrize("path", ["plain", "async", "deferred", "wrapped", "guarded", "large"])
@pytest.mark.parametrize("size", [0, 1, 5, 20_000, 99_999])
def test_the_handler_comes_after_the_whole_body(server, path, size):
    body = b"x" * size
    answer = post(server, f"/body/{path}?a=%20", body, **{"x-header": "a"})
    assert answer.status_code == 200
    assert answer.content == (str(size).encode() if path == "large" else body)
    if path not in ("large", "deferred"):
        assert (answer.headers["x-url"], answer.headers["x-header"]) == (f"/body/{path}?a=%20", "a")


@pytest.mark.parametrize("path", ["plain", "async", "guarded", "wrapped"])
def test_it_comes_in_any_pieces(server, path):
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as raw:
        head = f"POST /body/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n".encode()
        for piece in (head[:-10], head[-10:], b"ab", b"cd", b"ef"):
            raw.sendall(piece)
        data = b""
        while not data.endswith(b"abcdef"):
            part = raw.recv(10_000)
            assert part, data
            data += part
    assert data.startswith(b"HTTP/1.1 200 OK")


def test_chunks_and_no_length_at_all(server):
    assert post(server, "/body/plain", iter([b"ab", b"cd"])).content == b"abcd"
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as raw:
        raw.sendall(b"POST /body/plain HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.recv(10_000).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("path", ["plain", "async", "guarded", "wrapped"])
def test_a_body_that_is_too_large_is_refused(server, path):
    assert post(server, f"/body/{path}", b"x" * 100_001).status_code == 413
    assert post(server, f"/body/{path}", iter([b"x" * 60_000] * 2)).status_code == 413
    assert post(server, "/body/large", b"x" * 900_000).content == b"900000"
    assert post(server, "/body/large", b"x" * 900_001).status_code == 413


def test_all_bodies_together_have_their_limit(server):
    waiting = []
    for _ in range(20):
        raw = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        raw.sendall(b"POST /body/plain HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n" + b"x" * 90_000)
        waiting.append(raw)
    refused = [raw for raw in waiting[11:] if raw.recv(10_000).startswith(b"HTTP/1.1 503")]
    assert refused == waiting[11:]
    for raw in waiting:
        raw.close()
    while post(server, "/body/plain", b"x").status_code != 200:
        pass


def test_errors_of_what_takes_the_body_are_the_answer(server):
    refused = post(server, "/body/plain", b"no")
    assert (refused.status_code, refused.json()) == (422, {"detail": "no"})
    assert post(server, "/body/fail", b"x").status_code == 500
    assert post(server, "/body/none", b"x").status_code == 500


def test_the_body_can_be_read_again_as_a_whole(server):
    assert post(server, "/body/again", b"ab").content == b"ababab"
    assert post(server, "/body/parts", b"ab").status_code == 500


def test_who_leaves_before_the_end_is_forgotten(server):
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as raw:
            raw.sendall(b"POST /body/plain HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n" + b"x" * 60_000)
    while (status := post(server, "/body/plain", b"x" * 99_000).status_code) == 503:  # until it has seen them leave
        pass
    assert status == 200


def test_two_requests_of_one_connection_have_their_own_bodies(server):
    with httpx2.Client(base_url=server.url) as http:
        for path in ("/body/plain", "/body/async", "/body/wrapped"):
            for number in range(10):
                assert http.post(path, content=str(number)).text == str(number)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("returned", 200, "200 {'a': 1}"),
        ("other", 200, "200 (1, 2)"),
        ("ended", 404, "404 [1]"),
        ("sent", 201, "201 [1]"),
        ("written", 200, "200 [1]-200 {}"),
        ("text", 200, "text"),
        ("hooked", 200, '{"hook":1}'),
        ("handled", 418, '{"handled":true}'),
        ("fault", 500, "Internal Server Error"),
    ],
)
def test_a_route_encodes_the_objects_of_its_handler_alone(server, path, status, text):
    answer = get(server, f"/encoded/{path}")
    assert (answer.status_code, answer.text) == (status, text)


def test_errors_and_other_routes_are_encoded_as_ever(server):
    assert json.loads(get(server, "/encoded/error").text) == {"detail": {"a": 1}}
    assert get(server, "/yielded/x").json() == {"a": 1}


@pytest.mark.parametrize("method", ["around", "read_body", "encode"])
def test_what_can_not_be_called_and_what_comes_too_late_is_refused(method):
    app = socketify_ext.App()
    kept = []
    app.route_option("keep", apply=lambda route, value: kept.append(route))
    app.route_option("wrong", apply=lambda route, value: getattr(route, method)(5))
    app.get("/", lambda res, req: None, keep=1)
    with pytest.raises(DeclarationError, match="the apply of its option keep has returned"):
        getattr(kept[0], method)(print)
    with pytest.raises(SignatureError, match=f"calls {method} of the route GET /x"):
        app.get("/x", lambda res, req: None, wrong=1)


def test_a_wrapper_that_is_refused_leaves_the_route_as_it_was():
    app = socketify_ext.App()
    app.get("/", lambda res, req: None, first=1, second=1)
    app.route_option("first", apply=lambda route, value: route.around(lambda handler: handler))

    def fail(route, value):
        route.around(lambda handler: handler)
        raise ValueError("no")

    with pytest.raises(socketify_ext.ExtensionError, match="ValueError: no"):
        app.route_option("second", apply=fail)
    (route,) = app._node.server.routes
    assert [len(wrappers) for wrappers in route.wrappers.values()] == [1]
