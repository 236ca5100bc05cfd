"""The compiled hot path: found or left out, and nothing that a handler or a client sees differs with it."""

import contextlib
import gc
import importlib
import importlib.util
import itertools
import json
import os
import re
import sys
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
import speedups_apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import wire

import socketify_ext
from socketify_ext.runtime import compiled
from socketify_ext.testing import serve

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
needs_them = pytest.mark.skipif(
    importlib.util.find_spec(compiled.MODULE) is None,
    reason="speedups are not installed here; make test-plugins has them",
)


# -- found, or left out


def put(monkeypatch, **attributes):
    monkeypatch.delenv(compiled.VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, compiled.MODULE, SimpleNamespace(**attributes))
    return sys.modules[compiled.MODULE]


def test_they_are_found(monkeypatch):
    module = put(monkeypatch, __version__="1.2", INTERFACE=compiled.INTERFACE)
    assert compiled.find() == (module, "1.2")


def test_a_variable_leaves_them_out(monkeypatch):
    put(monkeypatch, __version__="1.2", INTERFACE=compiled.INTERFACE)
    monkeypatch.setenv(compiled.VARIABLE, "0")
    assert compiled.find() == (None, "left out by SOCKETIFY_EXT_SPEEDUPS=0")


def test_those_of_another_version_are_not_used(monkeypatch):
    put(monkeypatch, __version__="9.0", INTERFACE=compiled.INTERFACE + 1)
    assert compiled.find() == (None, "not used: 9.0 is for another version of socketify-ext")


def test_without_them_everything_is_as_it_is(monkeypatch):
    monkeypatch.delenv(compiled.VARIABLE, raising=False)
    monkeypatch.setattr(compiled, "MODULE", "socketify_ext_no_such_module")
    assert compiled.find() == (None, "not installed")


