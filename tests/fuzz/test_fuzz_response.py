"""Sequences of the response's calls: whatever a handler does, its client sees one well-formed answer or a closed connection."""

import contextlib
import json
import socket
import time

import fuzz_apps
import h11
import pytest
from campaign import SECONDS, running
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

COMMON = {"deadline": None, "stateful_step_count": 10, "suppress_health_check": list(HealthCheck), "database": None}
PROFILES = {
    "ci": settings(derandomize=True, max_examples=150, **COMMON),
    "nightly": settings(max_examples=300, print_blob=True, **COMMON),
}
PROFILE = PROFILES["nightly" if SECONDS else "ci"]

counts = st.integers(0, 4)
flags = st.booleans()
statuses = st.sampled_from([200, 201, 204, 304, 404, 500, "299 Fine", 99, "x\r\ny"])
TIMEOUT = 4  # seconds; a sequence without an answer is tried again and again with fewer steps
HEADERS = {"x-a": "b", "Content-Type": "text/plain", "Content-Length": "5", "Connection": "close", "x": "a\r\nb"}
MORE = {"Transfer-Encoding": "chunked", "content-length": "0", "Set-Cookie": "a=b", "": "x", "Date": "now"}
headers = st.sampled_from([*HEADERS.items(), *MORE.items()])
simple = st.one_of(
    st.tuples(st.just("write_status"), statuses),
    st.tuples(st.just("write_header"), headers).map(lambda both: (both[0], *both[1])),
    st.tuples(st.just("write"), counts),
    st.tuples(st.just("try_end"), counts, counts),
    st.tuples(st.just("end"), counts, flags),
)


class Responding(RuleBasedStateMachine):
    """Collects what the handler does; then a client asks for it."""

    port = 0
    number = 0

    def __init__(self):
        super().__init__()
        self.steps = []
        self.request = ("GET", "", "sync", b"")

    def add(self, *step):
        self.steps.append(step)

    @precondition(lambda self: not self.steps)
    @rule(
        method=st.sampled_from(["GET", "HEAD", "POST"]),
        hooks=st.sampled_from(["", "/hooked", "/hooked-late"]),
        handler=st.sampled_from(["sync", "suspending", "later"]),
        size=st.sampled_from([0, 5, 70_000]),
    )
    def choose(self, method, hooks, handler, size):
        self.request = (method, hooks, handler, b"b" * size)

    @rule(step=simple)
    def do(self, step):
        self.add(*step)

    @rule(steps=st.lists(simple, max_size=4))
    def cork(self, steps):
        self.add("cork", steps)

    @rule(name=st.sampled_from(["a", "b"]), value=st.sampled_from(["1", "x; y", "é"]))
    def set_cookie(self, name, value):
        self.add("set_cookie", name, value)

    @rule(size=counts, total=counts)
    def send_chunk(self, size, total):
        self.add("send_chunk", size, total)

    @rule(size=counts)
    def write_offset(self, size):
        self.add("write_offset", size)

    @rule(size=counts, last=flags)
    def cork_end(self, size, last):
        self.add("cork_end", size, last)

    @rule(size=counts, status=statuses)
    def send(self, size, status):
        self.add("send", size, status)

    @rule(last=flags)
    def end_without_body(self, last):
        self.add("end_without_body", last)

    @rule(name=st.sampled_from(["redirect", "write_continue", "pause", "resume", "close", "on_aborted", "on_writable"]))
    def call(self, name):
        self.add(name)

    @rule(name=st.sampled_from(["on_data", "get_data"]))
    def read(self, name):
        self.add(name)

    @rule(seconds=st.sampled_from([0, 0, 0.001]))
    def suspend(self, seconds):
        self.add("await", seconds)

    @rule(status=st.sampled_from([400, 204, 304, 418]))
    def fail(self, status):
        self.add("raise", status)

    @invariant()
    def is_short(self):
        """Keep the steps within a header's size."""
        assert len(json.dumps(self.steps)) < 3500

    def teardown(self):
        if self.steps:
            Responding.number += 1
            converse(self.port, *self.request, self.steps, f"t{self.number}")


def converse(port, method, hooks, handler, body, steps, token):
    """Ask for the steps, then for an answer of its own, on one connection."""
    length = [("content-length", str(len(body)))] if body and method == "POST" else []
    head = [("host", "x"), ("token", token), ("steps", json.dumps(steps)), *length]
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as client:
        connection = h11.Connection(h11.CLIENT)
        marks = [token.encode()] if hooks else []
        answer = ask(client, connection, method, f"{hooks}/{handler}", head, body if length else b"", marks)
        if answer is not None:
            status, got = answer
            own = f"<{token}>".encode()
            assert not got.replace(own, b"") or status >= 300, got
            if connection.our_state is h11.DONE and connection.their_state is h11.DONE:
                connection.start_next_cycle()
                answer = ask(client, connection, "GET", "/own", [("host", "x"), ("token", token)])
                assert answer in {None, (200, token.encode())}, answer
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as client:
        answer = ask(client, h11.Connection(h11.CLIENT), "GET", "/unexpected", [("host", "x")])
        assert answer == (200, b"[]"), answer


def ask(client, connection, method, path, headers, body=b"", marks=()):
    """Send a request and read its answer: the status and the body, or None where the connection was closed.

    The head has the `marks` that hooks put on it.

    Raises:
        RemoteProtocolError: what came is no answer.
    """
    parts = [connection.send(h11.Request(method=method, target=path, headers=headers))]
    parts += [connection.send(h11.Data(data=body))] if body else []
    parts += [connection.send(h11.EndOfMessage())]
    with contextlib.suppress(ConnectionError):
        client.sendall(b"".join(parts))
    status, got = 0, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            try:
                data = client.recv(1 << 20)
            except ConnectionError:
                return None
            if not data:
                return None
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            status = event.status_code
            assert [value for name, value in event.headers if name == b"x-hook"] == list(marks)
        elif isinstance(event, h11.Data):
            got += event.data
        elif isinstance(event, h11.EndOfMessage):
            if method != "HEAD" and connection.their_state is h11.DONE:
                assert not connection.trailing_data[0], connection.trailing_data
            return status, got


@pytest.fixture(scope="module")
def server():
    with running(fuzz_apps.told) as serving:
        yield serving


def test_every_sequence_of_calls_gives_one_answer_or_a_closed_connection(server):
    Responding.port = server.port
    end = time.monotonic() + 0.2 * SECONDS
    run_state_machine_as_test(Responding, settings=PROFILE)
    while time.monotonic() < end:
        run_state_machine_as_test(Responding, settings=PROFILE)
    assert server.alive
