"""A Secure cookie over plain HTTP is told once: most clients drop it without a word."""

import cookie_apps
import httpx2
import pytest

from socketify_ext.testing import fake_response, serve

TOLD = "is Secure, but its request came over plain HTTP"
FORWARDED = [
    {"x-forwarded-proto": "https"},
    {"X-Forwarded-Proto": "HTTPS, http"},
    {"forwarded": "for=192.0.2.1;proto=https;by=10.0.0.1"},
    {"forwarded": 'proto="HTTPS"'},
]
PLAIN = [
    ("app", "/secure/now", {}),
    ("install", "/secure/after", {}),
    ("app", "/secure/after", {"x-forwarded-proto": "http"}),
    ("install", "/secure/now", {"x-forwarded-proto": "httpss"}),
    ("app", "/secure/now", {"forwarded": "for=192.0.2.1;proto=http"}),
]


def told(server):
    return [line for line in server.log.splitlines() if TOLD in line]


@pytest.mark.parametrize(("kind", "path", "headers"), PLAIN, ids=str)
def test_a_secure_cookie_over_plain_http_is_told_once(kind, path, headers):
    with serve(cookie_apps.secure_cookies, kind=kind) as server:
        assert httpx2.get(f"{server.url}/plain").headers["set-cookie"] == "plain=1; Path=/"
        assert told(server) == []
        for _ in range(3):
            assert httpx2.get(server.url + path, headers=headers).headers["set-cookie"] == "first=1; Path=/; Secure"
        (line,) = told(server)
        assert "the cookie 'first' is Secure" in line
        assert "X-Forwarded-Proto" in line


@pytest.mark.parametrize("path", ["/secure/now", "/secure/after"])
def test_behind_a_proxy_that_says_https_nothing_is_told(path):
    with serve(cookie_apps.secure_cookies, kind="app") as server:
        for headers in FORWARDED:
            assert httpx2.get(server.url + path, headers=headers).headers["set-cookie"]
        assert told(server) == []
        assert httpx2.get(server.url + path).headers["set-cookie"]
        assert len(told(server)) == 1


def test_over_https_nothing_is_told():
    with serve(cookie_apps.secure_cookies, kind="tls") as server:
        url = server.url.replace("http://", "https://")
        assert httpx2.get(f"{url}/secure/now", verify=False).headers["set-cookie"] == "first=1; Path=/; Secure"
        assert told(server) == []


@pytest.mark.parametrize("path", ["/secure/thread", "/secure/late"])
def test_a_request_that_can_not_be_read_any_more_is_no_error(path):
    with serve(cookie_apps.secure_cookies, kind="app") as server:
        assert httpx2.get(server.url + path).headers["set-cookie"] == "first=1; Path=/; Secure"
        assert "Traceback" not in server.log


def test_a_cart_that_is_empty_again_with_each_request_says_why():
    with serve(cookie_apps.secure_cart) as server:
        for _ in range(2):
            assert "__Host-cart=" in httpx2.post(f"{server.url}/add").headers["set-cookie"]
        (line,) = told(server)
        assert "the cookie '__Host-cart' is Secure" in line
        assert "cookie_secure=False" in line


def test_a_fake_response_has_no_connection_and_tells_nothing(caplog):
    fake_response().set_cookie("a", "1", secure=True)
    assert caplog.messages == []
