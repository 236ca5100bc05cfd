from __future__ import annotations

import itertools
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

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


def block(server, seconds, meanwhile):
    """Let the server block, and send `meanwhile` requests into it; return their statuses."""
    with ThreadPoolExecutor(len(meanwhile) + 1) as pool:
        blocker = pool.submit(http.get, f"{server.url}/block?seconds={seconds}", headers=TOKEN)
        while not _is_blocked(server):
            assert not blocker.done()
        futures = [pool.submit(http.get, server.url + path, headers=TOKEN) for path in meanwhile]
        answers = [future.result() for future in futures]
        assert blocker.result().text == "blocked"
    return answers


def _is_blocked(server):
    try:
        httpx2.get(f"{server.url}/livez", timeout=0.15)
    except httpx2.TimeoutException:
        return True
    return False


def test_requests_are_refused_while_the_loop_is_behind_and_probes_are_not():
    with testing.serve(health_apps.make, max_lag=0.5, sample=0.05, retry_after=7) as server:
        assert http.get(server.url, headers=TOKEN).text == "hello"
        shed, alive, ready = block(server, 2, ["/", "/livez", "/readyz"])
        assert (alive.status_code, ready.status_code) == (200, 200)
        assert (shed.status_code, shed.headers["retry-after"]) == (503, "7")
        assert shed.json() == {"detail": "Service Unavailable"}
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


def test_nothing_is_measured_or_refused_where_it_is_not_asked_for(server):
    assert http.get(f"{server.url}/lag", headers=TOKEN).json()["lag"] == 0
    (answer,) = block(server, 1, ["/"])
    assert answer.status_code == 200


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


def test_a_stock_app_says_to_install():
    with pytest.raises(socketify_ext.ExtensionError, match=r"socketify_ext\.install\(app\)"):
        socketify.App().register(health)
