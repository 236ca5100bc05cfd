"""The hazards of the core, one test a row: none happens here, and each still happens on the bare core.

The apps are in `hazard_apps.py`. One server serves all rows of a kind and a pool setting; the core gets a server for
each row, since most rows end it. A row that passes on the core fails the run (`xfail(strict=True)`), so that we
learn when the core mends it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import hazard_apps
import httpx2
import pytest
from hazard_apps import AFTER_ABORT, INJECTIONS, NATIVE_CALLS, ROWS
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from wire import Answer, Wire, gather, wire

from socketify_ext.testing import Serving, serve

BARE = pytest.mark.xfail(strict=True, reason="the bare core")
# A connection for each request; made once, since making a client takes a while.
http = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False, verify=False)
# Nobody waits for this long, unless an answer never comes; the core, where that is expected, gets less.
PATIENCE = {"core": 0.5}


class Server:
    """What a test talks to: the server that serves its row."""

    def __init__(self, serving: Serving, kind: str, pools: str) -> None:
        self.serving = serving
        self.kind = kind
        self.pools = pools
        self.port = serving.port
        self.timeout = PATIENCE.get(kind, 10.0)
        self._start = len(serving.log)

    @property
    def log(self) -> str:
        """What the process has written during this test."""
        return self.serving.log[self._start :]

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.request("GET", path, **headers)

    def request(self, method: str, path: str, content: bytes | None = None, **headers: str) -> httpx2.Response:
        return http.request(method, self.serving.url + path, content=content, headers=headers, timeout=self.timeout)

    def socket(self, path: str, **options: Any) -> ClientConnection:
        limits = {"open_timeout": self.timeout, "close_timeout": self.timeout}
        return connect(self.serving.ws_url + path, proxy=None, compression=None, **limits, **options)

    def receive(self, socket: ClientConnection) -> Any:
        return socket.recv(timeout=self.timeout)

    def ask(self, socket: ClientConnection, message: str) -> Any:
        socket.send(message)
        return self.receive(socket)

    def wire(self) -> contextlib.AbstractContextManager[Wire]:
        return wire(self.port, self.timeout)

    def gather(self, count: int, path: Callable[[int], str], **headers: Callable[[int], str]) -> list[Answer]:
        """Send `count` requests, 50 at a time."""
        requests = [(path(number), {key: value(number) for key, value in headers.items()}) for number in range(count)]
        return gather(self.port, requests, self.timeout)

    def is_refused(self, outcome: str, error: str) -> bool:
        """Check whether a call was refused with our error; the core may pass a row with one of its own."""
        return outcome == error or (self.kind == "core" and outcome not in ("", "ok"))

    def is_failure(self, answer: httpx2.Response) -> bool:
        """Check whether an answer is the 500 that reveals no internals."""
        return answer.status_code == 500 and (self.kind == "core" or answer.text == "Internal Server Error")

    def has_logged(self, text: str) -> bool:
        """Check whether our own line was logged; the core has another."""
        return self.kind == "core" or text in self.log


class Servers:
    """The servers that run: one for all rows of a kind and a pool setting."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._running: dict[tuple[str, str], Serving] = {}

    def get(self, kind: str, pools: str) -> Serving:
        serving = self._running.get((kind, pools))
        if serving is None or not serving.alive:
            rows = [name for name, row in ROWS.items() if pools in row.pools and (row.stock or kind != "stock")]
            serving = self._stack.enter_context(serve(hazard_apps.make, kind=kind, rows=rows, pools=pools))
            self._running[kind, pools] = serving
        return serving

    def stop(self) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    servers = Servers()
    yield servers
    servers.stop()


@pytest.fixture
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Server]:
    """Serve the test's row, and check that the server lives on and that no error got lost."""
    kind, pools = request.param
    if kind == "core":
        with serve(hazard_apps.make, kind=kind, rows=[_row(request.function)], pools=pools) as serving:
            yield Server(serving, kind, pools)
        return
    server = Server(servers.get(kind, pools), kind, pools)
    yield server
    assert server.serving.alive, server.log
    for lost in ("From cffi callback", "never retrieved", "was never awaited", "ERROR:asyncio"):
        assert lost not in server.log, server.log
    if kind != "stock":
        assert ":root:" not in server.log, server.log


