from __future__ import annotations

import contextlib
import time

import httpx2
import metrics_apps
import pytest
import socketify
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError
from socketify_ext_metrics import Metrics, Options, metrics
from websockets.exceptions import InvalidMessage
from websockets.sync.client import connect

import socketify_ext
from socketify_ext import testing

COUNT = "http_request_duration_seconds_count"
PATIENCE = 10
# One for all requests, since making a client takes a while.
http = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False, verify=False)


@pytest.fixture(scope="module", params=["app", "install"])
def server(request):
    with testing.serve(metrics_apps.measured, kind=request.param) as serving:
        yield serving


def scrape(server, path="/metrics", **headers):
    text = http.get(server.url + path, headers=headers).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def wait_for(server, name, value):
    """Scrape until a metric has a value; hooks run when the client may have its answer already."""
    deadline = time.monotonic() + PATIENCE
    while (found := scrape(server)).get(name) != value:
        assert time.monotonic() < deadline, found
    return found


def counted(server, method, route, status):
    return scrape(server).get((COUNT, method, route, status), 0)


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/items/7", "/items/:id", "200"),
        ("GET", "/refused", "/refused", "404"),
        ("GET", "/closed/7", "/closed/:id", "403"),
        ("PATCH", "/any", "/any", "200"),
        ("HEAD", "/any", "/any", "200"),
    ],
)
def test_a_request_is_counted_by_method_route_and_status(server, method, path, route, status):
    before = counted(server, method, route, status)
    for _ in range(3):
        http.request(method, server.url + path)
    found = wait_for(server, (COUNT, method, route, status), before + 3)
    assert found["http_request_duration_seconds_sum", method, route, status] > 0
    assert found["http_request_duration_seconds_bucket", "+Inf", method, route, status] == before + 3


def test_a_request_is_in_flight_until_its_client_leaves(server):
    before = counted(server, "GET", "/hang", "aborted")
    assert scrape(server)["http_requests_in_flight",] == 1  # the one that asks
    with httpx2.Client(verify=False) as client, pytest.raises(httpx2.ReadTimeout):
        client.get(f"{server.url}/hang", timeout=0.2)
    wait_for(server, (COUNT, "GET", "/hang", "aborted"), before + 1)
    wait_for(server, ("http_requests_in_flight",), 1)


def test_a_request_that_another_hook_has_answered_leaves_the_gauge_alone(server):
    http.get(f"{server.url}/closed/1")
    wait_for(server, ("http_requests_in_flight",), 1)


def test_open_sockets_are_counted_by_route(server):
    upgrades = counted(server, "GET", "/chat/:room", "101")
    with connect(f"{server.ws_url}/chat/tea", proxy=None), connect(f"{server.ws_url}/chat/milk", proxy=None):
        wait_for(server, ("websocket_connections", "/chat/:room"), 2)
        wait_for(server, (COUNT, "GET", "/chat/:room", "101"), upgrades + 2)
    wait_for(server, ("websocket_connections", "/chat/:room"), 0)


def test_a_socket_that_another_hook_has_closed_leaves_the_gauge_alone(server):
    with pytest.raises(InvalidMessage):
        connect(f"{server.ws_url}/leaving", proxy=None).__enter__()
    assert scrape(server).get(("websocket_connections", "/leaving"), 0) == 0


def test_metrics_of_the_process_and_of_the_program_are_shown(server):
    http.get(f"{server.url}/items/1")
    found = scrape(server)
    assert found["shop_hits_total",] >= 1
    assert any(name == "python_info" for name, *_ in found)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0"),
        ("text/html", "text/plain; version=0.0.4"),
        ("application/openmetrics-text; version=one", "text/plain; version=0.0.4"),
        ("text/plain; version=;;,", "text/plain; version=0.0.4"),
    ],
)
def test_the_client_chooses_the_format(server, accept, kind):
    answer = http.get(f"{server.url}/metrics", headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    assert answer.text.endswith("# EOF\n") == kind.startswith("application")


def test_the_format_is_chosen_by_all_lines_of_the_header(server):
    lines = [("accept", "text/html"), ("accept", "application/openmetrics-text; version=1.0.0")]
    assert http.get(f"{server.url}/metrics", headers=lines).text.endswith("# EOF\n")


def outcome(method="GET", status=200, *, aborted=False):
    return socketify_ext.Outcome(status, "/", method, 0.01, aborted, None, None)


def test_words_that_are_no_methods_share_one_series():
    measured = Metrics(Options())
    for number in range(50):
        measured.observe(outcome(f"WORD{number}"))
    text, _ = measured.exposition(None)
    assert f'{COUNT}{{method="other",route="/",status="200"}} 50.0' in text.decode()


def test_no_client_makes_more_series_than_there_are_routes_and_methods():
    with testing.serve(metrics_apps.measured) as server:
        for number in range(30):
            for method, path in (("WORD" + "A" * number, "/any"), ("GET", f"/nowhere/{number}")):
                with contextlib.suppress(httpx2.RemoteProtocolError):  # closed where no route is
                    http.request(method, server.url + path)
            http.get(f"{server.url}/items/{number}?page={number}", headers={"Host": f"host{number}.example"})
        found = wait_for(server, (COUNT, "GET", "/items/:id", "200"), 30)
    series = {tuple(labels) for name, *labels in found if name == COUNT}
    assert len(series) <= 5, series
    assert {method for method, _, _ in series} <= {"GET", "other"}
    assert not any("nowhere" in route or "WORD" in route for _, route, _ in series)


def test_an_abort_counts_as_such_whatever_was_sent():
    measured = Metrics(Options(prefix="shop_", buckets=[0.005, 1]))
    measured.observe(outcome(status=206, aborted=True))
    measured.observe(outcome(status=None, aborted=True))
    text, _ = measured.exposition(None)
    assert f'shop_{COUNT}{{method="GET",route="/",status="aborted"}} 2.0' in text.decode()
    assert 'bucket{le="1.0"' in text.decode()


@pytest.mark.parametrize(
    "options",
    [{"path": "metrics"}, {"path": "/:id"}, {"path": "/*"}, {"prefix": "a-b"}, {"prefix": "1"}, {"buckets": []},
     {"buckets": [2, 1]}, {"buckets": [0, 1]}, {"buckets": [float("inf")]}, {"other": 1}],
)  # fmt: skip
def test_options_that_can_not_work_are_refused(options):
    with pytest.raises(ValidationError):
        Options(**options)


def test_without_a_path_there_is_no_route():
    app = socketify_ext.App()
    app.register(metrics.configured(path=None))
    app.get("/metrics", lambda res, req: res.end("mine"))


def test_a_stock_app_says_to_install():
    with pytest.raises(socketify_ext.ExtensionError, match=r"socketify_ext\.install\(app\)"):
        socketify.App().register(metrics)


def test_processes_that_share_a_directory_show_the_sum(tmp_path):
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    key = (COUNT, "GET", "/items/:id", "200")
    with testing.serve(metrics_apps.measured, environment=environment) as one:
        with (
            testing.serve(metrics_apps.measured, environment=environment) as other,
            connect(f"{other.ws_url}/chat/a", proxy=None),
            connect(f"{one.ws_url}/chat/a", proxy=None),
        ):
            for server in (one, other, other):
                http.get(f"{server.url}/items/1")
            wait_for(one, key, 3)
            wait_for(other, ("websocket_connections", "/chat/:room"), 2)
            assert wait_for(other, ("shop_hits_total",), 3)["http_requests_in_flight",] == 1
            assert other.stop() == 0
            wait_for(one, ("websocket_connections", "/chat/:room"), 1)
        assert scrape(one)[key] == 3
