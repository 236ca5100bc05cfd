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


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/late-status", 410),
        ("GET", "/refused", 404),
        ("GET", "/failed", 500),
        ("GET", "/nope", 404),
        ("PUT", "/nope", 404),
        ("DELETE", "/items", 405),
        ("GET", "/streamed", 200),
        ("HEAD", "/items", 200),
    ],
)
def test_every_answer_is_readable_errors_included(client, method, path, status):
    response = client.request(method, path, headers={"Origin": APP})
    assert response.status_code == status
    assert response.headers.get_list("access-control-allow-origin") == [APP]
    assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize("order", [("cors", "door"), ("door", "cors")])
@pytest.mark.parametrize(("path", "status"), [("/guarded", 401), ("/limited", 429), ("/own-guard", 403)])
def test_a_guard_does_not_see_preflights_and_what_it_refuses_is_readable(order, path, status):
    with testing.serve(cors_apps.guarded, order=order, **OPTIONS) as server:
        asked = preflight(httpx2, f"{server.url}{path}", method="GET", headers="x-token")
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, APP)
        refused = httpx2.get(f"{server.url}{path}", headers={"Origin": APP})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (status, APP)


def test_a_route_has_origins_of_its_own(client):
    partner = "https://partner.example"
    for origin, wanted in ((partner, partner), (APP, None)):
        answer = client.get("/partners", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == wanted
        asked = preflight(client, "/partners", origin=origin, method="GET")
        assert asked.headers.get("access-control-allow-origin") == wanted
    other = client.post("/partners", headers={"Origin": APP})
    assert other.headers["access-control-allow-origin"] == APP
    assert "access-control-allow-origin" not in preflight(client, "/own", method="GET").headers


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/articles/7", "https://partner.example"),
        ("/articles/news", APP),
        ("/pages/7", APP),
        ("/pages/ours", None),
        ("/pages/ours/and/more", APP),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_preflight_follows_the_route_that_the_request_comes_to(client, method, path, origin):
    for asking in (APP, "https://partner.example"):
        wanted = asking if asking == origin else None
        answer = client.request(method, path, headers={"Origin": asking})
        assert answer.status_code == 200
        assert answer.headers.get("access-control-allow-origin") == wanted
        asked = preflight(client, path, origin=asking, method="GET")
        assert asked.headers.get("access-control-allow-origin") == wanted


def test_the_member_is_for_routes_that_say_no(client):
    answer = client.get("/by-hand", headers={"Origin": APP})
    assert answer.headers.get_list("access-control-allow-origin") == [APP]


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


def test_a_route_that_does_not_ask_gets_no_headers(client):
    response = client.get("/own", headers={"Origin": APP})
    assert allowed(response) == {}
    assert "vary" not in response.headers


@pytest.mark.parametrize("path", ["/", "/items", "/not/there"])
def test_a_preflight_is_answered_on_every_path(client, path):
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


def test_options_without_a_preflight_tells_what_is_allowed(client):
    response = client.options("/items")
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, PUT, OPTIONS")
    assert allowed(response) == {}
    crossing = client.options("/items", headers={"Origin": APP})
    assert crossing.headers["allow"] == "GET, HEAD, PUT, OPTIONS"
    assert crossing.headers["access-control-allow-origin"] == APP
    assert crossing.headers.get_list("vary") == ["Origin"]


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


def test_an_options_route_of_the_app_answers_what_is_not_a_preflight():
    with testing.serve(cors_apps.with_own_options_route, allow_origins=[APP]) as server:
        assert preflight(httpx2, f"{server.url}/elsewhere", method="GET").status_code == 204
        assert httpx2.options(f"{server.url}/elsewhere").text == "any"
        assert httpx2.delete(f"{server.url}/elsewhere").text == "any"


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
