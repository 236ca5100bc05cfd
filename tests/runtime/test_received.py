"""Hooks before the messages of WebSockets, and before their upgrades."""

import contextlib
import functools
import os
import threading
import time

import httpx2
import pytest
import received_apps
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from wire import wire

import socketify_ext
from socketify_ext.runtime.received import MOST, PAUSE, Backlog
from socketify_ext.testing import serve

PATIENCE = 10
http = httpx2.Client(trust_env=False, verify=False)


@pytest.fixture(scope="module")
def shared():
    """Serve apps that tests share."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda name: stack.enter_context(serve(getattr(received_apps, name), kind="app")))


@pytest.fixture
def server():
    """Serve an app whose notes are this test's."""
    with serve(received_apps.messages, kind="install") as serving:
        yield serving


def get(server, path):
    return http.get(server.url + path, timeout=PATIENCE)


def notes_until(server, wanted, count=1):
    deadline = time.monotonic() + PATIENCE
    while (notes := get(server, "/notes").json()).count(wanted) < count:
        assert time.monotonic() < deadline, notes
    return notes


def socket(server, path, **headers):
    options = {"proxy": None, "compression": None, "open_timeout": PATIENCE, "close_timeout": PATIENCE}
    return connect(server.ws_url + path, additional_headers=headers, **options)


def test_hooks_see_a_message_in_resolved_order_before_the_handler(server):
    with socket(server, "/ordered") as ws:
        ws.send("hello")
        assert ws.recv(PATIENCE) == "hello"
    names = [["first", "hello", 1], ["second", "hello"], ["the app", "hello"], ["handler", "hello"]]
    assert notes_until(server, ["closed", 1000])[:4] == names


@pytest.mark.parametrize("path", ["guarded", "guarded-late", "straight", "failing", "failing-late"])
@pytest.mark.parametrize("handler", ["", "/late"])
def test_a_message_that_a_hook_refuses_or_fails_at_reaches_no_handler(server, path, handler):
    with socket(server, f"/{path}{handler}") as ws:
        for message in ("one", "bad", "two", "bad", "three"):
            ws.send(message)
        assert [ws.recv(PATIENCE) for _ in range(3)] == ["one", "two", "three"]
    assert ["handler", "bad"] not in notes_until(server, ["closed", 1000])
    if "failing" in path:
        name = "fail_late" if "late" in path else "fail"
        server.wait_for_log(f"LookupError: no filter in on_ws_message hook {name} of extension 'first'")


@pytest.mark.parametrize("path", ["/uneven", "/uneven/late", "/x/uneven"])
def test_messages_keep_their_order_whatever_their_hooks_wait_for(server, path):
    with socket(server, path) as ws:
        for number in range(100):
            ws.send(str(number))
        assert [ws.recv(PATIENCE) for _ in range(100)] == [str(number) for number in range(100)]


def test_messages_of_one_connection_do_not_wait_for_those_of_another(server):
    with socket(server, "/held") as held, socket(server, "/guarded-late") as other:
        held.send("waits")
        notes_until(server, ["hook", "waits"])
        other.send("goes on")
        assert other.recv(PATIENCE) == "goes on"
        get(server, "/open")
        assert held.recv(PATIENCE) == "waits"


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_the_close_event_waits_for_the_messages_before_it(server, leave):
    with wire(server.port) as connection:
        connection.upgrade("/held")
        connection.socket.sendall(b"".join(b"\x81\x81\0\0\0\0%d" % number for number in range(3)))
        notes_until(server, ["hook", "0"])
        if leave == "reset":
            connection.reset()
        else:
            connection.socket.sendall(b"\x88\x82\0\0\0\0\x03\xe8")
            connection.read_until(b"\x88\x02\x03\xe8")
    get(server, "/open")
    code = 1006 if leave == "reset" else 1000
    notes = notes_until(server, ["closed", code])
    assert notes[:1] == [["hook", "0"]]
    assert [note for note in notes if note[0] != "hook"][-4:] == [
        *(["handler", str(number)] for number in range(3)),
        ["closed", code],
    ]


@pytest.mark.parametrize("path", ["closing", "closing-late"])
def test_a_hook_that_ends_the_connection_ends_its_messages(server, path):
    with socket(server, f"/{path}") as ws:
        for message in ("one", "two", "three"):
            with contextlib.suppress(ConnectionClosed):
                ws.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(PATIENCE)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1000, "enough")
    assert notes_until(server, ["closed", 1000]) == [["closed", 1000]]


def test_hooks_and_handlers_run_in_the_context_of_their_connection(server):
    with socket(server, "/context") as ann, socket(server, "/context") as bob:
        for _ in range(3):
            ann.send("Ann")
            bob.send("Bob")
            assert (ann.recv(PATIENCE), bob.recv(PATIENCE)) == ("Ann", "Bob")


