"""The end of a server: what it waits for, what it cancels, and in which order."""

import contextlib
import signal
import socket
import time

import ending_apps
import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from wire import wire

from socketify_ext.testing import serve

PATIENCE = 20
LONG_GRACE = 60.0


@contextlib.contextmanager
def asked(server, path, method="GET", headers=b""):
    """Send a request whose handler has begun."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n".encode() + headers + b"\r\n")
        wait_for(server, f"{path.strip('/').replace('hooked', 'hook')} begun")
        yield client


def wait_for(server, *words):
    deadline = time.monotonic() + PATIENCE
    while not all(word in server.log for word in words):
        assert time.monotonic() < deadline, server.log
        time.sleep(0.01)


def answer_of(client):
    data = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            data += part
    return data


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/long", ["long cancelled", "long finally"]),
        ("/after", ["after cancelled", "after finally"]),
        ("/hooked", ["hook cancelled", "hook finally"]),
        ("/events", ["events finally"]),
    ],
)
def test_a_handler_that_outlives_the_grace_is_cancelled_and_its_finally_runs_before_the_shutdown_functions(path, words):
    with serve(ending_apps.make, grace=0.1) as server, asked(server, path) as client:
        assert server.stop(timeout=PATIENCE) == 0
        client.settimeout(PATIENCE)
        received = answer_of(client)
        log = server.log
    said = [line for line in log.splitlines() if "begun" not in line and "WARNING" not in line]
    assert said == [*words, "stopped"]
    assert f"the server ends: cancelled GET {path}" in log
    if path in ("/long", "/hooked"):
        assert received.startswith(b"HTTP/1.1 503 Service Unavailable")
        assert received.endswith(b"\r\n\r\nService Unavailable")
    elif path == "/events":
        assert not received.endswith(b"0\r\n\r\n")  # the client sees that it is not whole


def test_a_handler_may_answer_when_it_is_cancelled():
    with serve(ending_apps.make, grace=0.1) as server, asked(server, "/catches") as client:
        assert server.stop(timeout=PATIENCE) == 0
        assert answer_of(client).endswith(b"\r\n\r\ncaught")


def test_an_answer_that_was_left_to_a_callback_is_503():
    with serve(ending_apps.make, grace=0.1) as server, asked(server, "/deferred") as client:
        assert server.stop(timeout=PATIENCE) == 0
        assert answer_of(client).startswith(b"HTTP/1.1 503 ")


def test_a_request_within_the_grace_is_answered():
    with serve(ending_apps.make) as server, asked(server, "/short") as client:
        assert server.stop(timeout=PATIENCE) == 0
        assert answer_of(client).endswith(b"in time")
        assert "WARNING" not in server.log


def test_a_handler_that_ignores_its_cancellation_is_logged_and_left():
    with serve(ending_apps.make, grace=0.1, limit=1.0) as server, asked(server, "/deaf"):
        assert server.stop(timeout=PATIENCE) == 0
        server.wait_for_log("GET /deaf: the handler ignores its cancellation")
        server.wait_for_log("deaf ignores\n")
        server.wait_for_log("\nstopped\n")


def test_sockets_are_closed_as_going_away_and_their_handlers_are_cancelled():
    with serve(ending_apps.make, grace=LONG_GRACE) as server, connect(server.ws_url + "/ws", proxy=None) as client:
        wait_for(server, "socket begun")
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=PATIENCE)
        assert closed.value.rcvd.code == 1001
        assert server.process.wait(PATIENCE) == 0
        server.wait_for_log("socket cancelled\nsocket finally\nstopped\n")


FORM = b"Content-Type: multipart/form-data; boundary=x\r\n"
ENDLESS = {
    "a stream": ("/events", "GET", b"", b""),
    "an upload that does not go on": ("/upload", "POST", b"Content-Length: 1000\r\n", b"some"),
    "an upload whose client sends nothing": ("/upload", "POST", b"Transfer-Encoding: chunked\r\n", b""),
    "a form that does not go on": ("/form", "POST", FORM + b"Content-Length: 1000\r\n", b"--x\r\n"),
    "a download that nobody takes": ("/download", "GET", b"", b""),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_client_without_end_does_not_take_the_grace_of_every_restart(kind):
    path, method, headers, body = ENDLESS[kind]
    with serve(ending_apps.make, grace=LONG_GRACE) as server, asked(server, path, method, headers) as client:
        client.sendall(body)
        assert server.stop(timeout=PATIENCE) == 0
        server.wait_for_log(f"{path.strip('/')} finally\nstopped\n")


def test_a_background_coroutine_does_not_either():
    with serve(ending_apps.make, grace=LONG_GRACE) as server:
        assert httpx2.get(server.url + "/background").text == "runs"
        assert server.stop(timeout=PATIENCE) == 0
        server.wait_for_log("background cancelled\nbackground finally\nstopped\n")


def test_an_upload_that_goes_on_is_waited_for():
    parts = 8
    with serve(ending_apps.make, grace=LONG_GRACE) as server:
        headers = b"Content-Length: %d\r\n" % parts
        with asked(server, "/upload", "POST", headers) as client:
            server.process.send_signal(signal.SIGTERM)
            for _ in range(parts):
                time.sleep(0.3)
                client.sendall(b"x")
            assert answer_of(client).endswith(str(parts).encode())
        assert server.process.wait(PATIENCE) == 0


def test_a_second_signal_does_not_wait():
    with serve(ending_apps.make, grace=LONG_GRACE) as server, asked(server, "/long"):
        server.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(ConnectionError):  # refused, or reset where it was about to be accepted
            while True:
                socket.create_connection(("127.0.0.1", server.port), PATIENCE).close()
        assert server.stop(timeout=PATIENCE) == 0
        server.wait_for_log("stopped")


def test_an_app_that_a_handler_disposes_of_ends_in_order():
    with serve(ending_apps.disposing) as server:
        assert httpx2.get(server.url + "/dispose").json() == [False, 0]
        assert server.process.wait(PATIENCE) == 0
        assert "ERROR" not in server.log


@pytest.mark.parametrize("path", ["/long", "/hooked"])
def test_a_client_that_leaves_cancels_its_handler_where_the_app_asks_for_it(path):
    name = path.strip("/").replace("hooked", "hook")
    with serve(ending_apps.make, cancel_on_abort=True) as server:
        with asked(server, path):
            pass
        wait_for(server, f"{name} cancelled", f"{name} finally")
        assert "ERROR" not in server.log
        assert httpx2.get(server.url + "/ready").text == "ready"


def test_by_default_a_handler_goes_on_without_its_client():
    with serve(ending_apps.make, grace=0.1) as server:
        with asked(server, "/long"):
            pass
        assert httpx2.get(server.url + "/ready").text == "ready"
        assert "cancelled" not in server.log
        assert server.stop(timeout=PATIENCE) == 0


def other_url(server):
    return f"http://127.0.0.1:{httpx2.get(server.url + '/port').text}"


@pytest.mark.parametrize("how", ["before", "in a handler", "at the start", "in a thread"])
def test_two_apps_of_a_process_are_both_served_and_end_together(how):
    with serve(ending_apps.several, how=how) as server:
        if how == "in a handler":
            assert httpx2.get(server.url + "/listen").text == "listens"
        assert [httpx2.get(other_url(server)).text for _ in range(3)] == ["other"] * 3
        if how == "in a thread":
            assert httpx2.get(other_url(server) + "/stop").text == "stops"
        assert server.stop(timeout=PATIENCE) == 0
        stopped = ["app stopped"] if how == "in a thread" else ["app stopped", "other stopped"]
        assert sorted(line for line in server.log.splitlines() if "stopped" in line) == stopped


def test_the_app_that_runs_takes_the_others_with_it():
    with serve(ending_apps.several, how="before") as server:
        url = other_url(server)
        assert httpx2.get(server.url + "/close").text == "closes"
        assert server.process.wait(PATIENCE) == 0
        assert sorted(server.log.split("\n")) == ["", "app stopped", "other stopped"]
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(url)


def test_another_app_ends_alone():
    with serve(ending_apps.several, how="before") as server:
        url = other_url(server)
        assert httpx2.get(server.url + "/close-other").text == "closes"
        wait_for(server, "other stopped")
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(url)
        with wire(server.port) as connection:
            assert connection.ask("GET", "/port").body.isdigit()
        assert server.stop(timeout=PATIENCE) == 0
        assert server.log == "other stopped\napp stopped\n"
