"""Hooks at errors: each error that is about to be an answer goes to them first."""

import contextlib
import functools
import time

import httpx2
import on_error_apps
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from wire import wire

import socketify_ext
from socketify_ext.testing import serve

PATIENCE = 10
http = httpx2.Client(trust_env=False, verify=False)
ERRORS = {
    "fail": ("LookupError ", 500),
    "fail-late": ("LookupError ", 500),
    "refuse": ("HTTPError 403", 403),
    "refuse-late": ("HTTPError 403", 403),
    "unserialisable": ("TypeError ", 500),
    "no-file": ("HTTPError 404", 404),
    "validated": ("HTTPError 400", 400),
    "fails-at-first": ("LookupError ", 500),
    "unanswered": ("UnansweredError ", 500),
    "unanswered-late": ("UnansweredError ", 500),
    "nowhere": ("HTTPError 404", 404),
    "only": ("HTTPError 405", 405),
    "static/none": ("HTTPError 404", 404),
    "guarded": ("HTTPError 401", 401),
}


@pytest.fixture(scope="module")
def served():
    with contextlib.ExitStack() as stack:

        @functools.cache
        def server(name, **arguments):
            return stack.enter_context(serve(getattr(on_error_apps, name), **{"kind": "app", **arguments}))

        yield server


@pytest.fixture
def errors(served):
    server = served("errors")
    ask(server, "GET", "/notes/forget")
    return server


def ask(server, method, path, **options):
    return http.request(method, server.url + path, timeout=PATIENCE, **options)


def notes(server):
    return ask(server, "GET", "/notes").json()


def head(answer):
    return sorted((name, value) for name, value in answer.headers.multi_items() if name != "date")


@pytest.mark.parametrize("prefix", ["looks", "looks-late"])
@pytest.mark.parametrize("way", ERRORS)
def test_a_hook_that_looks_sees_each_error_once_and_leaves_the_answer_as_it_is(errors, way, prefix):
    plain = ask(errors, "GET", f"/plain/{way}")
    answer = ask(errors, "GET", f"/{prefix}/{way}", headers={"name": "Ann"})
    assert (answer.status_code, answer.content) == (plain.status_code, plain.content)
    assert head(answer) == head(plain)
    assert notes(errors) == [[*ERRORS[way], f"/{prefix}/{way}", "Ann"]]


@pytest.mark.parametrize("prefix", ["answers", "answers-late", "answers-in-parts"])
@pytest.mark.parametrize("way", ERRORS)
def test_the_first_hook_that_answers_decides_with_the_head_of_the_error(errors, way, prefix):
    answer = ask(errors, "GET", f"/{prefix}/{way}")
    error, status = ERRORS[way]
    assert (answer.status_code, answer.text) == (status, f"answered {error}")
    assert "x-lost" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert "content-type" not in answer.headers
    assert answer.headers.get("www-authenticate") == ("Bearer" if way == "guarded" else None)
    assert answer.headers.get("allow") == ("DELETE, OPTIONS" if way == "only" else None)
    assert answer.headers.get("x-error") == answer.headers.get("x-kept") == ("1" if "refuse" in way else None)
    assert notes(errors) == []


@pytest.mark.parametrize("way", ["fail", "refuse-late", "nowhere"])
def test_head_has_the_head_of_what_a_hook_answers(errors, way):
    for prefix in ("answers", "answers-late"):
        answer = ask(errors, "HEAD", f"/{prefix}/{way}")
        assert answer.headers["content-length"] == str(len(f"answered {ERRORS[way][0]}"))


@pytest.mark.parametrize("way", ["fail", "refuse", "nowhere"])
def test_a_hook_may_set_another_status_and_headers(errors, way):
    answer = ask(errors, "GET", f"/other-status/{way}")
    assert (answer.status_code, answer.json()) == (409, {"error": ERRORS[way][0]})
    assert (answer.headers["x-other"], answer.headers["content-type"]) == ("1", "application/json")


@pytest.mark.parametrize("prefix", ["fails", "fails-late"])
@pytest.mark.parametrize("way", ["fail", "fail-late", "refuse", "nowhere"])
def test_a_hook_that_fails_is_logged_with_its_extension_and_the_next_goes_on(errors, way, prefix):
    begin = len(errors.log)
    answer = ask(errors, "GET", f"/{prefix}/{way}")
    assert answer.status_code == ERRORS[way][1]
    name = "fail" if prefix == "fails" else "fail_late"
    assert f"in on_error hook {name} of extension 'errors' (on_error_apps.py:" in errors.log[begin:]


def test_a_hook_that_answers_and_fails_has_answered(errors):
    answer = ask(errors, "GET", "/answers-then-fails/fail")
    assert (answer.status_code, answer.text) == (409, "answered")
    assert notes(errors) == []


@pytest.mark.parametrize("prefix", ["looks", "answers", "answers-late"])
def test_an_error_behind_a_part_or_the_answer_can_not_be_answered_and_no_hook_is_asked(errors, prefix):
    with pytest.raises(httpx2.RemoteProtocolError):
        ask(errors, "GET", f"/{prefix}/parts")
    assert ask(errors, "GET", f"/{prefix}/answered").text == "answer"
    assert notes(errors) == []
    assert "LookupError: behind the answer" in errors.log


