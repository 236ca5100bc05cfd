from __future__ import annotations

import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
import request_id_apps
import socketify
from socketify_ext_request_id import request_id
from websockets.sync.client import connect

import socketify_ext
from socketify_ext import testing

PATIENCE = 20
ID = re.compile(r"[0-9a-f]{32}")
http = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False)


@pytest.fixture(scope="module", params=["app", "install"])
def server(request):
    with testing.serve(request_id_apps.make, kind=request.param) as serving:
        yield serving


def wait_for(server, text, count=1):
    """Wait until the server has logged a text; a line comes when the client may have its answer already."""
    deadline = time.monotonic() + PATIENCE
    while server.log.count(text) < count:
        assert time.monotonic() < deadline, server.log
    return [line for line in server.log.splitlines() if text in line]


def access(server, request_id):
    (line,) = wait_for(server, f"socketify_ext.access [{request_id}]")
    return line.partition("] ")[2]


@pytest.mark.parametrize(
    ("method", "path", "status", "route"),
    [
        ("GET", "/items/7", 200, "/items/:id"),
        ("HEAD", "/items/7", 200, "/items/:id"),
        ("GET", "/items/7?token=secret", 200, "/items/:id"),
        ("GET", "/slow?n=1", 200, "/slow"),
        ("GET", "/fails", 500, "/fails"),
        ("GET", "/closed/it", 401, "/closed/it"),
        ("GET", "/nope", 404, "/*"),
        ("DELETE", "/slow", 405, "/*"),
        ("OPTIONS", "/slow", 204, "/*"),
        ("POST", "/any", 200, "/any"),
        ("GET", "/ws", 426, "/*"),
    ],
)
def test_every_answer_has_an_id_and_a_line(server, method, path, status, route):
    answer = http.request(method, server.url + path)
    assert answer.status_code == status
    found = answer.headers["x-request-id"]
    assert ID.fullmatch(found)
    line = access(server, found)
    bare = path.partition("?")[0]
    begin = f"request_id={found} method={method} path={bare} route={route} status={status} duration_ms="
    assert line.startswith(begin) or (method in ("HEAD", "OPTIONS", "DELETE") and f" status={status} " in line), line
    assert line.endswith("aborted=false")
    assert "secret" not in line


def test_lines_of_requests_at_the_same_time_keep_their_ids(server):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: http.get(f"{server.url}/slow?n={n}").json(), range(100, 140)))
    assert len({own for own, _ in answers}) == 40
    for number, (own, current) in enumerate(answers, 100):
        assert own == current
        lines = wait_for(server, f"shop [{own}]", 3)
        assert [line.partition("] ")[2] for line in lines] == [f"before {number}", *[f"inside {number}"] * 2]


def test_an_error_is_logged_with_the_id_of_its_answer(server):
    found = http.get(f"{server.url}/fails").headers["x-request-id"]
    assert wait_for(server, f"socketify_ext [{found}]")
    server.wait_for_log("on purpose")


def test_a_hook_that_refuses_logs_with_the_id_though_it_was_registered_before(server):
    found = http.get(f"{server.url}/closed/it").headers["x-request-id"]
    assert wait_for(server, f"shop [{found}] refused")


def test_the_answer_has_one_id_even_where_a_handler_wrote_another(server):
    assert ID.fullmatch(http.get(f"{server.url}/own").headers["x-request-id"])
    assert len(http.get(f"{server.url}/own").headers.get_list("x-request-id")) == 1


def test_a_websocket_keeps_the_id_of_its_upgrade(server):
    with connect(f"{server.ws_url}/ws", proxy=None) as opened:
        opened.send("hello")
        found = opened.recv(PATIENCE, decode=True)
        assert ID.fullmatch(found)
        assert opened.response.headers["x-request-id"] == found
    assert "status=101" in access(server, found)
    assert wait_for(server, f"shop [{found}] said hello")


def test_a_client_that_leaves_is_logged_as_such(server):
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(server, "] waiting")
    (line,) = wait_for(server, "path=/wait")[:1]
    assert "aborted=true" in line
    assert " status=" not in line


