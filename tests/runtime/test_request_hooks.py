import contextlib
import functools
import time
from types import SimpleNamespace

import httpx2
import pytest
import request_hook_apps
import socketify
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.sync.client import connect
from wire import gather, wire

import socketify_ext
from socketify_ext.errors import InstallError, LifecycleError, SignatureError
from socketify_ext.runtime.hook_calls import Applied
from socketify_ext.runtime.hooks import _guarded
from socketify_ext.sdk.request_hooks import PARAMETERS, RequestHook
from socketify_ext.testing import serve

KINDS = ("app", "install")
PATIENCE = 10
http = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False, verify=False)


class Hooked:
    """A served app, and what its hooks have noted since the test began."""

    def __init__(self, serving):
        self.serving, self.port = serving, serving.port
        self.begin = len(serving.log)
        self.request("GET", "/notes/forget")

    @property
    def log(self):
        return self.serving.log[self.begin :]

    def request(self, method, path, **options):
        return http.request(method, self.serving.url + path, timeout=PATIENCE, **options)

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def notes(self):
        return self.get("/notes").json()

    def check(self, *wanted):
        """Compare what is noted, once the last of it is there: hooks run when the client may have its answer already."""
        if wanted:
            self.wait_for(wanted[-1])
        self.get("/notes")
        assert self.notes() == list(wanted)

    def wait_for(self, note):
        deadline = time.monotonic() + PATIENCE
        while note not in (notes := self.notes()):
            assert time.monotonic() < deadline, notes

    def socket(self, path, **headers):
        options = {"proxy": None, "compression": None, "open_timeout": PATIENCE, "close_timeout": PATIENCE}
        return connect(self.serving.ws_url + path, additional_headers=headers, **options)


