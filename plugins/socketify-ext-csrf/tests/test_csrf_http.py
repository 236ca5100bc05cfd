from __future__ import annotations

import re
import socket

import csrf_apps
import httpx2
import pytest
import socketify
from socketify_ext_csrf import csrf
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import socketify_ext
from socketify_ext import testing

EVIL = "https://evil.example"
TRUSTED = "https://accounts.example"
PATIENCE = 20


@pytest.fixture(scope="module", params=["app", "install"])
def server(request):
    with testing.serve(csrf_apps.make, kind=request.param, trusted_origins=[TRUSTED]) as serving:
        yield serving


def ask(server, method, path, *lines):
    """Send a request with these header lines as they are, and get its status."""
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "Connection: close", "Content-Length: 0", *lines, "", ""])
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(head.encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer[9:12])


HOST = "Host: app.example"
CROSS = "Sec-Fetch-Site: cross-site"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([HOST], 200),
        ([HOST, "Sec-Fetch-Site: same-origin", "Origin: https://app.example"], 200),
        ([HOST, "Sec-Fetch-Site: none"], 200),
        ([HOST, "Origin: https://app.example"], 200),
        ([HOST, CROSS, f"Origin: {TRUSTED}"], 200),
        ([HOST, CROSS, f"Origin: {EVIL}"], 403),
        ([HOST, CROSS], 403),
        ([HOST, "Sec-Fetch-Site: same-site", "Origin: https://blog.app.example"], 403),
        ([HOST, f"Origin: {EVIL}"], 403),
        ([HOST, "Origin: null"], 403),
        ([HOST, "Origin: https://app.example:8443"], 403),
        ([HOST, f"Origin: {TRUSTED}", f"Origin: {EVIL}"], 403),
        ([HOST, f"Origin: {TRUSTED}, {EVIL}"], 403),
        ([HOST, "Sec-Fetch-Site: same-origin", CROSS], 403),
        ([HOST, "Sec-Fetch-Site: \xff"], 403),
        ([HOST, "Origin: \xff"], 403),
        ([HOST, "Sec-Fetch-Site: same-origin, cross-site"], 403),
    ],
)
def test_a_page_of_another_site_changes_nothing(server, method, lines, status):
    assert ask(server, method, "/item", *lines) == status


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/", 200), ("HEAD", "/", 200), ("OPTIONS", "/", 204),
    ("GET", "/any", 200), ("HEAD", "/any", 200), ("POST", "/any", 403), ("DELETE", "/any", 403),
    ("POST", "/hook", 200)])  # fmt: skip
def test_looking_is_free_and_changing_is_not(server, method, path, status):
    assert ask(server, method, path, HOST, CROSS, f"Origin: {EVIL}") == status


