"""Hooks before the answer: each answer goes through them once, and is otherwise what it would be without."""

import contextlib
import functools
import time

import before_send_apps
import httpx2
import pytest
from before_send_apps import KINDS, SIZE, ungzip
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from wire import wire

import socketify_ext
from socketify_ext.testing import serve

PATIENCE = 10
HOOKED = KINDS[1:]
WAYS = (*before_send_apps.ways(""), "static/small.txt", "static/big.bin", "static/none", "static", "nowhere", "only")
GUARDED = ("guarded", "guarded-late")
http = httpx2.Client(trust_env=False, verify=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "small.txt").write_text("a small file")
    (folder / "big.bin").write_bytes(bytes(range(256)) * (SIZE // 256))
    return folder


@pytest.fixture(scope="module")
def served(folder):
    """Serve apps, each once."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def server(name):
            arguments = {"folder": str(folder)} if name in ("answers", "changes") else {}
            make = getattr(before_send_apps, name)
            return stack.enter_context(serve(make, kind="app", **arguments))

        yield server


def ask(server, method, path, **options):
    return http.request(method, server.url + path, timeout=PATIENCE, **options)


def notes_until(server, wanted):
    deadline = time.monotonic() + PATIENCE
    while wanted not in (notes := ask(server, "GET", "/notes").json()):
        assert time.monotonic() < deadline, notes
    return notes


def lines(answer):
    """Return the header lines of an answer, and apart from them those of the hooks."""
    found = sorted((name.decode().lower(), value.decode()) for name, value in answer.headers.raw)
    return [line for line in found if line[0] not in ("x-hook", "date")], [
        line[1] for line in found if line[0] == "x-hook"
    ]


# -- every answer


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("way", [*(way for way in WAYS if way != "bodiless"), *GUARDED])
def test_an_answer_is_what_it_is_without_hooks_and_has_their_header_once(served, way, method):
    server = served("answers")
    options = {"headers": {"x-name": "Ann", "accept": "application/msgpack"}}
    if method == "POST":
        options["content"] = b"0123456789"
    plain = ask(server, method, f"/plain/{way}", **options)
    for kind in HOOKED:
        hooked = ask(server, method, f"/{kind}/{way}", **options)
        assert (hooked.status_code, hooked.reason_phrase) == (plain.status_code, plain.reason_phrase)
        assert hooked.content == plain.content
        rest, marks = lines(hooked)
        assert rest == [(name, value.replace("/plain/", f"/{kind}/")) for name, value in lines(plain)[0]]
        assert marks == [f"1 {plain.status_code} /{kind}/{way}"]


@pytest.mark.parametrize("kind", HOOKED)
@pytest.mark.parametrize(
    ("way", "status", "content", "headers"),
    [
        ("text", 413, b"0123456789a", {}),
        ("read", 413, b"0123456789a", {}),
        ("body", 413, b"0123456789a", {}),
        ("validated", 415, b'"a"', {"content-type": "text/plain"}),
        ("validated", 400, b"{", {"content-type": "application/json"}),
        ("validated", 422, b"[]", {"content-type": "application/json"}),
        ("validated", 413, b"0123456789a", {"content-type": "application/json"}),
    ],
)
def test_an_answer_to_a_body_that_is_refused_goes_through_the_hooks(served, way, status, content, headers, kind):
    server = served("answers")
    answer = ask(server, "POST", f"/{kind}/{way}", content=content, headers=headers)
    assert answer.status_code == status
    assert lines(answer)[1] == [f"1 {status} /{kind}/{way}"]


@pytest.mark.parametrize("kind", HOOKED)
def test_a_body_that_grows_too_large_is_answered_through_the_hooks_and_its_connection_closed(served, kind):
    server = served("answers")
    with wire(server.port) as connection:
        head = f"POST /{kind}/read HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        connection.socket.sendall(head.encode() + b"5\r\n01234\r\n6\r\n567890\r\n")
        answer = connection.answer()
        assert answer.status[:3] == "413"
        assert dict(answer.headers)["x-hook"] == f"1 413 /{kind}/read"
        assert connection.read_to_end() == b""


@pytest.mark.parametrize("kind", HOOKED)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"range": "bytes=3-5"}, 206),
        ({"range": "bytes=99-"}, 416),
        ({"if-none-match": "*"}, 304),
        ({"if-match": '"x"'}, 412),
    ],
)
@pytest.mark.parametrize("way", ["file", "static/small.txt"])
def test_conditions_and_ranges_of_files_go_through_the_hooks(served, way, headers, status, kind):
    server = served("answers")
    plain, hooked = (ask(server, "GET", f"/{prefix}/{way}", headers=headers) for prefix in ("plain", kind))
    assert (hooked.status_code, hooked.content, lines(hooked)[0]) == (status, plain.content, lines(plain)[0])
    assert lines(hooked)[1] == [f"1 {status} /{kind}/{way}"]


@pytest.mark.parametrize("kind", HOOKED)
@pytest.mark.parametrize("way", ["ws", "ws-late", "plain-ws"])
def test_an_upgrade_has_the_headers_of_the_hooks(served, way, kind):
    server = served("answers")
    with connect(f"{server.ws_url}/{kind}/{way}", proxy=None, open_timeout=PATIENCE) as socket:
        assert socket.response.headers["x-hook"] == f"1 101 /{kind}/{way}"
        assert socket.response.headers.get("x-handler") == (None if way == "plain-ws" else "1")
        assert socket.recv(PATIENCE) == "open"


@pytest.mark.parametrize("kind", HOOKED)
@pytest.mark.parametrize(
    ("way", "status"), [("ws-fail", 500), ("ws-refuse", 403), ("ws-malformed", 400), ("ws-answer", 402)]
)
def test_a_refused_upgrade_goes_through_the_hooks(served, way, status, kind):
    server = served("answers")
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{server.ws_url}/{kind}/{way}", proxy=None, open_timeout=PATIENCE).__enter__()
    assert refused.value.response.status_code == status
    assert refused.value.response.headers["x-hook"] == f"1 {status} /{kind}/{way}"


# -- what hooks change


@pytest.mark.parametrize(
    "way",
    ["text", "json", "late", "parts", "parts-late", "generated", "generated-at-once", "file", "events", "returned"],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_filter_changes_content_and_parts_and_the_length_fits(served, way, method):
    server = served("changes")
    plain = ask(served("answers"), "GET", f"/plain/{way}", headers={"accept-encoding": "identity"})
    answer = ask(server, method, f"/gzip/{way}")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    if method == "HEAD":
        whole = ask(server, "GET", f"/gzip/{way}")
        assert answer.content == b""
        assert answer.headers.get("content-length") == whole.headers.get("content-length")
    else:
        assert answer.content == plain.content


@pytest.mark.parametrize("way", ["big-file", "static/big.bin", "no-content", "not-modified", "sized", "chunk"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_filter_is_refused_where_the_length_is_announced_or_there_is_no_body(served, way, method):
    server = served("changes")
    plain, answer = (
        ask(server_, method, path) for server_, path in ((served("answers"), f"/plain/{way}"), (server, f"/gzip/{way}"))
    )
    assert "content-encoding" not in answer.headers
    assert (answer.status_code, answer.content) == (plain.status_code, plain.content)
    assert lines(answer)[0] == lines(plain)[0]


def test_a_filter_drops_the_length_that_a_handler_announced_for_head(served):
    server = served("changes")
    assert ask(served("answers"), "HEAD", "/plain/bodiless").headers["content-length"] == "7"
    answer = ask(server, "HEAD", "/gzip/bodiless")
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-length" not in answer.headers
    assert ask(server, "HEAD", "/content/length").headers["content-length"] == "6"
    assert ask(server, "GET", "/content/length").headers["content-length"] == "6"


@pytest.mark.parametrize(("way", "body"), [("parts", b"ABC!"), ("text", b"TEXT!"), ("nothing-generated", b"!")])
def test_a_filter_may_keep_what_it_gets_until_the_end(served, way, body):
    assert ask(served("changes"), "GET", f"/upper/{way}").content == body


@pytest.mark.parametrize("way", ["parts", "text"])
def test_filters_of_several_hooks_work_one_behind_the_other(served, way):
    answer = ask(served("changes"), "GET", f"/both/{way}")
    assert answer.content == (b"ABC!" if way == "parts" else b"TEXT!")
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("way", "content"),
    [("text", "TEXTß"), ("json", '{"A":1}ß'), ("refuse", '{"DETAIL":"NOT YOU"}ß'), ("file", "A SMALL FILEß")],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_content_that_is_set_goes_with_its_length(served, way, content, method):
    answer = ask(served("changes"), method, f"/content/{way}")
    assert answer.headers["content-length"] == str(len(content.encode()))
    assert answer.content.decode() == (content if method == "GET" else "")


def test_content_and_filters_of_other_types_are_refused(served):
    answer = ask(served("changes"), "GET", "/wrong/text")
    refused = "TypeError TypeError TypeError TypeError set set set TypeError TypeError TypeError"
    assert (answer.headers["x-found"], answer.text) == (refused, "text")
    answer = ask(served("changes"), "GET", "/wrong/parts")
    refused = "TypeError TypeError TypeError TypeError BodyError BodyError BodyError TypeError TypeError TypeError"
    assert (answer.headers["x-found"], answer.text) == (refused, "abc")


@pytest.mark.parametrize("status", [204, 304, 503])
@pytest.mark.parametrize("way", WAYS)
def test_a_status_that_a_hook_sets_counts_and_decides_about_the_body(served, way, status):
    server = served("changes")
    for prefix in ("status", "status-late"):
        with wire(server.port) as connection:
            connection.send("GET", f"/{prefix}/{way}?status={status}")
            head = connection.read_until(b"\r\n\r\n").decode()
            assert head.startswith(f"HTTP/1.1 {status} ")
            if status != 503:
                assert "chunked" not in head
            if status != 503 and way != "last":
                assert connection.ask("GET", "/wrong/text").body == b"text"


def test_cookies_that_a_hook_sets_are_sent_once_each(served):
    answer = ask(served("changes"), "GET", "/cookie/text")
    assert answer.headers.get_list("set-cookie") == ["a=2; Path=/"]
    assert answer.headers["x-cookies"] == "a=2; Path=/"
    answer = ask(served("changes"), "GET", "/cookie/cookies")
    assert answer.headers.get_list("set-cookie") == ["a=2; Path=/", "c=d; Path=/"]


@pytest.mark.parametrize("way", ["text", "json", "late"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_content_that_is_set_behind_a_filter_goes_through_it(served, way, method):
    server = served("changes")
    expected = ask(server, "GET", f"/content/{way}").content
    answer = ask(server, method, f"/set-behind/{way}")
    assert answer.headers["content-encoding"] == "gzip"
    if method == "GET":
        assert answer.content == expected
    else:
        whole = ask(server, "GET", f"/set-behind/{way}")
        assert answer.headers["content-length"] == whole.headers["content-length"]


@pytest.mark.parametrize("way", ["text", "json", "late", "refuse"])
def test_a_filter_that_fails_at_a_whole_answer_closes_the_connection(served, way):
    server = served("changes")
    with pytest.raises(httpx2.RemoteProtocolError):
        ask(server, "GET", f"/broken/{way}")
    server.wait_for_log("LookupError: broken")


@pytest.mark.parametrize("way", ["parts", "generated"])
def test_a_filter_that_fails_closes_the_connection_and_the_log_has_it(served, way):
    server = served("changes")
    with pytest.raises(httpx2.RemoteProtocolError):
        ask(server, "GET", f"/tired/{way}")
    server.wait_for_log("LookupError: tired of feeding")


# -- hooks that go wrong

ANSWERS = (
    "end",
    "send",
    "redirect",
    "write",
    "try_end",
    "send_chunk",
    "end_without_body",
    "send_file",
    "stream",
    "events",
)


@pytest.mark.parametrize("how", [*ANSWERS, "upgrade", "render", "write_continue"])
def test_a_hook_that_answers_is_refused_and_logged_with_its_extension(served, how):
    server = served("hostile")
    for path in ("/answers", "/answers-late", "/answers/late", "/answers-late/late", "/answers-late/parts"):
        begin = len(server.log)
        answer = ask(server, "GET", f"{path}?how={how}")
        assert (answer.status_code, answer.text) == (200, "handler")
        assert (answer.headers["x-before"], answer.headers["x-after"]) == ("1", "1")
        log = server.log[begin:]
        assert "BodyError: [EXT506] res." in log
        assert "in before_send hook answer" in log
        assert "of extension 'rude'" in log


@pytest.mark.parametrize(
    "path", ["/raises", "/raises-late", "/cancelled", "/splits", "/raises/late", "/raises-late/parts"]
)
def test_a_hook_that_fails_is_logged_and_the_answer_goes_on(served, path):
    server = served("hostile")
    answer = ask(server, "GET", path, headers={"name": "Ann"})
    assert (answer.status_code, answer.text, answer.headers["x-after"]) == (200, "handler", "1")
    assert "x-injected" not in answer.headers
    assert answer.headers.get("x-before") == (None if path == "/cancelled" else "1")
    if path != "/cancelled":
        server.wait_for_log("of extension 'rude' (before_send_apps.py:")


@pytest.mark.parametrize("prefix", ["raises", "raises-late"])
def test_a_second_answer_while_hooks_run_is_refused(served, prefix):
    server = served("hostile")
    answer = ask(server, "GET", f"/{prefix}/twice")
    assert (answer.status_code, answer.text) == (200, "handler")
    assert "x-late" not in answer.headers
    assert ["answered", True] in ask(server, "GET", "/notes").json()
    server.wait_for_log("was refused: this request is already answered")


@pytest.mark.parametrize("prefix", ["raises", "raises-late"])
def test_an_error_behind_the_answer_changes_nothing(served, prefix):
    answer = ask(served("hostile"), "GET", f"/{prefix}/raises")
    assert (answer.status_code, answer.text) == (200, "handler")


@pytest.mark.parametrize("prefix", ["raises", "raises-late"])
def test_an_error_behind_a_part_closes_the_connection(served, prefix):
    with pytest.raises(httpx2.RemoteProtocolError):
        ask(served("hostile"), "GET", f"/{prefix}/raises-in-parts")


@pytest.mark.parametrize(
    "path", ["/closes", "/closes-late", "/closes/parts", "/closes-late/parts", "/closes-late/late"]
)
def test_a_hook_may_close_the_connection(served, path):
    server = served("hostile")
    with pytest.raises(httpx2.RemoteProtocolError):
        ask(server, "GET", path)
    notes_until(server, [path.split("/")[1], None, True])


def test_what_a_hook_starts_can_not_answer_either(served):
    server = served("hostile")
    assert ask(server, "GET", "/spawns").text == "handler"
    assert "BodyError" in ask(server, "GET", "/notes").json()


def test_a_hook_that_never_ends_holds_up_its_own_request_alone(served):
    server = served("hostile")
    with wire(server.port) as connection:
        connection.send("GET", "/hangs")
        notes_until(server, "hangs")
        assert ask(server, "GET", "/raises").text == "handler"
        connection.reset()
    notes_until(server, ["hangs", None, True])
    assert server.alive


def test_an_upgrade_behind_a_part_that_waits_is_refused(served):
    server = served("hostile")
    with wire(server.port) as connection:
        connection.upgrade("/raises-late/upgrades")
        connection.read_until(b"7\r\nhandler\r\n0\r\n\r\n")
    assert ["upgraded", False] in ask(server, "GET", "/notes").json()


def test_what_has_a_body_after_all_has_its_type_too(served):
    answer = ask(served("changes"), "GET", "/status-late/no-content-json?status=200")
    assert (answer.json(), answer.headers["content-type"]) == ({"a": 1}, "application/json")


# -- at every moment


NAMES = ("one", "two", "three")


def send_at_once(connection, path):
    requests = [f"GET {path}?name={name} HTTP/1.1\r\nhost: a\r\n\r\n" for name in NAMES]
    connection.socket.sendall("".join(requests).encode())


@pytest.mark.parametrize("path", ["at-once", "parts"])
def test_requests_in_one_packet_are_answered_in_order(served, path):
    with wire(served("pipelined").port) as connection:
        send_at_once(connection, f"/sync/{path}")
        for name in NAMES:
            head = connection.read_until(b"\r\n\r\n").decode()
            assert head.partition("X-Name: ")[2].partition("\r\n")[0] == name
            connection.read_until(b"0\r\n\r\n" if path == "parts" else name.encode())


@pytest.mark.parametrize("path", ["at-once", "late", "parts"])
def test_requests_behind_one_whose_hook_waits_are_refused_as_behind_a_handler_that_waits(served, path):
    server = served("pipelined")
    with wire(server.port) as connection:
        send_at_once(connection, f"/late/{path}")
        assert connection.read_to_end() == b""  # the core closes it
    assert ask(server, "GET", f"/late/{path}?name=four").headers["x-name"] == "four"


def test_a_body_that_comes_while_hooks_wait_is_not_taken_for_a_request(served):
    server = served("pipelined")
    with wire(server.port) as connection:
        connection.socket.sendall(b"GET /late/at-once?name=one HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n01234")
        connection.socket.sendall(b"56789")
        assert connection.answer().body == b"one"
        assert connection.ask("POST", "/late/echo?name=two", b"GET / HTTP/1.1").body == b"GET / HTTP/1.1"


@pytest.mark.parametrize("path", ["text", "stream", "drained", "chunk"])
@pytest.mark.parametrize("kind", ["app", "cancel"])
def test_a_client_that_leaves_while_a_hook_waits(path, kind):
    with serve(before_send_apps.leaving, kind=kind) as server:
        with wire(server.port) as connection:
            connection.send("GET", f"/held/{path}")
            notes_until(server, "waits")
            connection.reset()
        notes_until(server, ["outcome", None, True])
        ask(server, "GET", "/open")
        notes = notes_until(server, "cancelled" if kind == "cancel" else ["left", True])
        assert notes.count("waits") == 1
        if path == "stream":
            notes_until(server, "closed")
        if path == "chunk" and kind == "app":
            notes_until(server, ["chunk", False, True])
        if path == "drained" and kind == "app":
            notes_until(server, "drained")
        assert ask(server, "GET", "/held/text").text == "text"


@pytest.mark.parametrize(
    ("path", "body"), [("/hangs", b"handler"), ("/hangs/parts", b"3\r\nhan\r\n4\r\ndler\r\n0\r\n\r\n")]
)
def test_an_answer_that_waits_for_a_hook_goes_when_the_server_ends(path, body):
    with serve(before_send_apps.ending, kind="app") as server, wire(server.port) as connection:
        connection.send("GET", path)
        while "hook waits" not in server.log:
            time.sleep(0.01)
        assert server.stop(timeout=PATIENCE) == 0
        received = connection.read_to_end()
        assert received.startswith(b"HTTP/1.1 200 OK")
        assert b"X-After: 1" in received
        assert received.endswith(body)
        server.wait_for_log("hook cancelled")


def test_the_answer_of_a_server_that_ends_goes_through_the_hooks():
    with serve(before_send_apps.ending, kind="app") as server, wire(server.port) as connection:
        connection.send("GET", "/never")
        while "never answers" not in server.log:
            time.sleep(0.01)
        assert server.stop(timeout=PATIENCE) == 0
        received = connection.read_to_end()
        assert received.startswith(b"HTTP/1.1 503 ")
        assert b"X-After: 1" in received


# -- contexts


@pytest.mark.parametrize("prefix", ["/sync", "/late"])
@pytest.mark.parametrize("path", ["late", "at-once", "unanswered", "returned"])
def test_a_hook_runs_in_the_context_of_its_request_and_sets_nothing_outside(served, prefix, path):
    server = served("contexts")
    for name in ("Ann", "Bob"):
        assert ask(server, "GET", f"{prefix}/{path}", headers={"name": name}).headers["x-user"] == name
        assert ask(server, "GET", f"{prefix}/unset").text == "nobody"


@pytest.mark.parametrize("prefix", ["/sync", "/late"])
def test_an_answer_from_anothers_handler_has_a_hook_in_the_context_of_its_own_request(served, prefix):
    server = served("contexts")
    with wire(server.port) as connection:
        connection.send("GET", f"{prefix}/wait", name="Ann")
        with wire(server.port) as other:
            released = other.ask("GET", f"{prefix}/release", name="Bob")
        assert dict(released.headers)["x-user"] == "Bob"
        answer = connection.answer()
        assert (answer.body, dict(answer.headers)["x-user"]) == (b"released", "Ann")


# -- no cost where there is none


def test_routes_without_hooks_keep_their_classes_and_handlers():
    app, bare = socketify_ext.App(), socketify_ext.App()

    def handler(res, req):
        res.end("")

    def receive(ws, message, opcode):
        ws.send(message)

    for each in (app, bare):
        each.get("/free", handler)
        each.ws("/free/ws", {"message": receive})
    app.get("/api/hooked", handler)
    app.before_send(lambda res, req: None, prefix="/api")
    app.on_error(lambda error, res, req: None, prefix="/api")
    app.before_upgrade(lambda res, req: None, prefix="/api")
    app.on_ws_message(lambda ws, message, opcode: None, prefix="/api")
    for each in (app, bare):
        route, socket = each._server.routes[:2]
        assert route.handler is handler
        assert route.response_class is socket.response_class is each._node.classes["response"]
        assert (
            route.response_class.__mro__[1:] == each._server.bases["response"].__mro__
            or route.response_class is each._server.bases["response"]
        )
        assert (socket.upgrade, socket.open, socket.close, socket.message) == (None, None, None, receive)
    hooked = app._server.routes[2]
    assert hooked.handler is not handler
    assert not hooked.response_class._single_write


def test_routes_with_the_same_hooks_share_one_class():
    app = socketify_ext.App()
    app.before_send(lambda res, req: None)
    for path in ("/a", "/b", "/c/:id"):
        app.get(path, lambda res, req: res.end(""))
    assert len({route.response_class for route in app._server.routes}) == 1


def test_content_and_filters_are_for_hooks_alone():
    app = socketify_ext.App()
    response = app._node.classes["response"]()
    assert response.content is None
    with pytest.raises(socketify_ext.errors.BodyError, match=r"no before_send hook runs.*@app\.before_send"):
        response.content = b""
    with pytest.raises(socketify_ext.errors.BodyError, match="no before_send hook runs"):
        response.filter_body(before_send_apps.Gzip())
    assert ungzip(before_send_apps.Gzip().finish()) == b""
