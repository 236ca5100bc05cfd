"""What the core offers works as before, on a `socketify_ext.App` and on an installed app of the core.

The apps are in `core_feature_apps.py`. One server serves all tests of a kind, unless its app as a whole differs.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from email.utils import formatdate
from multiprocessing.connection import wait
from pathlib import Path

import core_feature_apps
import httpx2
import pytest
from core_feature_apps import BIG, METHODS, big_body
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from wire import wire

import socketify_ext
from socketify_ext.testing import serve

DATA = Path(__file__).parents[1] / "data"
CERTIFICATE, KEY = str(DATA / "localhost.crt"), str(DATA / "localhost.key")
KINDS = ["app", "install"]
PATIENCE = 10.0
SECRET = "not to be served"


def client(base_url, **options):
    return httpx2.Client(base_url=base_url, timeout=PATIENCE, trust_env=False, **options)


def trust():
    return ssl.create_default_context(cafile=CERTIFICATE)


@contextlib.contextmanager
def socket_to(url, **options):
    with connect(url, proxy=None, open_timeout=PATIENCE, close_timeout=PATIENCE, **options) as connection:
        yield connection


def values(answer, name):
    return [value for key, value in answer.headers if key == name]


def receive(connection):
    return connection.recv(timeout=PATIENCE)


@pytest.fixture(scope="module", params=KINDS)
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    (folder.parent / "secret.txt").write_text(SECRET)
    (folder / "sub").mkdir()
    (folder / "page.html").write_text("<p>0123456789</p>")
    (folder / "sub" / "big.bin").write_bytes(big_body())
    unix = str(tmp_path_factory.mktemp("unix") / "s")
    with serve(core_feature_apps.features, kind=request.param, folder=str(folder), unix=unix) as serving:
        serving.folder, serving.unix = folder, unix
        yield serving


@pytest.fixture(scope="module")
def http(server):
    with client(server.url) as session:
        yield session


@pytest.fixture
def plain(server):
    with wire(server.port, PATIENCE) as connection:
        yield connection


# -- routers and middlewares


@pytest.mark.parametrize("style", ["direct", "api", "chained"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_routed_by_the_app_a_router_and_a_middleware_router(plain, style, method):
    sent = "PUT" if method == "any" else method.upper()
    answer = plain.ask(sent, f"/{style}/{method}", **{"x-user": "u"})
    assert answer.status == "200 OK"
    assert answer.body == (b"" if method == "head" else f"{method} by {sent}".encode())


def test_a_router_without_a_prefix_adds_plain_routes(http):
    assert http.get("/plain").text == "plain"


def test_a_router_runs_its_middlewares_sync_and_async(http):
    assert http.get("/guarded/7?q=a%20b", headers={"x-user": "u"}).json() == {
        "data": ["u", "async"],
        "url": "/guarded/7",
        "query": "a b",
        "first": "7",
    }
    assert http.get("/guarded/7").status_code == 403


@pytest.mark.parametrize(
    ("path", "notes"),
    [("sync", ["sync"]), ("async", ["async"]), ("mixed", ["async", "sync"]), ("nested", ["sync", "sync", "async"])],
)
def test_middlewares_hand_their_data_on_and_stop_the_chain(http, path, notes):
    answer = http.get(f"/middleware/{path}/5?q=x", headers={"x-user": "u"})
    assert answer.json() == {"data": ["u", *notes], "url": f"/middleware/{path}/5", "query": "x", "first": "5"}
    refused = http.get(f"/middleware/{path}/5")
    assert (refused.status_code, refused.text) == (403, "forbidden")


# -- the next route


def test_a_route_leaves_its_request_and_what_it_wrote_to_the_next(plain):
    answer = plain.ask("GET", "/next/sync")
    assert answer.body == b"next sync"
    assert (values(answer, "x-left"), values(answer, "set-cookie")) == (["yes"], ["left=yes; Path=/"])


def test_an_async_route_leaves_its_request_to_the_next(plain):
    assert plain.ask("GET", "/next/async").body == b"next async"


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("both", "200 OK", b"next both"),
        ("answered", "200 OK", b"answered"),
        ("failed", "500", b"Internal Server Error"),
    ],
)
def test_a_request_that_two_routes_answer_has_one_answer(plain, path, status, body):
    for _ in range(3):
        answer = plain.ask("GET", f"/next/{path}")
        assert answer.status.startswith(status)
        assert answer.body == body
    assert plain.ask("GET", "/plain").body == b"plain"


def test_what_was_left_to_no_route_reaches_no_other_request(server):
    with wire(server.port, PATIENCE) as left:
        assert left.ask("GET", "/nowhere").status == "404 Not Found"
        assert values(left.ask("GET", "/next/free"), "x-left") == []
    for _ in range(3):
        with wire(server.port, PATIENCE) as other:
            answer = other.ask("GET", "/next/free")
            assert answer.body == b"next free"
            assert values(answer, "x-left") == values(answer, "set-cookie") == []


def test_what_was_left_to_a_socket_route_reaches_no_other_request(server, plain):
    with socket_to(f"{server.ws_url}/socket/left") as connection:
        connection.send("echo")
        assert receive(connection) == "echo"
        assert values(plain.ask("GET", "/plain"), "x-left") == []


# -- static files


def test_a_static_file_is_served_with_its_type_and_date(server, http):
    answer = http.get("/files/page.html")
    modified = formatdate((server.folder / "page.html").stat().st_mtime, usegmt=True)
    assert (answer.status_code, answer.text) == (200, "<p>0123456789</p>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["last-modified"] == modified
    unchanged = http.get("/files/page.html", headers={"if-modified-since": modified})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert http.get("/files/page.html").status_code == 200


@pytest.mark.parametrize(
    ("given", "served"), [("bytes=3-5", slice(3, 6)), ("bytes=3-", slice(3, None)), ("bytes=0-0", slice(0, 1))]
)
def test_a_range_of_a_static_file_is_served(http, given, served):
    answer = http.get("/files/page.html", headers={"range": given})
    whole = b"<p>0123456789</p>"
    start, stop, _ = served.indices(len(whole))
    assert (answer.status_code, answer.content) == (206, whole[served])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"


def test_a_range_beyond_a_static_file_is_refused(http):
    assert http.get("/files/page.html", headers={"range": "bytes=100-"}).status_code == 416
    assert http.get("/files/page.html", headers={"range": "bytes=nonsense"}).status_code == 200
    assert http.get("/files/page.html").status_code == 200


def test_a_large_static_file_comes_whole(http):
    assert http.get("/files/sub/big.bin").content == big_body()


@pytest.mark.parametrize(
    "path", ["/files/none", "/files/../secret.txt", "/files/%2e%2e/secret.txt", "/files//etc/hosts"]
)
def test_what_is_no_static_file_is_not_found(server, path):
    with wire(server.port, PATIENCE) as connection:
        connection.send("GET", path, connection="close")
        seen = connection.read_to_end()
    assert seen.startswith(b"HTTP/1.1 404 ")
    assert SECRET.encode() not in seen


# -- answers


def test_a_template_engine_renders(http):
    answer = http.get("/render/page")
    assert (answer.text, answer.headers["content-type"]) == ("<page>body=1;title=a;", "text/html")
    assert http.get("/render-late").text == "<late>"


def test_a_template_that_fails_is_a_500(server, http):
    answer = http.get("/render/missing")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    server.wait_for_log("LookupError: no such template")


def test_cookies_are_read_and_set_one_header_each(plain):
    answer = plain.ask("GET", "/cookies", cookie="a=b; session=s%20s")
    assert json.loads(answer.body) == {"session": "s s", "none": None}
    one, two = values(answer, "set-cookie")
    assert set(one.split("; ")) == {"one=1", "Path=/", "HttpOnly", "SameSite=None", "Secure"}
    assert two == "two=a%20b%3Bc; Max-Age=5; Path=/"


@pytest.mark.parametrize(("path", "status"), [("/redirect", 302), ("/redirect/301", 301)])
def test_a_redirect_has_its_status_and_place(http, path, status):
    answer = http.get(path)
    assert (answer.status_code, answer.headers["location"], answer.content) == (status, "/elsewhere", b"")


def test_send_answers_in_one_call(http):
    made = http.get("/send/json")
    assert (made.status_code, made.json(), made.headers["x-a"]) == (201, {"a": 1}, "1")
    assert made.headers["content-type"] == "application/json"
    missing = http.get("/send/html")
    assert (missing.status_code, missing.text, missing.headers["content-type"]) == (404, "<p>", "text/html")
    nothing = http.get("/send/none")
    assert (nothing.status_code, nothing.content) == (202, b"")


def test_a_cork_answers(http):
    answer = http.get("/cork")
    assert (answer.status_code, answer.text) == (202, "corked")


def test_an_answer_without_a_body_leaves_no_client_waiting(plain, server):
    for status in ("204", "304"):
        answer = plain.ask("GET", f"/bodiless/{status}")
        assert (answer.status[:3], values(answer, "connection")) == (status, [])
    assert values(plain.ask("HEAD", "/bodiless"), "content-length") == ["5"]
    with wire(server.port, PATIENCE) as other:
        other.send("GET", "/bodiless/404")
        assert other.read_to_end().startswith(b"HTTP/1.1 404 Not Found\r\n")


@pytest.mark.parametrize("path", ["/raise", "/raise/late"])
def test_without_an_error_handler_an_error_is_a_500_that_tells_nothing(server, http, path):
    answer = http.get(path)
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    server.wait_for_log("ValueError: secret")


def test_queries_are_the_same_each_time_and_after_an_await(http):
    answer = http.get("/queries?a=1+2%2B3%25&b=&c&a=x&z=%C3%A9").json()
    assert answer["before"] == answer["again"] == answer["after"] == ["1 2+3%", "", "", None]
    assert answer["all"] == {"a": ["1 2+3%", "x"], "b": [""], "c": [""], "z": ["é"]}


# -- streams


def test_parts_of_unknown_length_are_chunked(http):
    answer = http.get("/parts")
    assert answer.text == 'one two {"three":3} four'
    assert answer.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("path", ["/try_end", "/send_chunk"])
def test_a_body_goes_on_once_the_client_takes_more(server, http, path):
    with wire(server.port, PATIENCE) as slow:
        slow.send("GET", f"{path}?name={path}")
        assert http.get("/stalled", params={"name": path}).text == "stalled"
        answer = slow.answer()
    assert len(answer.body) == BIG
    assert answer.body == big_body()


def test_a_chunk_for_a_client_that_has_left_is_not_waited_for(server, http):
    with wire(server.port, PATIENCE) as leaving:
        leaving.send("GET", "/send_chunk?name=leaving")
        assert http.get("/stalled?name=leaving").text == "stalled"
        leaving.reset()
    assert http.get("/left").json() == [False, True]


def test_a_chunk_after_the_answer_is_refused_and_not_waited_for(http):
    assert http.get("/chunk-after-the-answer").text == "abc"
    assert http.get("/done").json() == [[[True, True], [False, True]]]


# -- bodies of requests


@pytest.mark.parametrize(
    ("path", "body", "value"),
    [
        ("/get_data", b"data", "data"),
        ("/get_data", b"", ""),
        ("/get_text", "text é".encode(), "text é"),
        ("/get_text", b"\xff", None),
        ("/get_form_urlencoded", b"a=1&b=x+y%21&a=2", {"a": "2", "b": "x y!"}),
        ("/get_form_urlencoded", b"", None),
    ],
)
def test_a_body_is_read(http, path, body, value):
    assert http.post(path, content=body).json() == {"value": value}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_read_in_parts(http, chunked):
    content = iter([b"x" * 100_000] * 20) if chunked else b"x" * 2_000_000
    assert http.post("/on_data", content=content).json() == {"length": 2_000_000}


def test_parts_are_read_by_a_coroutine(http):
    assert http.post("/on_data-async", content=b"part").json() == {"last": "part"}


# -- WebSockets


def test_what_is_published_reaches_all_who_subscribe(server, http):
    with socket_to(f"{server.ws_url}/ws") as one, socket_to(f"{server.ws_url}/ws") as two:
        assert [json.loads(receive(each)) for each in (one, two)] == [{"topics": ["room"], "user": None}] * 2
        one.send("hi")
        assert [receive(each) for each in (one, two)] == ['{"said":"hi"}'] * 2
        assert http.post("/publish").text == "2"
        assert [receive(each) for each in (one, two)] == ['{"app":"says"}'] * 2
        two.send("leave")
        assert json.loads(receive(two)) == {"topics": [], "there": 1}
        one.send(b"bytes")
        assert receive(one) == b'{"said":"bytes"}'
        one.send("end")
        with pytest.raises(ConnectionClosed) as closed:
            receive(one)
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4000, "over")


@pytest.mark.parametrize("path", ["/ws/upgrade", "/ws/upgrade-late"])
def test_an_upgrade_hands_over_protocol_and_user_data(server, path):
    with socket_to(f"{server.ws_url}{path}?name=n%20n", subprotocols=["chat"]) as connection:
        assert connection.subprotocol == "chat"
        assert json.loads(receive(connection)) == {"topics": ["room"], "user": {"name": "n n"}}


def test_an_upgrade_can_be_refused(server):
    with pytest.raises(InvalidStatus) as refused, socket_to(f"{server.ws_url}/ws/upgrade-late?name=stranger"):
        pass
    assert (refused.value.response.status_code, refused.value.response.body) == (403, b"stranger")


@pytest.mark.parametrize("limits", [{"idle_timeout": 7}, {"idle_timeout": 961}, {"max_lifetime": 241}])
def test_a_limit_that_would_end_the_process_in_the_core_is_refused(limits):
    (name,) = limits
    with pytest.raises(ValueError, match=f"WS /ws: it can't have {name}="):
        socketify_ext.App().ws("/ws", {"message": lambda ws, message, opcode: None, **limits})


# -- error handlers and serializers


@pytest.fixture(scope="module", params=[("app", "sync", "str"), ("install", "async", "bytes")], ids="-".join)
def variant(request):
    kind, handler, serializer = request.param
    with serve(core_feature_apps.variant, kind=kind, handler=handler, serializer=serializer) as serving:
        serving.serializer = serializer
        yield serving


@pytest.mark.parametrize("path", ["/raise", "/raise/late"])
def test_an_error_handler_sync_or_async_answers(variant, path):
    with client(variant.url) as http:
        answer = http.get(path)
    assert (answer.status_code, answer.text) == (418, f"ValueError at {path}")


def test_an_error_handler_gets_what_a_template_raises(variant):
    with client(variant.url) as http:
        answer = http.get("/render/missing")
    assert (answer.status_code, answer.text) == (418, "LookupError at /render/missing")


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_handler_that_fails_is_a_500(kind):
    with serve(core_feature_apps.failing_handler, kind=kind) as serving, client(serving.url) as http:
        for path in ("/raise", "/raise/late", "/render/without-an-engine"):
            answer = http.get(path)
            assert (answer.status_code, answer.text) == (500, "Internal Server Error")
        assert "LookupError: the handler as well" in serving.log


def test_a_serializer_that_gives_text_or_bytes_is_used_everywhere(variant):
    def written(value):
        return {"by": variant.serializer, "value": value}

    with client(variant.url) as http, socket_to(f"{variant.ws_url}/ws") as connection:
        assert http.get("/send/json").json() == written({"a": 1})
        assert http.get("/cookies").json() == written({"session": None, "none": None})
        read = http.post("/get_json", json=[1]).json()
        assert read == written({"value": {"read by": variant.serializer, "value": [1]}})
        assert json.loads(receive(connection)) == written({"topics": ["room"], "user": None})
        connection.send("hi")
        assert json.loads(receive(connection)) == written({"said": "hi"})
        http.post("/publish")
        assert json.loads(receive(connection)) == written({"app": "says"})


# -- TLS and unix sockets


@pytest.mark.parametrize("kind", KINDS)
def test_tls_carries_requests_streams_and_sockets(kind):
    with serve(core_feature_apps.secure, kind=kind, certificate=CERTIFICATE, key=KEY) as serving:
        url = f"https://localhost:{serving.port}"
        with client(url, verify=trust()) as http:
            assert http.get("/cork").text == "corked"
            assert http.get("/render-late").text == "<late>"
            assert http.get("/send_chunk?name=tls").content == big_body()
        address = f"wss://localhost:{serving.port}/ws"
        with socket_to(address, ssl=trust()) as connection:
            assert json.loads(receive(connection))["topics"] == ["room"]
            connection.send("hi")
            assert receive(connection) == '{"said":"hi"}'
        assert serving.stop() == 0


def test_a_unix_socket_is_served_besides_a_port(server):
    with client("http://unix", transport=httpx2.HTTPTransport(uds=server.unix)) as http:
        assert http.get("/plain").text == "plain"
        assert http.post("/get_text", content=b"text").json() == {"value": "text"}
        assert http.get("/files/sub/big.bin").content == big_body()


# -- the end


@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_closes_the_app_and_running_requests_are_answered(kind):
    with serve(core_feature_apps.closing, kind=kind) as serving:
        with wire(serving.port, PATIENCE) as waiting, client(serving.url) as http:
            waiting.send("GET", "/wait")
            assert http.get("/waiting").text == "waiting"
            assert http.get("/close").text == "closing"
            assert waiting.answer().body == b"waited"
        assert serving.process.wait(PATIENCE) == 0
        assert serving.log.count("shut down") == 1
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", serving.port), PATIENCE)


# -- the core's CLI


class CLI:
    """A run of `python -m socketify`: what it writes, and when it and all its workers have ended."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "socketify", "core_feature_apps:run", *arguments],
            cwd=Path(__file__).parents[1] / "support",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.log = ""

    def read(self, enough):
        """Read what is written until `enough()`, or the end."""
        limit = time.monotonic() + 3 * PATIENCE
        while not enough():
            if not wait([self.process.stdout], max(limit - time.monotonic(), 0)):
                raise TimeoutError(f"the CLI goes on and has written:\n{self.log}")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return
            self.log += data.decode()

    def wait_until_it_listens(self, processes=1):
        self.read(lambda: self.log.count("Listening on") >= processes)
        assert self.process.poll() is None, self.log

    def end(self, number=signal.SIGTERM):
        """Send a signal to the first process, and wait for all of them."""
        self.process.send_signal(number)
        self.read(lambda: False)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def cli(*arguments):
    run = CLI(*arguments)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()
        run.process.stdout.close()