def _row(function: Any) -> str:
    return str(function.__name__).split("_")[1]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each row on every kind of app that it must hold on, and on the bare core, where it must not."""
    if "server" not in metafunc.fixturenames:
        return
    row = ROWS[_row(metafunc.function)]
    kinds = ("app", "install", "stock", "core") if row.stock else ("app", "install", "core")
    cases = [
        pytest.param((kind, pools), id=f"{kind}-{pools}", marks=BARE if kind == "core" else ())
        for pools in row.pools
        for kind in kinds
    ]
    metafunc.parametrize("server", cases, indirect=True)


kinds_of_app = pytest.mark.parametrize("kind", ["app", "install", pytest.param("core", marks=BARE)])


# -- what one user sees of another


def test_h01_a_mutable_default_is_fresh_for_each_object(server: Server) -> None:
    for item in ("apple", "pear", "plum"):
        assert server.get("/h01", item=item).json() == [[item], {"seen": [item]}]


def test_h02_a_late_read_gives_the_requests_own_data(server: Server) -> None:
    def token(number: int) -> str:
        return f"token-{number}"

    for route in ("late", "spawn"):
        if route == "spawn" and (server.kind, server.pools) == ("stock", "http"):
            continue  # H11, which a stock app can't keep away
        path = f"/h02/{route}/"
        answers = server.gather(
            300,
            lambda number, path=path: f"{path}{token(number)}?token={token(number)}",  # type: ignore[misc]
            token=token,
            cookie=lambda number: f"token={token(number)}",
        )
        for number, answer in enumerate(answers):
            own = token(number)
            read, everything, unanswerable = answer.json()
            assert read == own
            assert everything == [own] * 6 + [f"{path}{own}", f"{path}{own}?token={own}", "GET"]
            assert unanswerable == "RequestGoneError" or server.kind == "core"


def test_h12_nothing_set_on_an_object_is_seen_by_the_next(server: Server) -> None:
    for path in ("/h12", "/h12/late"):
        assert server.get(path, secret="hunter2").json() == ["hunter2", "hunter2", "hunter2"]
        for _ in range(3):
            assert server.get(path).json() == [None, None, "nobody"]
    if server.pools != "both":
        return  # H04: no event on a stock app
    with server.socket("/h12/ws") as first:
        assert json.loads(server.ask(first, "hunter2")) == [None, "nobody"]
        with server.socket("/h12/ws") as second:
            assert json.loads(server.ask(second, "")) == [None, "nobody"]
    with server.socket("/h12/ws") as third:
        assert json.loads(server.ask(third, "")) == [None, "nobody"]


# -- WebSocket events


def _check_events(server: Server, path: str) -> None:
    """Have every event but `drain` and `subscription`, and look at the members in each."""
    before = len(server.get(f"{path}/events").json())
    with server.socket(path) as socket:
        assert server.receive(socket) == "open hello"
        assert server.ask(socket, "hello") == "message hello"
        assert socket.ping("ping").wait(server.timeout)
        socket.pong("pong")
    happened = server.get(f"{path}/events", count=str(before + 5)).json()[before:]
    events = ["open", "message", "ping", "pong", "close"]
    assert happened == [[event, "hello", "good day"] for event in events]


def test_h03_every_event_runs_where_a_socket_has_members(server: Server) -> None:
    _check_events(server, "/h03")


def test_h04_every_event_runs_with_an_http_pool_alone(server: Server) -> None:
    _check_events(server, "/h04")


def test_h05_drain_and_subscription_fire_with_members(server: Server) -> None:
    with server.socket("/h05", max_size=None, max_queue=1) as socket:
        assert server.ask(socket, "subscribe") == "True"
        socket.send("fill")
        while (message := server.receive(socket)) != "drained signed":
            assert isinstance(message, bytes)
    assert server.get("/h05/events", count="2").json() == [["signed", "news", 1, 0], ["signed", "news", 0, 1]]


def test_h06_an_async_message_handler_gets_the_opcode(server: Server) -> None:
    with server.socket("/h06") as socket:
        text, opcode = json.loads(server.ask(socket, "hello"))
        assert text == "hello"
        assert opcode in ("OpCode.TEXT", "1")


def test_h07_nothing_is_written_to_a_socket_that_is_gone(server: Server) -> None:
    before = len(server.get("/h07/closed").json())
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(server.socket("/h07"))
    for _ in range(20):
        with server.wire() as client:
            client.upgrade("/h07")
            client.reset()
    assert len(server.get("/h07/closed", count=str(before + 40)).json()) == before + 40
    late = server.get("/h07/late", count=str(before + 40)).json()
    assert late == ["ConnectionClosedError"] * len(late) or server.kind == "core"
    calls = list(NATIVE_CALLS)
    answers = server.gather(200, lambda number: f"/h07/poke/{calls[number % len(calls)]}")
    for number, answer in enumerate(answers):
        assert answer.json() == ["ConnectionClosedError"] * 40 or server.kind == "core", calls[number % len(calls)]
    assert server.get("/h07/forget").text == "forgotten"


def test_h07_nothing_stays_behind_of_a_socket_that_goes(server: Server) -> None:
    before = len(server.get("/h07/left").json())
    for _ in range(5):
        with server.wire() as client:
            client.upgrade("/h07/leaving")
            client.reset()
        with server.socket("/h07/leaving"):
            pass
        with server.socket("/h07/leaving") as socket, pytest.raises(ConnectionClosed):
            server.ask(socket, "close")
    assert len(server.get("/h07/left", count=str(before + 15)).json()) == before + 15
    assert server.get("/h07/listeners").json() == [0, 0, 0, 0, 0]


def test_h08_a_clone_keeps_the_members(server: Server) -> None:
    with server.socket("/h08") as socket:
        assert server.ask(socket, "hello") == "aye, captain"
        assert server.get("/h08/push").text == "pushed"
        assert server.receive(socket) == "pushed: aye, captain"


def test_h22_an_async_upgrade_handler_works(server: Server) -> None:
    for path in ("/h22", "/h22/late"):
        for _ in range(12):  # more than the pool holds
            with server.socket(path) as socket:
                assert server.ask(socket, "hello") == "hello"
    assert "Error" not in server.log
    assert "Traceback" not in server.log


def test_h24_an_error_names_the_route_and_the_extension(server: Server) -> None:
    error = "ValueError: the socket's own in ws.implode of extension"
    with server.socket("/h24") as socket:
        socket.send("fail")
        assert server.ask(socket, "go on") == "go on"
        assert f"WS /h24 message: {error} " in server.log
        socket.ping()
        server.get("/h24/happened", count="1")
        assert server.ask(socket, "go on") == "go on"
        assert f"WS /h24 ping: {error} " in server.log
    assert server.is_failure(server.get("/h24/request"))
    expected = r"ERROR:socketify_ext:GET /h24/request: ValueError: the request's own in request\.explode of extension .*h24_faulty"
    assert re.search(expected, server.log)


def test_h30_a_socket_closes_with_its_code_and_refuses_what_it_cannot_send(server: Server) -> None:
    with server.socket("/h30") as socket:
        assert server.is_refused(server.ask(socket, "unserialisable"), "TypeError")
        assert server.is_refused(server.ask(socket, "wrong"), "ValueError")
        for message, code, reason in (("1000", 1000, ""), ("4001", 4001, ""), ("twice", 4002, "once")):
            with server.socket("/h30") as other:
                with pytest.raises(ConnectionClosed) as closed:
                    server.ask(other, message)
                assert closed.value.rcvd is not None
                assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, reason)
        assert server.is_refused(server.ask(socket, "unserialisable"), "TypeError")


# -- one answer for each request


def test_h09_a_second_answer_is_refused_and_the_connection_stays_clean(server: Server) -> None:
    server.get("/h09/forget")
    with server.wire() as client:
        assert client.ask("GET", "/h09/twice").body == b"first"
        assert client.ask("GET", "/h09/ok").body == b"ok"
        # While the second request waits, the first one's handler tries to answer once more.
        assert client.ask("GET", "/h09/late").body == b"first"
        assert client.ask("GET", "/h09/slow").body == b"slow"
        assert client.ask("POST", "/h09/data", b"x" * 100_000).body == b"answered"
        # Pipelined.
        client.send("GET", "/h09/twice")
        client.send("GET", "/h09/ok")
        assert [client.answer().body, client.answer().body] == [b"first", b"ok"]
        assert client.ask("GET", "/h09/ok").body == b"ok"
        assert client.rest == b""
    assert server.has_logged("ERROR:socketify_ext:end was refused: this request is already answered")
    assert server.has_logged('in twice\n    res.end("second")')  # the stack says where
    for method in ("cork", "write", "try_end", "send", "redirect", "end_without_body"):
        assert server.has_logged(f"{method} was refused")


def test_h10_a_handler_without_an_answer_gets_500(server: Server) -> None:
    for name in ("sync", "async", "late", "task"):
        assert server.is_failure(server.get(f"/h10/{name}"))
        assert server.has_logged(f"ERROR:socketify_ext:GET /h10/{name}: the handler returned without an answer")
    assert server.is_failure(server.get("/h10/upgrade"))  # what it was given is no WebSocket's
    with server.wire() as client:
        client.send("GET", "/h10/mixed")
        assert b"def" not in client.read_to_end()
    assert server.has_logged("end was refused: try_end has announced the size")


def test_h11_a_sync_handler_may_answer_from_a_coroutine(server: Server) -> None:
    answers = server.gather(100, lambda number: "/h11", token=lambda number: f"token-{number}")
    assert [answer.body.decode() for answer in answers] == [f"token-{number}" for number in range(100)]


def test_h13_a_line_break_never_reaches_a_head(server: Server) -> None:
    with server.wire() as client:
        for name in INJECTIONS:
            answer = client.ask("GET", f"/h13/case/{name}")
            assert answer.status == "200 OK", name
            assert server.is_refused(answer.body.decode(), "HeaderError"), name
            assert not any("injected" in part for header in answer.headers for part in header), name
        upgrade = {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}
        answer = client.ask("GET", "/h13/ws", **upgrade)
        assert answer.status == "500 Internal Server Error"
        answer = client.ask("GET", "/h13/uncaught")
        assert answer.status == "500 Internal Server Error"
        assert not any("injected" in part for header in answer.headers for part in header)
        assert client.rest == b""


def test_h14_a_number_is_a_header_value(server: Server) -> None:
    answer = server.get("/h14")
    assert (answer.status_code, answer.text) == (200, "counted")
    assert answer.headers.get_list("x-count") == ["5"]
    assert answer.headers["x-ratio"] == "0.5"


def test_h15_send_takes_a_status_line(server: Server) -> None:
    for name, code in (("text", 200), ("bytes", 200), ("code", 200), ("other", 404)):
        answer = server.get(f"/h15/{name}")
        assert (answer.status_code, answer.text, answer.headers["x-a"]) == (code, "body", "1")


def test_h16_each_cookie_has_a_header_of_its_own(server: Server) -> None:
    for method in ("end", "send", "cork_end"):
        cookies = server.get(f"/h16/{method}").headers.get_list("set-cookie")
        assert [cookie.partition("=")[0] for cookie in cookies] == ["first", "second"]
        assert cookies[0].startswith("first=1;")
        assert cookies[1] == "second=two%3B%20x=y; Path=/"


# -- registration


def test_h17_a_core_name_needs_override(server: Server) -> None:
    refused = server.get("/h17").json()
    assert list(refused) == ["end", "get_header", "write_header", "get_method"]
    for name, text in refused.items():
        assert name in text
        assert "EXT200" in text or server.kind == "core"


def test_h18_a_collision_names_both_extensions(server: Server) -> None:
    refused, customer = server.get("/h18").json()
    assert "EXT201" in refused or server.kind == "core"
    assert "h18_first" in refused
    assert "h18_second" in refused
    assert customer == "the first one's"


def test_h19_a_late_extension_reaches_the_routes_that_exist(server: Server) -> None:
    assert server.get("/h19").text == "there"
    with server.socket("/h19/ws") as socket:
        server.ask(socket, "hello")
        assert server.get("/h19/register").text == "registered"
        assert server.ask(socket, "hello") == "there"


# -- start and end


@kinds_of_app
def test_h20_all_start_up_functions_run_in_order(kind: str) -> None:
    with serve(hazard_apps.starting, kind=kind) as serving:
        order = http.get(f"{serving.url}/order").json()
        assert order == [*(["steady", "shaky"] if kind != "core" else []), "first", "second"]


@kinds_of_app
def test_h20_a_failed_start_up_ends_the_process(kind: str) -> None:
    command = [sys.executable, hazard_apps.__file__, "starting", json.dumps({"kind": kind, "failing": True})]
    ended = subprocess.run(
        command,
        timeout=PATIENCE.get(kind, 30) + 1,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode > 0
    assert "listening" not in ended.stdout
    assert "no database here" in ended.stderr
    if kind != "core":
        assert "extension 'shaky'" in ended.stderr
        assert ended.stdout.splitlines() == ["steady was stopped"]


def _stopped(serving: Serving) -> list[str]:
    return [line.removeprefix("stopped: ") for line in serving.log.splitlines() if line.startswith("stopped: ")]


@kinds_of_app
@pytest.mark.parametrize("way", ["SIGINT", "SIGTERM", "close"])
def test_h21_shutdown_runs_once_in_reverse(kind: str, way: str) -> None:
    with serve(hazard_apps.stopping, kind=kind) as serving:
        assert http.get(f"{serving.url}/ready").text == "ready"
        if way == "close":
            http.get(f"{serving.url}/close")
            assert serving.process.wait(10) == 0
        else:
            assert serving.stop(getattr(signal, way)) == 0
        assert _stopped(serving) == ["second", "first", *(["store"] if kind != "core" else [])]


@kinds_of_app
def test_h21_open_requests_and_sockets_end_well(kind: str) -> None:
    with serve(hazard_apps.stopping, kind=kind) as serving:
        with connect(f"{serving.ws_url}/ws", proxy=None) as socket:
            socket.send("hello")
            assert socket.recv(timeout=5) == "hello"
            answer = http.get(f"{serving.url}/kill/SIGTERM", timeout=PATIENCE.get(kind, 10))
            assert answer.text == "answered in time"
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
        assert serving.process.wait(10) == 0
        assert _stopped(serving) == ["second", "first", *(["store"] if kind != "core" else [])]


@kinds_of_app
def test_h21_a_hanging_shutdown_function_meets_its_limit(kind: str) -> None:
    with serve(hazard_apps.stopping, kind=kind, hanging=True) as serving:
        assert http.get(f"{serving.url}/ready").text == "ready"
        assert serving.stop(signal.SIGTERM, timeout=10) == 0
        assert _stopped(serving) == ["first", *(["store"] if kind != "core" else [])]
        assert "second ran out of time" in serving.log or kind == "core"


# -- asyncio


def test_h23_asyncio_works_inside_a_handler(server: Server) -> None:
    expected = {
        "anyio": "True ['one', 'thread', 'two']",
        "client": "target target target",
        "tasks": "named done CancelledError True",
        "timeouts": "in time",
    }
    assert server.get("/h23/ready").json() == ["ready"]
    for late in ("", "late"):
        for name, text in expected.items():
            answer = server.get(f"/h23/work/{name}", url=f"{server.serving.url}/h23/target", late=late)
            assert (answer.status_code, answer.text) == (200, text)


# -- clients that leave


def test_h25_nothing_is_written_to_a_response_whose_client_has_left(server: Server) -> None:
    before = len(server.get("/h25/happened").json())
    for _ in range(5):
        with server.wire() as client:
            client.send("GET", "/h25")
            client.read_until(b"begin")
            client.reset()
    for outcomes in server.get("/h25/happened", count=str(before + 5)).json()[before:]:
        assert outcomes == dict.fromkeys(AFTER_ABORT, "ok") or server.kind == "core"
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.wire()) for _ in range(30)]
        for client in clients:
            client.send("GET", "/h25/endless")
        for client in clients:
            client.read_until(b"begin")
            client.reset()
    with server.wire() as client:
        client.send("GET", "/h25/fail")
        assert server.get("/h25/happened").status_code == 200
        client.reset()
    assert server.get("/h25/gone", count="1").json()[0] == "gone"
    assert server.has_logged("ERROR:socketify_ext:GET /h25/fail: ValueError: in an abort handler")


def test_h28_a_client_that_gives_up_does_not_spoil_the_next_request(server: Server) -> None:
    for path in ("/h28/promise", "/h28/late"):
        for _ in range(5):
            with server.wire() as client:
                client.send("GET", path)
                assert server.get("/h28/ok").text == "ok"
                client.reset()
            for _ in range(5):
                assert server.get("/h28/ok").text == "ok"
    assert server.get("/h28/go-on").text == "on"
    for _ in range(12):
        assert server.get("/h28/ok").text == "ok"


# -- errors


def test_h26_a_value_that_cannot_be_serialised_gets_500(server: Server) -> None:
    values = {"object": "TypeError", "complex": "TypeError", "endless": "ValueError", "key": "TypeError"}
    for style in ("sync", "async", "late"):
        for (value, error), method in itertools.product(values.items(), ("end", "send", "cork_end")):
            assert server.is_failure(server.get(f"/h26/{style}/{value}/{method}"))
            assert server.has_logged(f"ERROR:socketify_ext:GET /h26/{style}/:value/:method: {error}: ")


def test_h27_a_lone_surrogate_gets_500(server: Server) -> None:
    text = r'"\ud800"'
    answers = [
        server.get("/h27", text=text),
        server.request("POST", "/h27/body", f'{{"text": {text}}}'.encode(), **{"content-type": "application/json"}),
        server.get("/h27/header", text=text),
        server.get("/h27/cookie", text=text),
    ]
    assert [answer.status_code for answer in answers] == [500] * 4
    with server.socket("/h27/ws") as socket:
        socket.send(text)
        assert server.ask(socket, '"go on"') == "go on"


def test_h29_an_error_inside_a_cork_goes_the_way_of_every_other(server: Server) -> None:
    for path in ("sync", "async"):
        assert server.is_failure(server.get(f"/h29/{path}"))
        assert server.has_logged(f"ERROR:socketify_ext:GET /h29/{path}: ValueError: inside a cork")
    for path in ("sync-written", "async-written", "partial", "late-partial"):
        with server.wire() as client:
            client.send("GET", f"/h29/{path}")
            assert not client.read_to_end().endswith(b"0\r\n\r\n")  # cut off, where a whole answer ends like this
            assert server.has_logged(f"ERROR:socketify_ext:GET /h29/{path}: ValueError: ")
    assert server.is_failure(server.request("POST", "/h29/data", b"x"))
    assert server.has_logged("ERROR:socketify_ext:POST /h29/data: ValueError: in a data handler")
    with server.socket("/h29/ws") as socket:
        socket.send("fail")
        assert server.ask(socket, "go on") == "go on"
    assert server.has_logged("ERROR:socketify_ext:WS /h29/ws message: ValueError: inside a cork")