@pytest.fixture(scope="module", params=KINDS)
def servers(request, tmp_path_factory):
    """Serve apps of one kind, each once."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "page.txt").write_text("page")
    with contextlib.ExitStack() as stack:

        @functools.cache
        def server(name):
            arguments = {"folder": str(folder)} if name == "finished" else {}
            return stack.enter_context(serve(getattr(request_hook_apps, name), kind=request.param, **arguments))

        yield server


@pytest.fixture
def hooked(servers):
    return lambda name: Hooked(servers(name))


# -- order


def test_hooks_run_in_resolved_order_and_those_of_the_app_last(hooked):
    server = hooked("ordered")
    server.get("/order/7")
    names = ["first", "middle", "last"]
    server.check(
        *(["before", name] for name in [*names, "the app"]),
        ["handler"],
        *(["after", name] for name in names),
    )


def test_hooks_of_sockets_run_in_resolved_order_before_the_handler(hooked):
    server = hooked("ordered")
    with server.socket("/order/ws") as socket:
        socket.send("leave")
        with pytest.raises(ConnectionClosed):
            socket.recv(PATIENCE)
    names = ["first", "middle", "last"]
    server.check(
        *(["before", name] for name in [*names, "the app"]),
        *(["open", name] for name in names),
        ["handler"],
        *(["after", name] for name in names),
        *(["close", name, 1000] for name in names),
    )


# -- before_request


@pytest.mark.parametrize("hook", ["sync", "async", "straight"])
@pytest.mark.parametrize("handler", ["sync", "async"])
def test_a_request_that_no_hook_answers_reaches_its_handler(hooked, hook, handler):
    server = hooked("guarded")
    answer = server.get(f"/{hook}/{handler}/7", token="Ann")
    assert answer.json() == {"token": "Ann", "user": "Ann" if hook == "async" else None, "id": "7"}
    after = ["after", 200, "GET", f"/{hook}/{handler}/:id", False]
    server.check(["second", f"/{hook}/{handler}/7"], ["handler"], after)


@pytest.mark.parametrize("hook", ["sync", "async", "straight"])
@pytest.mark.parametrize("handler", ["sync", "async"])
def test_an_answer_keeps_the_request_from_later_hooks_and_the_handler(hooked, hook, handler):
    server = hooked("guarded")
    answer = server.get(f"/{hook}/{handler}/7")
    assert answer.status_code == 401
    assert "who are you?" in answer.text
    assert ("www-authenticate" in answer.headers) == (hook == "straight")
    server.check(["after", 401, "GET", f"/{hook}/{handler}/:id", False])


def test_an_answer_of_a_hook_to_head_has_no_body(hooked):
    server = hooked("guarded")
    with wire(server.port) as connection:
        refused = connection.ask("HEAD", "/sync/any")
        assert (refused.status[:3], dict(refused.headers)["content-length"]) == ("401", "12")
        assert connection.ask("GET", "/sync/any", token="Ann").body == b"any"


def test_members_are_on_what_hooks_and_handlers_get(hooked):
    assert hooked("guarded").get("/async/greet", token="Ann").text == "a member"


@pytest.mark.parametrize("hook", ["sync", "async", "straight"])
@pytest.mark.parametrize("handler", ["echo", "echo-late"])
def test_a_hook_that_waits_does_not_lose_the_body(hooked, hook, handler):
    server = hooked("guarded")
    body = b"0123456789" * 20_000
    answer = server.request("POST", f"/{hook}/{handler}", content=body, headers={"token": "Ann"})
    assert answer.content == body
    with wire(server.port) as connection:
        head = f"POST /{hook}/{handler} HTTP/1.1\r\nhost: a\r\ntoken: Ann\r\ncontent-length: 6\r\n"
        connection.socket.sendall(f"{head}\r\nabc".encode())
        server.wait_for(["second", f"/{hook}/{handler}"])
        connection.socket.sendall(b"def")
        assert connection.answer().body == b"abcdef"


def test_a_request_that_waits_in_a_hook_stays_its_own(servers):
    server = servers("many")
    requests = [(f"/token/{number}?q={number}", {"token": f"t{number}"}) for number in range(200)]
    answers = gather(server.port, requests)
    assert [answer.json() for answer in answers] == [[f"t{n}", str(n), str(n)] for n in range(200)]


@pytest.mark.parametrize("path", ["/fails/sync/1", "/fails/async/1", "/fails-late/sync/1", "/fails-late/async/1"])
def test_a_failing_hook_is_answered_as_a_failing_handler_and_names_its_extension(hooked, path):
    server = hooked("guarded")
    answer = server.get(path)
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    route = path.removesuffix("1") + ":id"
    server.check(["after", 500, "GET", route, False])
    hook = (
        f"before_request hook {'fail_late' if 'late' in path else 'fail'} of extension 'guard' (request_hook_apps.py:"
    )
    assert f"GET {route}: LookupError: no user in {hook}" in server.log


def test_a_failing_hook_goes_to_the_error_handler(hooked):
    server = hooked("failing")
    for path in ("/fails/sync/1", "/fails-late/sync/1"):
        answer = server.get(path)
        assert (answer.status_code, answer.text) == (418, "no user")
    server.check(*(["after", 418, "GET", f"/{hook}/sync/:id", False] for hook in ("fails", "fails-late")))


@pytest.mark.parametrize("hook", ["sync", "async", "straight"])
@pytest.mark.parametrize("path", ["ws", "ws-own"])
def test_hooks_guard_upgrades(hooked, hook, path):
    server = hooked("guarded")
    with server.socket(f"/{hook}/{path}", token="Ann") as socket:
        socket.send("hello")
        assert socket.recv(PATIENCE) == "hello"
    with pytest.raises(InvalidStatus) as refused:
        server.socket(f"/{hook}/{path}").__enter__()
    assert refused.value.response.status_code == 401
    admitted = ["second", f"/{hook}/{path}"]
    server.check(admitted, *(["after", status, "GET", f"/{hook}/{path}", False] for status in (101, 401)))


@pytest.mark.parametrize("path", ["/fails/ws", "/fails-late/ws-own"])
def test_a_failing_hook_refuses_an_upgrade(hooked, path):
    server = hooked("guarded")
    with pytest.raises(InvalidStatus) as refused:
        server.socket(path).__enter__()
    assert refused.value.response.status_code == 500
    assert "of extension 'guard'" in server.log


def test_a_route_to_which_a_request_is_yielded_runs_the_hooks_that_have_not_run():
    """Each route may have hooks of its own, and one that has let a request pass says nothing about the others."""
    seen = []

    def hook(name):
        return RequestHook("before_request", lambda res, req: seen.append(name))

    common, of_one, of_two = hook("common"), hook("of one"), hook("of two")
    response, request = SimpleNamespace(_admitted=(), _answered=False), SimpleNamespace(_yielded=False)
    for hooks in ((common, of_one), (common, of_two), (of_one, of_two)):
        _guarded(Applied((each, False) for each in hooks), lambda res, req: seen.append("handler"))(response, request)
    assert seen == ["common", "of one", "handler", "of two", "handler", "handler"]


# -- after_response

ENDS = {
    "text": 200,
    "json": 200,
    "header": 200,
    "status": 202,
    "all": 202,
    "send": 203,
    "redirect": 302,
    "empty": 204,
    "chunked": 206,
    "sized": 200,
    "cork": 202,
    "late": 201,
    "chunks": 200,
    "forgotten": 500,
    "nothing": 500,
    "refuse": 404,
    "fail": 500,
    "fail-late": 500,
    "twice": 200,
    "unserialisable": 500,
    "broken": 200,
}


@pytest.mark.parametrize("path", ENDS)
def test_after_response_is_told_each_end_once(hooked, path):
    server = hooked("finished")
    assert server.get(f"/{path}").status_code == ENDS[path]
    server.check(["after", ENDS[path], "GET", f"/{path}", False])


@pytest.mark.parametrize(("path", "status"), [("closed", None), ("fail-begun", 200)])
def test_after_response_is_told_of_a_connection_that_the_server_closes(hooked, path, status):
    server = hooked("finished")
    with pytest.raises(httpx2.RemoteProtocolError):
        server.get(f"/{path}")
    server.check(["after", status, "GET", f"/{path}", True])


@pytest.mark.parametrize(("path", "status"), [("hang", None), ("hang-begun", 206)])
def test_after_response_is_told_of_a_client_that_leaves(hooked, path, status):
    server = hooked("finished")
    with wire(server.port) as connection:
        connection.send("GET", f"/{path}")
        server.wait_for(["hangs", path])
        connection.reset()
    server.check(["hangs", path], ["after", status, "GET", f"/{path}", True])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("HEAD", "/head", 200), ("HEAD", "/any", 200), ("PATCH", "/any", 200)],
)
def test_after_response_is_told_the_method(hooked, method, path, status):
    server = hooked("finished")
    assert server.request(method, path).status_code == status
    server.check(["after", status, method, path, False])


@pytest.mark.parametrize("path", ["/next/one", "/next/two"])
def test_a_request_that_routes_leave_to_each_other_runs_through_the_hooks_once(hooked, path):
    server = hooked("finished")
    assert server.get(path).status_code == 202
    server.check(["before", path], ["after", 202, "GET", "/next/*", False])


def test_after_response_is_told_of_a_request_that_is_left_to_nobody(hooked):
    server = hooked("finished")
    assert server.get("/nowhere").status_code == 404
    server.check(["after", 404, "GET", "/*", False])


@pytest.mark.parametrize(("path", "status"), [("/files/page.txt", 200), ("/files/none.txt", 404)])
def test_after_response_is_told_of_static_files(hooked, path, status):
    server = hooked("finished")
    assert server.get(path).status_code == status
    server.check(["after", status, "GET", "/files/*", False])


@pytest.mark.parametrize("path", ["/ws", "/left/ws"])
def test_after_response_is_told_of_upgrades(hooked, path):
    server = hooked("finished")
    with server.socket(path):
        server.check(["after", 101, "GET", path, False])


def test_after_response_is_told_of_a_refused_upgrade(hooked):
    server = hooked("finished")
    with pytest.raises(InvalidStatus):
        server.socket("/refused/ws").__enter__()
    server.check(["after", 403, "GET", "/refused/ws", False])


def test_a_failing_after_response_is_logged_and_the_others_run(hooked):
    server = hooked("finished")
    answer = server.get("/broken")
    assert (answer.status_code, answer.text) == (200, "fine")
    server.check(["after", 200, "GET", "/broken", False])
    for name, words in (("broken", "no such counter"), ("broken_late", "no such late counter")):
        assert f"LookupError: {words} in after_response hook {name} of extension 'watch'" in server.log


def test_the_last_answer_is_told_before_the_server_stops_and_an_open_one_as_cut_off():
    with serve(request_hook_apps.waiting_at_the_end, kind="app") as serving, wire(serving.port) as connection:
        connection.send("GET", "/hang")
        connection.read_until(b"begun")
        assert http.get(f"{serving.url}/last").text == "last"
        assert serving.process.wait(PATIENCE) == 0
        assert serving.log.splitlines() == [
            "outcome 200 False",
            "WARNING:socketify_ext:the server ends: cancelled GET /hang",
            "outcome 200 True",
        ]


# -- prefixes


@pytest.mark.parametrize(
    ("path", "prefixes"),
    [
        ("/api", ["/api"]),
        ("/api/items", ["/api", "/api/items"]),
        ("/api/7", ["/api"]),
        ("/apis", []),
        ("/b/items", []),
        ("/b/c", ["/b/c"]),
        ("/b/cd", []),
        ("/b/c/d", ["/b/c"]),
        ("/", []),
        ("/b/x/../c/d", ["/b/c"]),
        ("/b/./c", ["/b/c"]),
        ("//b/c", ["/b/c"]),
        ("/b/%63/d", ["/b/c"]),
        ("/b/\xff", []),  # no text, as no pattern and no file is
    ],
)
def test_a_hook_runs_below_its_prefix_only(hooked, path, prefixes):
    server = hooked("prefixed")
    with wire(server.port) as connection:
        connection.socket.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\n\r\n".encode("latin-1"))
        assert connection.answer().status == "200 OK"
    server.check(*([event, prefix] for event in ("before", "after") for prefix in prefixes))


@pytest.mark.parametrize(
    ("path", "prefixes"),
    [("/api/ws", ["/api"]), ("/b/ws", []), ("/api/ws/late", ["/api"]), ("/c/ws/late", [])],
)
def test_a_hook_of_sockets_runs_below_its_prefix_only(hooked, path, prefixes):
    server = hooked("prefixed")
    with server.socket(path) as socket:
        socket.send("hello")
        assert socket.recv(PATIENCE) == "hello"
        seen = [[event, prefix] for event in ("before", "open", "after") for prefix in prefixes]
        server.check(*seen)
    server.check(*seen, *(["close", prefix] for prefix in prefixes))


segment = st.sampled_from(["a", "b", "c", ":id", "*"])
word = st.sampled_from(["a", "b", "c", "d"])


@given(st.lists(segment, max_size=4), st.lists(word, min_size=1, max_size=3), st.data())
def test_a_pattern_decides_as_each_of_its_paths_would(pattern, prefix, data):
    if "*" in pattern:
        del pattern[pattern.index("*") + 1 :]
    path = []
    for part in pattern:
        path += data.draw(st.lists(word, min_size=1)) if part == "*" else [data.draw(word) if part == ":id" else part]
    hook = RequestHook("before_request", print, tuple(prefix))
    covered = hook.covers("/" + "/".join(pattern))
    matched = hook.matches("/" + "/".join(path))
    assert matched == (path[: len(prefix)] == prefix)
    assert covered in (None, matched)


# -- WebSockets


def test_a_failing_hook_of_a_socket_is_logged_and_the_connection_goes_on(hooked):
    server = hooked("sockets")
    with server.socket("/ws") as socket:
        assert socket.recv(PATIENCE) == "entered"
        socket.send("who has seen me?")
        assert socket.recv(PATIENCE) == "hook"
        socket.close(1001, "bye")
    server.check(["open"], ["close", 1001], ["left", 1001, "bye", "/ws"])
    for event, name, words in (("open", "broken", "no room"), ("close", "broken_close", "no room to leave")):
        line = f"WS /ws: LookupError: {words} in on_ws_{event} hook {name} of extension 'presence'"
        assert line in server.log


def test_a_socket_that_a_hook_closes_reaches_no_handler(hooked):
    server = hooked("sockets")
    with pytest.raises(InvalidMessage):  # the connection ends before its upgrade has left the server
        server.socket("/closing").__enter__()
    server.check(["close", 1006], ["left", 1006, "", "/closing"])


# -- when hooks come


def test_hooks_may_come_at_start_up_and_later(servers):
    serving = servers("late")
    server = Hooked(serving)
    assert server.get("/item").text == "item"
    server.check(["after", 200, "GET", "/item", False])
    assert server.get("/add").text == "added"
    assert server.get("/item").text == "hooked"
    with server.socket("/ws"):
        pass


def test_a_hook_that_comes_too_late_for_a_socket_says_so():
    app = socketify_ext.App()
    app.ws("/ws", {})
    app.ws("/own", {"upgrade": print})
    app.listen({"port": 0, "host": "127.0.0.1"}, lambda config: None)
    try:
        app.before_request(print, prefix="/own")
        app.on_ws_open(print)
        with pytest.raises(LifecycleError, match=r"the WebSocket /ws .*before app\.listen\(\)"):
            app.before_request(print)

        @socketify_ext.extension("late")
        def late(request, response, ws, *, app):
            request.property("late")
            app.before_request(lambda res, req: None)

        with pytest.raises(LifecycleError):
            app.register(late)
        assert socketify_ext.inspect(app).members == {}
        app.on_ws_close(lambda ws, code, message: None)
    finally:
        app.close()


def test_an_app_without_hooks_runs_what_it_runs_without_this_module():
    app = socketify_ext.App()

    def handler(res, req):
        res.end("")

    app.get("/", handler)
    app.before_request(print, prefix="/api")
    app.ws("/ws", {"message": print})
    http_route, socket = app._server.routes
    assert http_route.handler is handler
    assert http_route.response_class is socket.response_class is app._node.classes["response"]
    assert (socket.upgrade, socket.open, socket.close) == (None, None, None)
    app.after_response(print)
    assert http_route.handler is not handler
    assert http_route.response_class is not app._node.classes["response"]


def test_a_failed_registration_leaves_no_hook():
    app = socketify_ext.App()
    app.get("/", print)

    @socketify_ext.extension("wrong", requires=["nothing-like-it"])
    def wrong(request, response, ws, *, app):
        app.before_request(print)

    with pytest.raises(socketify_ext.ExtensionError):
        app.register(wrong)
    assert app._server.routes[0].handler is print


# -- what is refused


@pytest.mark.parametrize("event", PARAMETERS)
def test_a_hook_on_a_stock_app_says_to_install(event):
    @socketify_ext.extension("hooked")
    def hooked(request, response, ws, *, app):
        getattr(app, event)(lambda *arguments: None)

    with pytest.raises(InstallError, match=r"extension 'hooked' .*request hooks.*socketify_ext\.install\(app\)"):
        socketify.App().register(hooked)


@pytest.mark.parametrize("event", PARAMETERS)
@pytest.mark.parametrize("function", ["x", 3, lambda: None, lambda a, b, c, d: None])
def test_a_function_that_can_not_be_called_is_refused(event, function):
    app = socketify_ext.App()
    with pytest.raises(SignatureError, match=rf"the app calls app\.{event}: .*Write @app\.{event} above"):
        getattr(app, event)(function)


@pytest.mark.parametrize("event", PARAMETERS)
@pytest.mark.parametrize("prefix", ["", "api", "/a//b", "/:id", "/*", "/a/*", "/a?b", None, 3, ["/api"]])
def test_a_prefix_that_is_none_is_refused(event, prefix):
    @socketify_ext.extension("odd")
    def odd(request, response, ws, *, app):
        getattr(app, event)(prefix=prefix)

    with pytest.raises(SignatureError, match=r"extension 'odd' .*is not a path prefix.*prefix=\"/api\""):
        socketify_ext.App().register(odd)


def test_decorators_give_back_their_function():
    app = socketify_ext.App()

    def hook(*arguments): ...

    for event in PARAMETERS:
        assert getattr(app, event)(hook) is getattr(app, event)(prefix="/api")(hook) is hook
