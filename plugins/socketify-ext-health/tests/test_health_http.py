from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import health_apps
import httpx2
import pytest
import socketify
from socketify_ext_health import health
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import socketify_ext
from socketify_ext import testing

PATIENCE = 30
TOKEN = {"token": "x"}
http = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False, timeout=PATIENCE)


@pytest.fixture(scope="module", params=["app", "install"])
def server(request):
    with testing.serve(health_apps.make, kind=request.param, cache=0) as serving:
        yield serving


@pytest.fixture(autouse=True)
def _database_is_up(request):
    yield
    if "server" in request.fixturenames:
        http.post(f"{request.getfixturevalue('server').url}/database/up", headers=TOKEN)


def test_probes_are_answered_before_any_guard(server):
    assert http.get(server.url).status_code == 401
    alive, ready = (http.get(f"{server.url}/{name}") for name in ("livez", "readyz"))
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "checks": {"database": "ok", "queue": "ok"}})
    assert alive.headers["cache-control"] == ready.headers["cache-control"] == "no-store"
    for name in ("livez", "readyz"):
        assert http.head(f"{server.url}/{name}").status_code == 200
        assert http.post(f"{server.url}/{name}", headers=TOKEN).status_code == 405


@pytest.mark.parametrize("state", ["down", "broken"])
def test_a_check_that_fails_is_named_without_what_it_says(server, state):
    http.post(f"{server.url}/database/{state}", headers=TOKEN)
    ready = http.get(f"{server.url}/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "failing")
    assert ready.json()["checks"] == {"database": "failing", "queue": "ok"}
    assert "s3cret" not in ready.text
    assert http.get(f"{server.url}/livez").status_code == 200
    assert http.get(server.url, headers=TOKEN).text == "hello"


def test_many_probers_at_once_and_some_that_leave(server):
    def leave():
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")

    with ThreadPoolExecutor(8) as pool:
        for _ in range(30):
            pool.submit(leave)
        answers = list(pool.map(lambda _: http.get(f"{server.url}/readyz").status_code, range(40)))
    assert answers == [200] * 40
    assert "Traceback" not in server.log


@pytest.mark.parametrize("order", list(itertools.permutations(("health", "guard", "queue")))[:6])
def test_any_order_of_registration_is_right(order):
    with testing.serve(health_apps.make, order=order) as server:
        assert http.get(f"{server.url}/readyz").json()["checks"] == {"database": "ok", "queue": "ok"}
        assert http.get(server.url).status_code == 401


def test_names_of_checks_can_be_kept_back_and_paths_be_others():
    with testing.serve(health_apps.make, details=False, livez="/health/live", readyz=None) as server:
        assert http.get(f"{server.url}/health/live").json() == {"status": "ok"}
        assert http.get(f"{server.url}/readyz", headers=TOKEN).status_code == 404
    with testing.serve(health_apps.make, details=False) as server:
        assert http.get(f"{server.url}/readyz").json() == {"status": "ok"}


# -- load shedding


def block(server, folder, seconds, paths):
    """Let the server block, and send requests meanwhile; return their statuses and answers."""
    with ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as stack:
        blocker = pool.submit(http.get, f"{server.url}/block", params={"folder": str(folder)}, headers=TOKEN)
        while not (folder / "begun").exists():
            assert not blocker.done()
        begun = time.monotonic()
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), PATIENCE)) for _ in paths
        ]
        for path, connection in zip(paths, connections, strict=True):
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nToken: x\r\nConnection: close\r\n\r\n".encode())
        time.sleep(max(0, begun + seconds - time.monotonic()))
        (folder / "over").touch()
        assert blocker.result().text == "blocked"
        return [b"".join(iter(partial(connection.recv, 65536), b"")).decode() for connection in connections]


def test_requests_are_refused_while_the_loop_is_behind_and_probes_are_not(tmp_path):
    # The timer rings once a second, so in two it is overdue by one at least.
    with testing.serve(health_apps.make, max_lag=0.2, sample=1.0, retry_after=7) as server:
        assert http.get(server.url, headers=TOKEN).text == "hello"
        shed, alive, ready = block(server, tmp_path, 2.0, ["/", "/livez", "/readyz"])
        assert alive.startswith("HTTP/1.1 200 ")
        assert ready.startswith("HTTP/1.1 200 ")
        assert shed.startswith("HTTP/1.1 503 ")
        assert "\r\nretry-after: 7\r\n" in shed.lower()
        assert shed.endswith('{"detail":"Service Unavailable"}')
        deadline = time.monotonic() + PATIENCE
        while http.get(server.url, headers=TOKEN).status_code != 200:
            assert time.monotonic() < deadline
        assert http.get(f"{server.url}/lag", headers=TOKEN).json()["closing"] is False


def test_upgrades_are_refused_too():
    # No timer is as exact as that.
    with testing.serve(health_apps.make, max_lag=0.000001, sample=0.01) as server:
        deadline = time.monotonic() + PATIENCE
        while http.get(server.url, headers=TOKEN).status_code != 503:
            assert time.monotonic() < deadline
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{server.ws_url}/ws", additional_headers=TOKEN, proxy=None).__enter__()
        assert refused.value.response.status_code == 503
        assert http.get(f"{server.url}/livez").status_code == 200


def test_nothing_is_measured_or_refused_where_it_is_not_asked_for(server, tmp_path):
    assert http.get(f"{server.url}/lag", headers=TOKEN).json()["lag"] == 0
    (answer,) = block(server, tmp_path, 1.0, ["/"])
    assert answer.startswith("HTTP/1.1 200 ")


# -- closing


def test_a_server_that_closes_says_so_before_it_stops_to_listen():
    with testing.serve(health_apps.make, close_delay=2.0) as server:
        assert http.get(f"{server.url}/readyz").status_code == 200
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        deadline = time.monotonic() + PATIENCE
        while (answer := http.get(f"{server.url}/readyz")).status_code == 200:
            assert time.monotonic() < deadline
        assert (answer.status_code, answer.json()) == (503, {"status": "closing"})
        assert http.get(f"{server.url}/livez").status_code == 200
        assert http.get(server.url, headers=TOKEN).text == "hello"
        stopping.join(PATIENCE)
        assert server.process.poll() == 0


@pytest.mark.parametrize("options", [{}, {"max_lag": 1.0}])
def test_a_server_ends_in_order(options):
    with testing.serve(health_apps.make, **options) as server:
        http.get(f"{server.url}/readyz")
        assert (server.stop(), server.log) == (0, "")


def test_a_prober_that_waits_for_a_check_is_answered_when_the_server_closes():
    with testing.serve(health_apps.make) as server:
        assert http.post(f"{server.url}/hang", headers=TOKEN).text == "added"
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert http.get(f"{server.url}/hangs", headers=TOKEN).text == "begun"
            assert (server.stop(), server.log) == (0, "")
            assert connection.recv(65536).startswith(b"HTTP/1.1 503 ")


def test_a_stock_app_says_to_install():
    with pytest.raises(socketify_ext.ExtensionError, match=r"socketify_ext\.install\(app\)"):
        socketify.App().register(health)