@pytest.fixture
def port():
    """Hold a free port that other processes can share."""
    with socket.socket() as holder:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            holder.setsockopt(socket.SOL_SOCKET, option, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


POOLS = ("--req-res-factory-maxitems", "10", "--ws-factory-maxitems", "10", "--task-factory-maxitems", "10")
SOCKETS = ("--ws", "core_feature_apps:websocket", "--ws-max-size", "1000", "--ws-idle-timeout", "30")
TLS = ("--ssl-certfile", CERTIFICATE, "--ssl-keyfile", KEY)


def echo(url, **options):
    with socket_to(url, **options) as connection:
        greeting = receive(connection)
        connection.send("echo")
        return greeting, receive(connection)


def test_the_cli_serves_requests_and_sockets_with_pools(port):
    with cli("--port", str(port), *POOLS, *SOCKETS) as run:
        run.wait_until_it_listens()
        with client(f"http://127.0.0.1:{port}") as http:
            assert [http.get("/").text for _ in range(3)] == ["served"] * 3
        assert echo(f"ws://127.0.0.1:{port}/any/path") == ("hello", "echo")
        assert run.end(signal.SIGINT) == 0
        assert run.log.count("shut down") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_cli_serves_with_workers_and_all_end_with_the_first(port, number):
    with cli("--port", str(port), "--workers", "2", *POOLS[:2]) as run:
        run.wait_until_it_listens(processes=2)
        seen = set()
        with client(f"http://127.0.0.1:{port}") as http:
            for _ in range(300):
                seen.add(http.get("/process").text)
                if len(seen) == 2:
                    break
        assert len(seen) == 2
        assert str(run.process.pid) in seen
        assert run.end(number) == 0
        assert run.log.count("Listening on") == run.log.count("shut down") == 2
        assert "Traceback" not in run.log


def test_the_cli_serves_tls(port):
    with cli("--port", str(port), *TLS, *SOCKETS) as run:
        run.wait_until_it_listens()
        with client(f"https://localhost:{port}", verify=trust()) as http:
            assert http.get("/").text == "served"
        assert echo(f"wss://localhost:{port}/", ssl=trust()) == ("hello", "echo")
        assert run.end() == 0


def test_the_cli_serves_a_unix_socket(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("cli") / "s")
    with cli("--uds", path) as run:
        run.wait_until_it_listens()
        with client("http://unix", transport=httpx2.HTTPTransport(uds=path)) as http:
            assert http.get("/").text == "served"
        assert run.end() == 0
