from __future__ import annotations

import socket

import cors_apps
import httpx2
import pytest

import socketify_ext
from socketify_ext import testing
from socketify_ext.errors import ArgumentError

APP = "https://app.example"
EVIL = "https://evil.example"
VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
OPTIONS = {
    "allow_origins": [APP],
    "allow_methods": ["GET", "PUT"],
    "allow_headers": ["X-Token"],
    "expose_headers": ["X-Total"],
    "allow_credentials": True,
}


def make_app():
    return cors_apps.installed(**OPTIONS)


def allowed(response):
    return {name: value for name, value in response.headers.multi_items() if name.startswith("access-control-")}


def preflight(client, path="/items", *, origin=APP, method="PUT", headers=None):
    sent = {"Origin": origin, "Access-Control-Request-Method": method}
    return client.options(path, headers=sent | ({"Access-Control-Request-Headers": headers} if headers else {}))


ANSWERS = [
    ("GET", "/late-status", 410),
    ("GET", "/refused", 404),
    ("GET", "/failed", 500),
    ("GET", "/guarded/item", 401),
    ("GET", "/not/there", 404),
    ("PUT", "/not/there", 404),
    ("DELETE", "/items", 405),
    ("POST", "/small", 413),
    ("OPTIONS", "/items", 204),
    ("HEAD", "/items", 200),
    ("GET", "/stream", 200),
    ("GET", "/file", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_has_the_headers_whoever_gives_it(client, method, path, status):
    response = client.request(method, path, headers={"Origin": APP}, content=b"too large" if status == 413 else None)
    assert response.status_code == status
    assert allowed(response)["access-control-allow-origin"] == APP
    assert "origin" in response.headers["vary"].lower()
    assert "x-lost" not in response.headers


@pytest.mark.parametrize("path", ["/", "/items", "/late"])
def test_a_listed_origin_may_read_the_answer(client, path):
    response = client.get(path, headers={"Origin": APP})
    assert response.status_code == 200
    assert allowed(response) == {
        "access-control-allow-origin": APP,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "X-Total",
    }
    assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize("headers", [{}, {"Origin": EVIL}, {"Origin": "null"}])
def test_others_get_the_answer_without_permission_but_with_vary(client, headers):
    response = client.get("/items", headers=headers)
    assert response.json() == ["tea"]
    assert allowed(response) == {}
    assert response.headers["vary"] == "Origin"


def test_a_status_goes_before(client):
    response = client.put("/items", headers={"Origin": APP})
    assert (response.status_code, response.text) == (201, "made")
    assert response.headers["access-control-allow-origin"] == APP


def test_a_handler_that_writes_the_headers_itself_gets_them_once(client):
    response = client.get("/by-hand", headers={"Origin": APP})
    assert (response.text, response.headers["x-own"]) == ("by hand", "1")
    assert response.headers.get_list("access-control-allow-origin") == [APP]
    assert response.headers.get_list("vary") == ["Origin"]
    assert client.get("/by-hand", headers={"Origin": EVIL}).headers.get_list("vary") == ["Origin"]


def test_a_handler_that_says_that_its_answer_varies_says_so_once(client):
    assert client.get("/vary", headers={"Origin": APP}).headers.get_list("vary") == ["Accept, ORIGIN"]


@pytest.mark.parametrize("path", ["/", "/items", "/not/there", "/guarded/item"])
def test_a_preflight_is_answered_on_every_path_before_any_guard(client, path):
    response = preflight(client, path, headers="content-type,x-token")
    assert response.status_code == 204
    assert allowed(response) == {
        "access-control-allow-origin": APP,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "Accept, Accept-Language, Content-Language, Content-Type, X-Token",
        "access-control-max-age": "600",
    }
    assert response.headers["vary"] == VARY


@pytest.mark.parametrize(
    "asked", [{"origin": EVIL}, {"method": "DELETE"}, {"method": "put"}, {"headers": "x-token, x-other"}]
)
def test_a_preflight_for_what_is_not_allowed_gets_no_permission(client, asked):
    response = preflight(client, **asked)
    assert response.status_code == 204
    assert allowed(response) == {}
    assert response.headers["vary"] == VARY


def test_options_without_a_preflight_tell_what_is_at_the_path(client):
    response = client.options("/items")
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, PUT, OPTIONS")
    assert allowed(response) == {}
    assert response.headers["vary"] == "Origin"
    assert client.options("/guarded/item").status_code == 401


def test_subdomains_and_a_private_network_are_allowed_over_the_wire():
    options = {"allow_origins": ["https://*.app.example"], "allow_private_network": True}
    with testing.serve(cors_apps.installed, **options) as server:
        origin = "https://shop.app.example"
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        private = {"Access-Control-Request-Private-Network": "true"}
        with httpx2.Client(base_url=server.url) as client:
            granted = client.options("/items", headers=asked | private)
            assert granted.headers["access-control-allow-origin"] == origin
            assert granted.headers["access-control-allow-private-network"] == "true"
            assert granted.headers["vary"] == f"{VARY}, Access-Control-Request-Private-Network"
            assert "access-control-allow-private-network" not in client.options("/items", headers=asked).headers
            refused = client.options("/items", headers=asked | private | {"Origin": APP})
            assert allowed(refused) == {}
            assert client.get("/items", headers={"Origin": origin}).headers["access-control-allow-origin"] == origin
            assert allowed(client.get("/items", headers={"Origin": APP})) == {}


def test_a_204_carries_neither_length_nor_body(client):
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as connection:
        for _ in range(2):  # the connection stays usable
            connection.sendall(b"OPTIONS /items HTTP/1.1\r\nHost: test\r\n\r\n")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(65536)
            assert head.startswith(b"HTTP/1.1 204 No Content\r\n")
            assert b"content-length" not in head.lower()
            assert b"transfer-encoding" not in head.lower()


def test_anybody_is_told_so_even_without_an_origin():
    with testing.serve(cors_apps.installed, allow_origins=["*"]) as server:
        for headers in ({}, {"Origin": APP}):
            response = httpx2.get(f"{server.url}/items", headers=headers)
            assert response.headers["access-control-allow-origin"] == "*"
            assert "vary" not in response.headers


def test_a_preflight_comes_before_the_routes_of_the_app_and_other_options_do_not():
    with testing.serve(cors_apps.with_own_options_route, allow_origins=[APP]) as server:
        for path in ("/own", "/elsewhere"):
            assert preflight(httpx2, f"{server.url}{path}", method="GET").status_code == 204
        assert httpx2.options(f"{server.url}/own").text == "mine"
        assert httpx2.options(f"{server.url}/elsewhere").text == "any"
        assert httpx2.delete(f"{server.url}/elsewhere").text == "any"


OTHER = "https://other.example"


def test_a_route_has_options_of_its_own():
    with testing.serve(cors_apps.with_route_options, allow_origins=[APP]) as server, httpx2.Client() as client:

        def origins(method, path):
            """Return which origins may read an answer, and which get a permission for it before."""
            url = f"{server.url}{path}"
            actual = [client.request(method, url, headers={"Origin": origin}) for origin in (APP, OTHER)]
            asked = [preflight(client, url, origin=origin, method=method) for origin in (APP, OTHER)]
            return tuple(
                [each.headers.get("access-control-allow-origin") for each in answers] for answers in (actual, asked)
            )

        assert origins("GET", "/items/7") == ([None, OTHER], [None, OTHER])
        assert origins("PUT", "/items/7") == ([APP, None], [APP, None])
        assert origins("DELETE", "/items/7") == ([APP, None], [None, None])  # not among allow_methods
        assert origins("GET", "/items/special") == ([APP, None], [APP, None])
        assert origins("GET", "/private") == ([None, None], [None, None])
        assert origins("GET", "/same") == ([APP, None], [APP, None])
        assert client.get(f"{server.url}/private", headers={"Origin": APP}).headers.get("vary") is None
        put = client.put(f"{server.url}/items/7", headers={"Origin": APP})
        assert put.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("yes", "cors"),
        ({"allow_origin": [APP]}, "allow_origin"),
        ({"allow_origins": ["app.example"]}, "is not an origin"),
        ({"allow_credentials": True}, "Fetch standard"),
    ],
)
def test_an_option_that_can_not_be_meant_names_its_route(value, why):
    app = socketify_ext.App()
    app.register(socketify_ext.load("cors", allow_origins=["*"]))
    with pytest.raises(
        socketify_ext.ExtensionError, match=rf"(?s)EXT515.*GET /items \(test_cors_http\.py:\d+\).*{why}"
    ):
        app.get("/items", lambda res, req: "x", cors=value)