@pytest.mark.parametrize("prefix", ["answers", "answers-late", "looks", "looks-late", "sent", "sent/answers"])
@pytest.mark.parametrize("is_announced", [False, True])
def test_a_body_that_is_too_large_is_answered_and_its_connection_closed(errors, prefix, is_announced):
    with wire(errors.port) as connection:
        start = f"POST /{prefix}/read HTTP/1.1\r\nhost: a\r\n"
        if is_announced:
            connection.socket.sendall(f"{start}content-length: 11\r\n\r\n0123".encode())
        else:
            connection.socket.sendall(f"{start}transfer-encoding: chunked\r\n\r\nb\r\n0123456789a\r\n".encode())
        answer = connection.answer()
        assert answer.status[:3] == "413"
        assert (answer.body == b"answered BodyRefusedError 413") == ("answers" in prefix)
        assert dict(answer.headers)["connection"] == "close"
        assert dict(answer.headers).get("x-sent") == ("413" if "sent" in prefix else None)
        assert connection.read_to_end() == b""


@pytest.mark.parametrize(("way", "status"), [("fail-late", 500), ("refuse", 403), ("nowhere", 404)])
def test_what_a_hook_answers_goes_through_the_hooks_before_it_is_sent(errors, way, status):
    for prefix in ("sent", "sent/answers"):
        answer = ask(errors, "GET", f"/{prefix}/{way}")
        assert (answer.status_code, answer.headers["x-sent"]) == (status, str(status))


@pytest.mark.parametrize(
    ("way", "status"), [("ws-fail", 500), ("ws-refuse", 403), ("ws-malformed", 400), ("plain-ws", 426)]
)
@pytest.mark.parametrize("prefix", ["answers", "answers-late"])
def test_errors_of_upgrades_go_to_the_hooks(errors, way, status, prefix):
    if way == "plain-ws":
        answer = ask(errors, "GET", f"/{prefix}/{way}")
        assert (answer.status_code, answer.text) == (426, "answered HTTPError 426")
        return
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{errors.ws_url}/{prefix}/{way}", proxy=None, open_timeout=PATIENCE).__enter__()
    assert refused.value.response.status_code == status
    assert refused.value.response.body.startswith(b"answered ")


def test_a_hook_that_never_ends_holds_up_its_own_request_alone(errors):
    with wire(errors.port) as connection:
        connection.send("GET", "/hangs/fail")
        deadline = time.monotonic() + PATIENCE
        while "hangs" not in notes(errors):
            assert time.monotonic() < deadline
        connection.reset()
    assert ask(errors, "GET", "/answers/fail").status_code == 500


@pytest.mark.parametrize("way", ["items", "deferred", "none"])
def test_the_path_decides_about_a_hook_that_is_the_only_one(served, way):
    server, error = served("alone"), {"items": "TypeError ", "deferred": "LookupError ", "none": "HTTPError 404"}[way]
    assert ask(server, "GET", f"/api/{way}").text == f"answered {error}"
    assert "answered" not in ask(server, "GET", f"/apis/{way}").text


# -- the error handler


@pytest.mark.parametrize("kind", ["app", "install"])
def test_the_error_handler_comes_behind_the_hooks_with_the_head_that_the_handler_left(served, kind):
    alone = ask(served("handled", kind=kind, asks=False), "GET", "/fail")
    behind = ask(served("handled", kind=kind, asks=True), "GET", "/fail")
    assert alone.json() == ["handler", "LookupError ", "of the handler"]
    assert behind.json() == ["hook", "handler", "LookupError ", "of the handler"]
    assert alone.status_code == behind.status_code == 201
    assert alone.headers["x-sent"] == behind.headers["x-sent"] == "1"


# -- contexts


@pytest.mark.parametrize("prefix", ["/sync", "/late"])
@pytest.mark.parametrize("path", ["late", "at-once"])
def test_a_hook_runs_in_the_context_of_its_request_and_sets_nothing_outside(served, prefix, path):
    server = served("contexts")
    for name in ("Ann", "Bob"):
        assert ask(server, "GET", f"{prefix}/{path}", headers={"name": name}).text == name
        assert ask(server, "GET", f"{prefix}/unset").text == "nobody"


@pytest.mark.parametrize("prefix", ["/sync", "/late"])
def test_a_hook_can_read_the_request_of_an_error_in_a_callback(served, prefix):
    server = served("contexts")
    with wire(server.port) as connection:
        answer = connection.ask("GET", f"{prefix}/callback", b"", name="Ann")
        assert (answer.status[:3], answer.body) == ("500", b"Ann")


# -- no cost where there is none


def test_a_route_with_hooks_at_errors_keeps_the_short_way_of_answers():
    app = socketify_ext.App()
    app.get("/free", lambda res, req: res.end(""))
    app.get("/api", lambda res, req: res.end(""))
    app.on_error(lambda error, res, req: None, prefix="/api")
    free, hooked = app._server.routes
    assert free.response_class is app._node.classes["response"]
    assert hooked.response_class._single_write
    assert hooked.response_class._body_only