def test_those_that_cannot_be_loaded_say_why(monkeypatch, tmp_path):
    monkeypatch.delenv(compiled.VARIABLE, raising=False)
    (tmp_path / "socketify_ext_broken_speedups.py").write_text("raise ImportError('undefined symbol: spam')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(compiled, "MODULE", "socketify_ext_broken_speedups")
    assert compiled.find() == (None, "not used, since they can't be loaded: undefined symbol: spam")


@needs_them
@pytest.mark.parametrize("asked", ["0", "1"])
def test_an_app_runs_on_what_the_variable_says(asked):
    with serve(make_report, environment={compiled.VARIABLE: asked}) as server, wire(server.port) as connection:
        found = connection.ask("GET", "/").json()
    installed = importlib.import_module(compiled.MODULE).__version__
    if asked == "0":
        assert found == ["left out by SOCKETIFY_EXT_SPEEDUPS=0", False, False]
    else:
        assert found == [installed, True, True]


def make_report():
    import socketify_ext
    from socketify_ext.runtime.speedups import DESCRIPTION, MODULE, check_classes

    app = socketify_ext.App()

    def report(res, req):
        is_compiled = MODULE is not None and isinstance(res, MODULE.ResponseState)
        is_plain = MODULE is not None and check_classes(MODULE, type(req), type(res)) == (True, True, True, False)
        res.end([DESCRIPTION, is_compiled, is_plain])

    app.get("/", report)
    return app


# -- the same with and without


@pytest.fixture(scope="module")
def both():
    """Serve one app without and one with speedups."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(serve(speedups_apps.make_programs, environment={compiled.VARIABLE: value}))
            for value in ("0", "1")
        ]
        yield [server.port for server in servers]


NAMES = ["'x-a'", "'X-A'", "b'x-b'", "Text('x-a')", "'x-\\udc80'", "'\\xe9'", "None", "1", "''", "Hostile()", "'host'"]
VALUES = [
    "'b'", "''", "'a\\r\\nb'", "'a\\0b'", "'a\\tb'", "'\\x7f'", "'\\xe9'", "'\\udc80'", "b'x'", "7", "1.5", "None", "True", "b'\\xff'", "b'a\\tb'", "b'a\\0b'", "b'\\x7f'", "b'a\\nb'",
    "Text('x')", "Data(b'x')", "{'a': 1}", "Hostile()", "'x' * 5000",
]  # fmt: skip
BODIES = [
    "b''", "b'raw'", "'text'", "'\\u20ac'", "'\\udc80'", "'a\\0b'", "bytearray(b'x')", "memoryview(b'x')", "Text('t')",
    "Data(b'd')", "None", "7", "{}", "{'a': [1]}", "[1, 'x']", "(1, 2)", "{'answers': 1}", "{'writes': 1}", "{'fails': 1}",
    "{'text': 1}", "{'bodiless': 1}", "Hostile()", "b'x' * 70000", "'y' * 70000", "",
]  # fmt: skip
STATUSES = [
    "200", "201", "'201'", "204", "304", "404", "'404 Not Found'", "'299 Fine'", "b'200 OK'", "99", "100", "True", "None",
    "'2 00'", "'20'", "'200'", "'204 No'", "'199 x'", "'200x'", "'200 '", "'200 \\t'", "'200 \\xe9'", "Number(201)", "200.0", "'x\\r\\ny'", "Text('200 OK')", "2 ** 70", "-1", "[200]", "Hostile()",
]  # fmt: skip
HEADERS = [
    *NAMES,
    "'Content-Type'",
    "'content-type'",
    "'Content-Length'",
    "'Transfer-Encoding'",
    "'Set-Cookie'",
    "'Date'",
]
KEYS = ["'name'", "'a'", "''", "'n=x'", "'\\xe9'", "b'name'", "'\\udc80'", "Text('name')", "None", "3", "'a+b'", "'b'"]
INDICES = [
    "0",
    "1",
    "2",
    "-1",
    "65535",
    "65536",
    "2 ** 70",
    "True",
    "'first'",
    "'second'",
    "'other'",
    "''",
    "None",
    "b'first'",
]
INDICES += ["Text('first')", "Number(0)", "Hostile()"]
LASTS = ["", ", False", ", True", ", 1", ", end_connection=True", ", spam=1", ", Hostile()"]


def calls(target, name, *arguments):
    """Return all calls of a function whose arguments are put together from one text of each list."""
    return [(target, name, "".join(texts)) for texts in itertools.product(*arguments)]


SOME_BODIES = [body for body in BODIES if body]
READS = [
    *calls("req", "get_header", [*NAMES, "lower_case_header='x-a'", "", "'x-a', 1", "'way'", "'x-empty'", "'x-bytes'"]),
    *calls("req", "get_query", KEYS),
    *calls("req", "get_parameter", INDICES),
    *calls("req", "get_url", ["", "1"]),
    *calls("req", "get_full_url", ["", "1"]),
    *calls("req", "get_method", ["", "1"]),
    *calls("req", "__getattribute__", ["'response'", "'req'", "'_url'", "'_yielded'", "'aborted'"]),
    *calls("req", "get_headers", [""]),
    *calls("req", "get_queries", [""]),
    *calls("req", "get_parameters", [""]),
    *calls("req", "preserve", [""]),
]
WRITES = [
    *calls("res", "write_status", STATUSES),
    *calls("res", "write_header", HEADERS, [", "], VALUES),
    *calls("res", "write_header", ["'x-a'", "'x-a', 'b', 'c'", "'x-a', value='b'", "key='x-a', value='b'"]),
    *calls("res", "set_header", HEADERS, [", "], VALUES[:3]),
    *calls("res", "set_cookie", ["'a', 'b'"]),
    *calls("res", "remove_header", NAMES),
]
ENDS = [
    *calls("res", "end", SOME_BODIES, LASTS),
    *calls("res", "end", ["", "message='x'", "b'x', False, 1"]),
    *calls("res", "send", BODIES),
    *calls("res", "send", SOME_BODIES, [", "], VALUES),
    *calls("res", "send", SOME_BODIES, [", 'text/html', "], STATUSES),
    *calls("res", "send", ["'x', headers=[(", "{'a': 1}, 'a/b', headers=[("], HEADERS, [", "], VALUES, [")]"]),
    *calls("res", "send", ["'x', status="], STATUSES, LASTS),
    *calls("res", "send", ["'x', content_type="], VALUES, LASTS),
    *calls("res", "write", SOME_BODIES),
    *calls("res", "try_end", ["'x', 1", "'x', 3"]),
    *calls("res", "redirect", ["'/'"]),
    *calls("res", "end_without_body", [""]),
    *calls("res", "has_responded", [""]),
    *calls("res", "close", [""]),
    *calls("res", "trigger_aborted", [""]),
    *calls("res", "grab_aborted_handler", [""]),
    *calls("res", "on_data", ["lambda *_: None"]),
]
SEEN = [
    ("res", "get_headers", ""),
    *calls("res", "__getattribute__", ["'status'", "'aborted'", "'_head'", "'_unsent'"]),
]
# In each state that a handler may bring about.
COMMON = [
    *calls("req", "get_header", ["'x-a'", "'new-name'"]),
    *calls("req", "get_query", ["'name'", "'other'"]),
    *calls("req", "get_parameter", ["0", "7", "'first'", "'other'"]),
    *calls("req", "get_url", [""]),
    *calls("req", "get_full_url", [""]),
    *calls("req", "get_method", [""]),
    *calls("req", "__getattribute__", ["'response'"]),
    *calls("res", "write_status", ["201", "204", "'404 Not Found'", "99"]),
    *calls(
        "res", "write_header", ["'x-a', 'b'", "'Content-Type', 'a/b'", "'x-a', b'x'", "'x-a', 'a\\r\\nb'", "'x-a', 7"]
    ),
    *calls(
        "res", "end", ["b'raw'", "'text'", "{'a': 1}", "None", "{'answers': 1}", "{'writes': 1}", "{'bodiless': 1}"]
    ),
    *calls("res", "end", ["''", "'\\udc80'", "{'fails': 1}", "{'text': 1}", "b'x', True", "bytearray(b'x')"]),
    *calls(
        "res", "send", ["b'raw'", "'text', 'a/b'", "{'a': 1}", "'x', 'a/b', 201", "'x', status=204", "'x', 'a\\nb'"]
    ),
    *calls("res", "send", ["{'answers': 1}", "{'writes': 1}, status=201", "{'bodiless': 1}", "{'text': 1}", "None"]),
    *calls("res", "send", ["b'x', end_connection=True", "'x', headers=[('a', 'b')]"]),
]
PLACES = ("/steps", "/watched", "/hooked", "/guarded", "/overridden", "/taken")
WAYS = ("now", "late", "started", "after", "body", "yields", "preserved", "corked", "raises", "exits", "returns")
STATES = {
    "nothing": [],
    "status": [("res", "write_status", "201")],
    "header": [("res", "write_header", "'x-a', 'b'")],
    "content type": [("res", "write_header", "'content-type', 'a/b'")],
    "content length": [("res", "write_header", "'Content-Length', '5'")],
    "cookie": [("res", "set_cookie", "'a', 'b'")],
    "no body": [("res", "write_status", "204")],
    "a part": [("res", "write", "'x'")],
    "a part of known size": [("res", "try_end", "'x', 3")],
    "answered": [("res", "end", "'x'")],
    "sent": [("res", "send", "'x'")],
    "announced": [("res", "grab_aborted_handler", "")],
    "body awaited": [("res", "on_data", "lambda *_: None")],
    "closed": [("res", "close", "")],
    "aborted": [("res", "trigger_aborted", "")],
    "snapshot": [("req", "preserve", "")],
    "thread": [("thread", "", "")],
}
PATHS = [b"/a/b", b"/a%20b/%ff", b"/\xc3\xa9/\xff", b"/a+b/c", b"/one/", b"/%/x"]
QUERIES = [
    b"", b"?", b"?name=x", b"?a=1&name=2&name=3", b"?name", b"?name=&b", b"?=x&name=1", b"?a%3d=1&name=%41+b",
    b"?\xc3\xa9=\xff", b"?&&name=a=b&", b"?x?name=1", b"?n=x=1", b"?name=1#name=2", b"?nam&names=2", b"?na%6de=1",
]  # fmt: skip
LINES = [b"x-a: 1", b"X-A: 2", b"x-a:", b"x-b: \xc3\xa9", b"x-empty:", b"x-bytes: a\xffb", b"token: x"]
LONGEST = 2200  # characters of steps in a header


def asked(method, place, path, query, lines, way, program):
    """Return the bytes of a request, and of one behind it, which shows where the first one's answer ends."""
    body = b"content-length: 3" if method == "POST" else b"x-none: 1"
    head = [b"host: x", b"way: " + way.encode(), b"steps: " + json.dumps(program).encode(), body, *lines]
    target = b"%b %b%b%b HTTP/1.1" % (method.encode(), place.encode(), path, query)
    last = b"GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    return b"\r\n".join([target, *head, b"", b""]) + (b"abc" if method == "POST" else b"") + last


def tried(port, request):
    """Return all bytes of an answer but its date, and what the handler has noted."""
    with wire(port, 5) as connection:
        connection.socket.sendall(request)
        found = re.sub(rb"\r\nDate: [^\r]*", b"", connection.read_to_end())
        connection.socket.close()
    with wire(port, 5) as connection:
        return found, connection.ask("GET", "/notes").json()


def compare(both, *request):
    data = asked(*request)
    without, with_them = (tried(port, data) for port in both)
    assert without == with_them, request


def parts(steps):
    """Split steps that do not disturb each other into as few programs as fit a header."""
    part = []
    for step in steps:
        if part and len(json.dumps([*part, step])) > LONGEST:
            yield part
            part = []
        part.append(step)
    yield part


@needs_them
@pytest.mark.parametrize("way", ["now", "preserved", "late"])
def test_every_read_finds_the_same(both, way):
    for path, query in itertools.product(PATHS, QUERIES):
        for program in parts(READS):
            compare(both, "GET", "/steps", path, query, LINES, way, program)
    for place in PLACES:
        for program in parts(READS):
            compare(both, "GET", place, b"/a/b", b"?name=1", LINES[:1], way, program)


@needs_them
def test_every_write_does_the_same(both):
    for step in WRITES:
        compare(both, "GET", "/steps", b"/a/b", b"", [], "now", [step, *SEEN, ("res", "end", "'x'")])


@needs_them
def test_every_answer_is_the_same(both):
    for step in ENDS:
        compare(both, "GET", "/steps", b"/a/b", b"", [], "now", [step, *SEEN])


@needs_them
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("state", STATES)
def test_every_call_does_the_same_in_each_state(both, place, state):
    for step in COMMON:
        compare(both, "GET", place, b"/a/b", b"?name=1", LINES[:1], "now", [*STATES[state], step, *SEEN])


@needs_them
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("way", WAYS)
def test_every_call_does_the_same_in_each_way(both, way, method):
    before = [("res", "has_responded", "")] * 2  # a handler that suspends does so behind the second step
    for step in COMMON:
        compare(both, method, "/steps", b"/a/b", b"?name=1", LINES[:1], way, [*before, step, *SEEN])


every = st.sampled_from([*READS, *WRITES, *ENDS, *COMMON * 9, *itertools.chain(*STATES.values())])


@needs_them
@settings(
    deadline=None, max_examples=300, derandomize=not SECONDS, database=None, suppress_health_check=list(HealthCheck)
)
@given(
    st.sampled_from(["GET", "GET", "HEAD", "POST"]),
    st.sampled_from(PLACES),
    st.sampled_from(PATHS),
    st.sampled_from(QUERIES),
    st.lists(st.sampled_from(LINES), max_size=3),
    st.sampled_from(WAYS),
    st.lists(every, max_size=6),
)
def test_calls_in_any_order_do_the_same(both, method, place, path, query, lines, way, program):
    compare(both, method, place, path, query, lines, way, program)


MESSAGES = [*BODIES, "[Hostile()]", "'x' * 200", "b'\\0' * 20000"]
OPCODES = [
    "",
    ", 1",
    ", 2",
    ", OpCode.TEXT",
    ", OpCode.BINARY",
    ", OpCode.PING",
    ", OpCode.CLOSE",
    ", 0",
    ", 8",
    ", 9",
    ", -1",
]
OPCODES += [", True", ", 2.0", ", '1'", ", None", ", 2 ** 70", ", Number(1)", ", Hostile()", ", opcode=1"]
FLAGS = [
    ", True",
    ", False",
    ", 1",
    ", None",
    ", compress=True",
    ", True, True",
    ", False, False",
    ", True, 1",
    ", False, True, 1",
]
SENDS = [
    *calls("ws", "send", MESSAGES, OPCODES[:5]),
    *calls("ws", "send", ["'text'", "b'raw'"], OPCODES),
    *calls("ws", "send", ["'text', 1", "b'raw', 2", "'x' * 200, OpCode.TEXT", "b'x' * 70000, 2"], FLAGS),
    *calls("ws", "send", ["message='x'"]),
]
TOPICS = [
    "'room', ",
    "b'room', ",
    "Text('room'), ",
    "Data(b'room'), ",
    "'other', ",
    "'', ",
    "'\\xe9', ",
    "'\\udc80', ",
    "None, ",
    "7, ",
]
PUBLICATIONS = [
    *calls("ws", "publish", TOPICS, ["'text'", "b'raw'", "{'a': 1}"]),
    *calls("app", "publish", TOPICS, ["'text'", "b'raw'", "{'a': 1}"]),
    *calls("app", "publish", ["'room', "], MESSAGES),
    *calls("app", "publish", ["'room', 'text'", "'room', b'raw'"], OPCODES),
    *calls("app", "publish", ["'room', 'text', 1", "'room', b'x' * 70000, 2"], FLAGS),
    *calls("app", "publish", ["", "'room'", "'room', 'x', compress=True", "topic='room', message='x'"]),
    ("thread", "", ""),
]
SOCKET_STATES = {
    "nothing": [],
    "thread": [("thread", "", "")],
    "ended": [("ws", "end", "1001")],
    "closed": [("ws", "close", "")],
    "part": [("ws", "send_first_fragment", "'x', 1")],
}
SOCKET_CALLS = [
    *calls(
        "ws", "send", ["'text', 1", "b'raw'", "'\\xe9', OpCode.TEXT", "{'a': 1}", "'x', 1, True", "'\\udc80'", "'x', 8"]
    ),
    *calls("ws", "cork", ["lambda ws: ws.send('corked', 1)"]),
    *calls("ws", "__getattribute__", ["'closed'", "'route'"]),
    ("thread", "", ""),
]


def frame(message, opcode=1):
    """Return the frame of a message as a client sends it, masked with zeros (RFC 6455, 5.2)."""
    length = bytes([0x80 | len(message)]) if len(message) < 126 else b"\xfe" + len(message).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + message


CLOSING = b"\x88\x06\x03\xe8done"  # the frame that the handlers end a connection with


def told(port, path, *frames):
    """Return all bytes that a socket gets, and what its handlers have noted."""
    head = ["host: x", "upgrade: websocket", "connection: Upgrade", "sec-websocket-version: 13"]
    head += ["sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", "sec-websocket-extensions: permessage-deflate"]
    with wire(port, 5) as connection:
        connection.socket.sendall("\r\n".join([f"GET {path} HTTP/1.1", *head, "", ""]).encode())
        found = re.sub(rb"\r\nDate: [^\r]*", b"", connection.read_until(b"\r\n\r\n"))
        connection.socket.sendall(b"".join(frames))
        with contextlib.suppress(ConnectionError):
            found += connection.read_until(CLOSING)
            connection.socket.sendall(frame(CLOSING[2:], 8))
        found += connection.read_to_end()
    with wire(port, 5) as connection:
        return found, connection.ask("GET", "/notes").json()


def compare_sockets(both, path, *frames):
    without, with_them = (told(port, path, *frames) for port in both)
    assert without == with_them, (path, frames)


@needs_them
@pytest.mark.parametrize("path", ["/ws/now", "/packed/now"])
def test_every_message_that_is_sent_is_the_same(both, path):
    for step in SENDS:
        compare_sockets(both, path, frame(json.dumps([step]).encode()))


@needs_them
@pytest.mark.parametrize("path", ["/ws/now", "/packed/now"])
@pytest.mark.parametrize("before", [[], [("thread", "", "")], [("ws", "close", "")], [("ws", "unsubscribe", "'room'")]])
def test_every_publication_is_the_same(both, path, before):
    for step in PUBLICATIONS:
        compare_sockets(both, path, frame(json.dumps([*before, step]).encode()))


@needs_them
@pytest.mark.parametrize("topic", ["room", "\u20ac", b"room"])
@pytest.mark.parametrize("message", ["text", "\u20ac" * 50, b"raw", "\udc80", {"a": 1}, b"x" * 70_000])
def test_publications_keep_no_memory(topic, message):
    app = socketify_ext.App()
    app.ws("/ws", {"message": lambda ws, message, opcode: None})
    app.listen({"port": 0, "host": "127.0.0.1"})

    def publish(times):
        for _ in range(times):
            with contextlib.suppress(UnicodeEncodeError):
                app.publish(topic, message, 1)

    publish(50)
    gc.collect()
    before = sys.getallocatedblocks()
    publish(1000)
    gc.collect()
    assert sys.getallocatedblocks() - before < 100
    app.close()


@needs_them
@pytest.mark.parametrize("path", ["/ws/now", "/ws/late", "/ws/fails", "/packed/now"])
@pytest.mark.parametrize("state", SOCKET_STATES)
def test_every_call_of_a_socket_does_the_same_in_each_state(both, path, state):
    for step in SOCKET_CALLS:
        program = [*SOCKET_STATES[state], step, ("ws", "send", "'after', 1")]
        compare_sockets(both, path, frame(json.dumps(program).encode()))


@needs_them
@pytest.mark.parametrize("path", ["/ws/now", "/ws/late", "/ws/fails"])
def test_every_message_that_comes_is_the_same(both, path):
    for message, opcode in [(b"", 1), (b"", 2), (b"text", 1), ("\u20ac".encode(), 1), (b"\0\xff", 2), (b"x" * 9000, 1)]:
        compare_sockets(both, path, frame(message, opcode), frame(b"second"))
    compare_sockets(both, path, frame(b"\xff", 1))