def test_bytes_reach_hooks_as_bytes(server):
    with socket(server, "/guarded") as ws:
        ws.send(b"\xff")
        assert ws.recv(PATIENCE) == b"\xff"


def test_a_hook_may_come_while_the_server_runs_also_for_a_route_without_a_handler(server):
    with socket(server, "/silent") as ws, socket(server, "/mute") as mute:
        mute.send("nobody listens")
        ws.send("one")
        assert get(server, "/add").text == "added"
        ws.send("two")
        notes_until(server, ["late", "two"])
    assert ["late", "one"] not in get(server, "/notes").json()


# -- bounds


def test_reading_pauses_while_a_hook_waits_and_no_message_is_lost(shared):
    server, size, count = shared("flooded"), 1000, 20_000
    with wire(server.port, 60) as connection:
        connection.upgrade("/")
        messages = [b"%d " % number for number in range(count)]
        messages[-1] += b"last"
        head = b"\x82\xfe" + size.to_bytes(2, "big") + bytes(4)
        frames = [head + message.split()[0] + b" " + b"x" * (size - len(message)) for message in messages[:-1]]
        frames.append(b"\x82" + bytes([0x80 + len(messages[-1])]) + bytes(4) + messages[-1])
        sender = threading.Thread(target=connection.socket.sendall, args=(b"".join(frames),))
        sender.start()
        deadline = time.monotonic() + PATIENCE
        while not get(server, "/state").json()["paused"]:
            assert time.monotonic() < deadline
        get(server, "/open")
        assert connection.read_until(b"all")
        sender.join()
        state = get(server, "/state").json()
        assert state["seen"] == count
        assert PAUSE <= state["most"] < PAUSE + 1024 * 1024


def test_a_connection_whose_messages_are_too_many_is_closed():
    class Closing:
        _ssl, ws, ended = 0, None, ()

        def end(self, *arguments):
            self.ended += arguments

    socket, backlog = Closing(), Backlog()
    backlog.size = MOST + 1
    backlog.add(socket, b"one too many", 2)
    assert socket.ended == (1013, "too many messages wait")
    assert not backlog.messages


def test_a_hook_that_waits_does_not_keep_the_server_from_ending():
    with serve(received_apps.ending, kind="app") as server, socket(server, "/") as ws:
        ws.send("one")
        ws.send("two")
        while "hook waits" not in server.log:
            time.sleep(0.01)
        assert server.stop(timeout=PATIENCE) == 0
        with pytest.raises(ConnectionClosed):
            ws.recv(PATIENCE)
        assert ws.close_code == 1001
        server.wait_for_log("closed 1001")
        assert "handled" not in server.log


# -- upgrades


@pytest.mark.parametrize("path", ["own", "none"])
def test_hooks_before_upgrades_run_behind_those_before_requests(path):
    with serve(received_apps.upgrades, kind="app") as server:
        with socket(server, f"/api/{path}", token="good") as ws:
            assert ws.recv(PATIENCE) == "open"
        assert get(server, "/notes").json() == ["request", "upgrade", *(["handler"] if path == "own" else [])]


@pytest.mark.parametrize(("headers", "status"), [({}, 401), ({"token": "bad"}, 403)])
@pytest.mark.parametrize("path", ["own", "none", "left"])
def test_an_answer_of_a_hook_refuses_the_upgrade(shared, path, headers, status):
    with pytest.raises(InvalidStatus) as refused:
        socket(shared("upgrades"), f"/api/{path}", **headers).__enter__()
    assert refused.value.response.status_code == status


def test_hooks_before_upgrades_do_not_run_for_other_requests(shared):
    assert get(shared("upgrades"), "/api/text").text == "text"


def test_hooks_before_upgrades_run_where_another_route_has_yielded_the_request():
    with serve(received_apps.upgrades, kind="app") as server:
        with socket(server, "/api/left", token="good") as ws:
            assert ws.recv(PATIENCE) == "open"
        notes = get(server, "/notes").json()
        assert notes.count("request") == notes.count("upgrade") == 1


# -- no cost where there is none


def test_a_socket_without_hooks_keeps_its_handlers():
    app = socketify_ext.App()

    def receive(ws, message, opcode):
        ws.send(message)

    def close(ws, code, message):
        raise AssertionError(os.getpid())

    app.ws("/free", {"message": receive, "close": close})
    app.ws("/hooked", {"message": receive, "close": close})
    app.on_ws_message(lambda ws, message, opcode: None, prefix="/hooked")
    free, hooked = app._server.routes
    assert (free.message, free.close) == (receive, close)
    assert hooked.message is not receive
    assert hooked.close is not close
