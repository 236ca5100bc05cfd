from __future__ import annotations

import re

import httpx2
import pytest
import security_headers_apps
import socketify
from socketify_ext_security_headers import Options, Policy, security_headers
from websockets.sync.client import connect

import socketify_ext
from socketify_ext import testing

FIXED = {name.lower(): value for name, value in Policy(Options()).fixed}
WITHOUT_NONCE = Policy(Options()).csp(None)
CSP = "content-security-policy"
http = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False)


@pytest.fixture(scope="module", params=["app", "install"])
def server(request):
    with testing.serve(security_headers_apps.make, kind=request.param) as serving:
        yield serving


def fixed(answer):
    return {name: value for name, value in answer.headers.multi_items() if name in FIXED}


def nonces(answer):
    return set(re.findall(r"'nonce-([^']*)'", answer.headers[CSP]))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/plain", 200),
        ("HEAD", "/plain", 200),
        ("GET", "/late", 200),
        ("GET", "/refused", 409),
        ("GET", "/fails", 500),
        ("GET", "/nope", 404),
        ("PUT", "/plain", 405),
        ("OPTIONS", "/plain", 204),
        ("GET", "/none", 204),
        ("GET", "/moved", 302),
        ("GET", "/ws", 426),
        ("GET", "/parts", 200),
        ("GET", "/files/security_headers_apps.py", 200),
        ("GET", "/files/nope", 404),
        ("GET", "/files/../../etc/passwd", 404),
    ],
)
def test_every_answer_has_the_headers_once(server, method, path, status):
    answer = http.request(method, server.url + path)
    assert answer.status_code == status
    assert fixed(answer) == FIXED
    assert len(answer.headers.get_list(CSP)) == 1
    names = [name for name, _ in answer.headers.multi_items()]
    assert sorted(set(names) & set(FIXED)) == sorted(name for name in names if name in FIXED)


def test_a_body_that_is_too_large_is_answered_with_them_too(server):
    answer = http.post(f"{server.url}/data", content=b"x" * 3_000_000)
    assert answer.status_code in (200, 413)
    assert fixed(answer) == FIXED


@pytest.mark.parametrize("path", ["/page", "/late", "/parts?first=1"])
def test_a_page_that_asks_gets_a_nonce_of_its_own(server, path):
    answers = [http.get(server.url + path) for _ in range(5)]
    for answer in answers:
        (nonce,) = nonces(answer)
        assert len(nonce) >= 22
        assert answer.text.count(nonce) == 2
        assert answer.headers[CSP] == Policy(Options()).csp(nonce)
        assert answer.headers["cache-control"] == "private"
    assert len(set().union(*map(nonces, answers))) == 5


def test_an_answer_that_does_not_ask_has_none(server):
    answer = http.get(f"{server.url}/plain")
    assert answer.headers[CSP] == WITHOUT_NONCE
    assert "cache-control" not in answer.headers


def test_a_nonce_that_comes_too_late_says_so(server):
    answer = http.get(f"{server.url}/parts")
    assert answer.headers[CSP] == WITHOUT_NONCE
    assert answer.text.startswith("- req.csp_nonce was read after the head")


def test_a_304_leaves_the_policy_of_the_page_that_a_cache_has(server):
    answer = http.get(f"{server.url}/same")
    assert answer.status_code == 304
    assert CSP not in answer.headers
    assert fixed(answer) == FIXED


def test_what_a_handler_has_written_stays(server):
    answer = http.get(f"{server.url}/own")
    assert answer.headers.get_list(CSP) == ["default-src *"]
    assert answer.headers.get_list("referrer-policy") == ["unsafe-url"]
    assert answer.headers["cache-control"] == "public"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_error_keeps_its_nonce(server):
    answer = http.get(f"{server.url}/refused")
    assert answer.json()["detail"] in nonces(answer)


def test_a_route_says_what_is_different(server):
    answer = http.get(f"{server.url}/partner")
    assert "frame-ancestors https://a.example" in answer.headers[CSP]
    assert nonces(answer) == {answer.text}
    assert "strict-transport-security" not in answer.headers
    assert "x-frame-options" not in answer.headers
    assert answer.headers["referrer-policy"] == FIXED["referrer-policy"]
    off = http.get(f"{server.url}/off")
    assert fixed(off) == {}
    assert CSP not in off.headers


def test_a_websocket_opens(server):
    with connect(f"{server.ws_url}/ws", proxy=None) as socket:
        socket.send("hello")
        assert socket.recv(10) == "hello"
        assert "content-security-policy" not in socket.response.headers


def test_no_policy_and_no_header_where_none_is_wanted():
    options = {"csp": None, "hsts_max_age": None, "nosniff": False, "referrer_policy": None, "opener_policy": None}
    options |= {"resource_policy": None, "permissions": None}
    with testing.serve(security_headers_apps.make, **options) as server:
        answer = http.get(f"{server.url}/page")
        assert fixed(answer) == {}
        assert CSP not in answer.headers


def test_a_report_blocks_nothing():
    with testing.serve(security_headers_apps.make, csp_report_only=True) as server:
        answer = http.get(f"{server.url}/page")
        assert CSP not in answer.headers
        assert answer.json()[0] in answer.headers["content-security-policy-report-only"]


@pytest.mark.parametrize(
    "value", [True, {"csp": {"script_src": []}}, {"hsts": 1}, {"hsts_preload": True}, "off", {"csp": "x"}]
)
def test_a_route_with_an_option_that_can_not_work_is_refused(value):
    app = socketify_ext.App()
    app.register(security_headers)
    with pytest.raises(socketify_ext.ExtensionError, match="security_headers"):
        app.get("/", lambda res, req: res.end(""), security_headers=value)


def test_a_stock_app_says_to_install():
    with pytest.raises(socketify_ext.ExtensionError, match=r"socketify_ext\.install\(app\)"):
        socketify.App().register(security_headers)