def test_the_answer_says_why_and_the_handler_does_not_run(server):
    answer = httpx2.post(f"{server.url}/item", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.json() == {"detail": "cross-site request refused: a page of another origin has sent it"}


def test_a_body_that_is_refused_does_not_break_the_connection(server):
    with httpx2.Client(base_url=server.url) as client:
        assert client.post("/echo", content=b"x" * 100_000, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.post("/echo", content=b"y" * 100_000).content == b"y" * 100_000


@pytest.mark.parametrize(
    ("headers", "is_open"),
    [
        ({}, True),
        ({"Origin": TRUSTED}, True),
        ({"Origin": EVIL}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://blog.app.example"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
    ],
)
def test_a_page_of_another_site_opens_no_websocket(server, headers, is_open):
    assert opens(f"{server.ws_url}/ws", headers) is is_open
    assert opens(f"{server.ws_url}/open", headers)


def opens(url, headers):
    try:
        opened = connect(url, additional_headers=headers, proxy=None)
    except InvalidStatus as refused:
        return refused.response.status_code != 403
    with opened:
        opened.send("hello")
        return opened.recv(PATIENCE) == "hello"


def test_this_servers_own_page_opens_one(server):
    own = f"http://127.0.0.1:{server.port}"
    with connect(f"{server.ws_url}/ws", origin=own, proxy=None) as opened:
        opened.send("hello")
        assert opened.recv(PATIENCE) == "hello"


@pytest.mark.parametrize("order", [("cors", "csrf"), ("csrf", "cors")])
def test_preflights_pass_in_any_order(order):
    with testing.serve(csrf_apps.with_cors, order=order) as server:
        asked = {"Origin": TRUSTED, "Access-Control-Request-Method": "POST", "Sec-Fetch-Site": "cross-site"}
        assert httpx2.options(f"{server.url}/item", headers=asked).status_code == 204
        app = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
        assert httpx2.post(f"{server.url}/item", headers=app).status_code == 200


# -- tokens


@pytest.fixture(scope="module")
def guarded():
    with testing.serve(csrf_apps.make, secret=csrf_apps.SECRET, cookie_secure=False) as serving:
        yield serving


@pytest.fixture
def browser(guarded):
    with httpx2.Client(base_url=guarded.url, trust_env=False) as client:
        yield client


def test_a_token_is_asked_for_and_taken_from_a_header_or_a_form(browser):
    assert browser.post("/item").status_code == 403
    token, another = browser.get("/token").json()
    assert token != another
    for each in (token, another):
        assert browser.post("/item", headers={"X-CSRF-Token": each}).text == "changed"
        assert browser.put("/item", data={"csrf_token": each, "a": "1"}).text == "changed"
    assert browser.post("/form", data={"csrf_token": token, "a": "1"}).json() == {"csrf_token": token, "a": "1"}
    assert browser.post("/echo", content=b"z" * 300_000, headers={"X-CSRF-Token": token}).content == b"z" * 300_000
    assert browser.post("/streamed", content=b"z" * 300_000, headers={"X-CSRF-Token": token}).text == "300000"
    assert browser.post("/any", headers={"X-CSRF-Token": token}).text == "any"
    assert browser.post("/any").status_code == 403
    assert browser.get("/any").text == "any"
    assert browser.post("/hook").text == "hook"


def test_the_cookie_is_set_once_and_kept_from_scripts_and_caches(browser):
    first = browser.get("/token")
    assert re.fullmatch(r"csrf=[\w-]{22}; Path=/; HttpOnly; SameSite=Lax", first.headers["set-cookie"], re.IGNORECASE)
    assert first.headers["cache-control"] == "no-store"
    assert "set-cookie" not in browser.get("/token").headers
    browser.cookies.clear()
    assert browser.get("/own-cache").headers.get_list("cache-control") == ["private"]


def test_another_browsers_token_does_not_count(browser, guarded):
    browser.get("/token")
    with httpx2.Client(base_url=guarded.url) as attacker:
        stolen, _ = attacker.get("/token").json()
        assert browser.post("/item", headers={"X-CSRF-Token": stolen}).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\u00e9", "x" * 4000])
def test_a_made_up_token_does_not_count(browser, token):
    browser.get("/token")
    assert browser.post("/item", headers={"X-CSRF-Token": token.encode()}).status_code == 403
    assert browser.post("/item", data={"csrf_token": token}).status_code == 403


def test_a_token_without_its_cookie_or_with_two_does_not_count(browser, guarded):
    token, _ = browser.get("/token").json()
    key = browser.cookies["csrf"]
    with httpx2.Client(base_url=guarded.url) as bare:
        for cookies in (
            "",
            f"csrf={key}; csrf={'a' * 22}",
            f"csrf={'a' * 22}; csrf={key}",
            "csrf=short",
            f"csrf={key}x",
        ):
            headers = {"X-CSRF-Token": token, "Cookie": cookies}
            assert bare.post("/item", headers=headers).status_code == 403, cookies
        assert bare.post("/item", headers={"X-CSRF-Token": token, "Cookie": f"csrf={key}"}).status_code == 200


def test_two_headers_are_none(browser):
    token, other = browser.get("/token").json()
    for lines in ([token, other], [token, token], ["x", token]):
        headers = [("X-CSRF-Token", line) for line in lines]
        assert browser.post("/item", headers=headers).status_code == 403


def test_a_token_does_not_help_another_site(browser):
    token, _ = browser.get("/token").json()
    headers = {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"}
    assert browser.post("/item", headers=headers).status_code == 403


def test_a_handler_checks_a_token_of_a_form_with_files(browser):
    token, _ = browser.get("/token").json()
    files = {"file": ("a.txt", b"text")}
    assert browser.post("/by-hand", data={"csrf_token": token}, files=files).text == "checked"
    assert browser.post("/by-hand", data={"csrf_token": "x"}, files=files).status_code == 403
    assert browser.post("/by-hand", data={"a": "x"}, files=files).status_code == 403
    assert browser.post("/form", data={"csrf_token": token}, files=files).status_code == 403


def test_a_malformed_or_huge_form_is_refused_as_ever(browser):
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser.post("/form", content=b"%ff=%f&&&=", headers=kind).status_code == 403
    assert browser.post("/form", content=b"a=" + b"x" * 3_000_000, headers=kind).status_code == 413


def test_a_token_after_the_answer_is_an_error_of_the_program(guarded, browser):
    assert browser.get("/too-late").text == "gone"
    assert "Make it before you answer" in guarded.log


@pytest.mark.parametrize("bind", ["user", "session", "name"])
def test_a_token_is_the_users_own(bind):
    header = "name" if bind == "user" else "session"
    options = {"secret": ["another secret of the app", csrf_apps.SECRET], "cookie_secure": False, "bind": bind}
    with testing.serve(csrf_apps.make, **options) as server, httpx2.Client(base_url=server.url) as browser:
        anonymous, _ = browser.get("/token").json()
        anns, _ = browser.get("/token", headers={header: "Ann"}).json()
        tries = {
            (None, anonymous): 200,
            ("Ann", anns): 200,
            ("Ann", anonymous): 403,
            ("Bob", anns): 403,
            (None, anns): 403,
        }
        for (who, token), status in tries.items():
            sent = {"X-CSRF-Token": token} | ({header: who} if who else {})
            assert browser.post("/item", headers=sent).status_code == status, (who, status)


def test_a_secure_cookie_has_the_name_that_no_neighbour_can_set():
    with testing.serve(csrf_apps.make, secret=csrf_apps.SECRET) as server:
        cookie = httpx2.get(f"{server.url}/token").headers["set-cookie"]
    assert cookie.startswith("__Host-csrf=")
    assert "; Secure" in cookie


def test_a_user_without_an_extension_that_knows_them_is_an_error_that_says_so():
    with testing.serve(csrf_apps.without_users, secret=csrf_apps.SECRET) as server:
        assert httpx2.get(f"{server.url}/token").status_code == 500
        server.wait_for_log("no extension adds request.get_user")


def test_a_token_without_a_secret_is_an_error_that_says_so(server):
    assert httpx2.get(f"{server.url}/token").status_code == 500
    assert 'load("csrf", secret=...)' in server.log


def test_a_stock_app_says_to_install():
    with pytest.raises(socketify_ext.ExtensionError, match=r"socketify_ext\.install\(app\)"):
        socketify.App().register(csrf)