def test_quiet_routes_are_quiet_unless_they_say_otherwise(server):
    for path in ("/silent", "/livez"):
        assert ID.fullmatch(http.get(server.url + path).headers["x-request-id"])
    loud = http.get(f"{server.url}/readyz").headers["x-request-id"]
    assert access(server, loud)
    assert "path=/silent" not in server.log
    assert "path=/livez" not in server.log


@pytest.mark.parametrize(
    "path", [b"/x%0d%0astatus=200", b"/\xff\xfe", b"/\xc2\x85\xe2\x80\xa8", b'/"quoted"', b"/" + b"x" * 3000]
)
def test_a_path_writes_no_second_line(server, path):
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1").lower()
    found = re.search(r"x-request-id: (\S+)", head)[1]
    line = access(server, found)
    assert line.isprintable()
    assert line.endswith("aborted=false")
    assert " status=404 " in line
    assert len(line) < 4000


def test_a_sent_id_is_not_believed(server):
    answer = http.get(f"{server.url}/items/1", headers={"X-Request-ID": "forged"})
    assert ID.fullmatch(answer.headers["x-request-id"])
    assert answer.text == answer.headers["x-request-id"]


def test_a_proxys_id_is_taken_where_the_options_say_so():
    with testing.serve(request_id_apps.make, accept=True, header="X-Correlation-ID") as server:

        def asked(*lines):
            headers = [("X-Correlation-ID", line) for line in lines]
            answer = http.get(f"{server.url}/items/1", headers=headers)
            assert answer.text == answer.headers["x-correlation-id"]
            assert "x-request-id" not in answer.headers
            return answer.text

        assert asked("Root=1-678-abc") == "Root=1-678-abc"
        for lines in (["a b"], ["a", "b"], ["x" * 200], ['"'], []):
            assert ID.fullmatch(asked(*lines))
        assert access(server, "Root=1-678-abc")


def test_ids_may_be_made_otherwise_and_fields_be_chosen():
    fields = ["status", "query", "address", "user_agent", "referer", "host"]
    with testing.serve(request_id_apps.numbered, fields=fields, logger="own") as server:
        headers = {"User-Agent": b"a \xe2\x80\xa8 b", "Referer": "https://a.example/", "Host": "shop.example"}
        assert http.get(f"{server.url}/items/1?a=b", headers=headers).text == "request-0"
        (line,) = wait_for(server, "own [request-0]")
        assert line.partition("] ")[2].startswith("status=200 query=")
        assert '"a=b" address=127.0.0.1 user_agent="' in line
        assert line.endswith("referer=https://a.example/ host=shop.example")


def test_no_line_is_written_where_none_is_wanted():
    with testing.serve(request_id_apps.make, access_log=None) as server:
        found = http.get(f"{server.url}/items/1").headers["x-request-id"]
        assert ID.fullmatch(found)
        assert server.stop() == 0
        assert "socketify_ext.access" not in server.log


def test_structlog_has_the_id_in_every_event():
    with testing.serve(request_id_apps.structured) as server:
        with ThreadPoolExecutor(4) as pool:
            ids = list(pool.map(lambda n: http.get(f"{server.url}/?n={n}").text, range(20)))
        wait_for(server, '"request"', 20)
        events = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    looking = {event["number"]: event["request_id"] for event in events if event["event"] == "looking"}
    assert looking == {str(number): own for number, own in enumerate(ids)}
    requests = [event for event in events if event["event"] == "request"]
    assert sorted(event["request_id"] for event in requests) == sorted(ids)
    assert {(event["method"], event["path"], event["status"], event["level"]) for event in requests} == {
        ("GET", "/", 200, "info")
    }


@pytest.mark.parametrize("value", ["perhaps", 7, None])
def test_a_route_with_an_option_that_can_not_work_is_refused(value):
    app = socketify_ext.App()
    app.register(request_id)
    with pytest.raises(socketify_ext.ExtensionError, match="access_log"):
        app.get("/", lambda res, req: res.end(""), access_log=value)


def test_a_stock_app_says_to_install():
    with pytest.raises(socketify_ext.ExtensionError, match=r"socketify_ext\.install\(app\)"):
        socketify.App().register(request_id)