def test_scopes_have_origins_of_their_own():
    with testing.serve(cors_apps.with_scopes) as server, httpx2.Client(base_url=server.url) as client:
        for name in ("a", "b"):
            origin = f"https://{name}.example"
            for path, allowed in ((f"/{name}/items", origin), (f"/{name}/none", origin), ("/items", None)):
                for response in (
                    client.get(path, headers={"Origin": origin}),
                    preflight(client, path, origin=origin, method="GET"),
                ):
                    assert response.headers.get("access-control-allow-origin") == allowed


def exchange(client, method, *lines):
    """Send a request with these header lines as they are, and get the head of its answer in lower case."""
    head = "\r\n".join([f"{method} /items HTTP/1.1", "Host: test", "Connection: close", *lines, "", ""])
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return answer.partition(b"\r\n\r\n")[0].decode("latin-1").lower()


ASKED = (f"Origin: {APP}", "Access-Control-Request-Method: PUT")


@pytest.mark.parametrize(
    ("lines", "granted"),
    [
        (["x-token", "content-type"], True),
        (["x-token", "x-other"], False),
        (["x-other", "x-token"], False),
        (["\xffx", "x-token"], False),
        (["x-token", "\xffx"], False),
        (["x-token", ""], True),
    ],
)
def test_requested_headers_in_several_lines_are_one_list(client, lines, granted):
    head = exchange(client, "OPTIONS", *ASKED, *(f"Access-Control-Request-Headers: {line}" for line in lines))
    assert head.startswith("http/1.1 204")
    assert ("access-control-allow-headers" in head) is granted
    assert ("access-control-allow-origin" in head) is granted


@pytest.mark.parametrize("origins", [(APP, EVIL), (EVIL, APP), (APP, APP), ("\xffx", APP), (APP, "\xffx")])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_several_origins_get_no_permission(client, method, origins):
    head = exchange(client, method, *(f"Origin: {origin}" for origin in origins), ASKED[1])
    assert head.startswith(("http/1.1 200", "http/1.1 204"))
    assert "access-control-allow" not in head
    assert "vary: origin" in head


def test_an_object_that_is_not_a_request_is_an_argument_error():
    response = testing.fake_response(socketify_ext.load("cors", allow_origins=[APP]))
    with pytest.raises(ArgumentError, match=r"a str is not a request.*res\.cors\(req\)"):
        response.cors("request")
