"""Computed properties on real servers: of an app of ours, of a stock one, and of one whose objects are pooled."""

from __future__ import annotations

import asyncio
import socket

import computed_apps
import httpx2
import pytest
from websockets.sync.client import connect

from socketify_ext.testing import serve

KINDS = ["app", "stock", "pooled"]


@pytest.fixture(scope="module", params=KINDS)
def server(request):
    with serve(computed_apps.make_app, kind=request.param) as serving:
        yield serving


@pytest.fixture(scope="module")
def app_server():
    with serve(computed_apps.make_app, kind="app") as serving:
        yield serving


def get(server, path, user):
    return httpx2.get(server.url + path, headers={"user": user}, timeout=30)


def test_a_value_is_computed_once_for_a_request(server):
    for run in (1, 2):
        user = {"before": "Ann", "after": "Ann", "runs": run}
        assert get(server, "/read", "Ann").json() == [user, True, "Ann's role", "Ann", ["Ann"]]


def test_requests_at_once_and_one_after_the_other_have_their_own(server):
    async def ask():
        async with httpx2.AsyncClient(timeout=60) as client:

            async def once(path, number):
                user = f"user-{number}"
                answer = (await client.get(server.url + path, headers={"user": user})).json()
                if path == "/late":
                    assert answer == [user, user, None]
                else:
                    assert [answer[0]["before"], answer[0]["after"], *answer[2:]] == [
                        *(user, user, f"{user}'s role", user),
                        [user],
                    ]

            await asyncio.gather(*(once(path, number) for number in range(100) for path in ("/read", "/late")))

    asyncio.run(ask())


def test_a_value_of_a_response_is_its_own(server):
    for name in ("Bob", "Ann"):
        assert get(server, "/sync", name).json() == [name, [name]]


def test_what_a_property_raises_is_the_answer(app_server):
    assert get(app_server, "/sync", "nobody").json() == {"detail": "who?"}
    assert get(app_server, "/read", "nobody").json() == {"detail": "no role"}
    assert get(app_server, "/one?of=broken", "Bob").status_code == 500
    assert "LookupError: no database in request.broken of extension 'people' (computed_apps.py:" in app_server.log


def test_a_property_that_needs_itself_is_an_error_with_a_name(app_server):
    for path in ("/circle", "/one?of=circle", "/one?of=late_circle"):
        start = len(app_server.log)
        assert get(app_server, path, "Bob").status_code == 500
        name = "late_circle" if "late" in path else "circle"
        assert f"ComputationError: [EXT517] request.{name} of extension 'people' (" in app_server.log[start:]
        assert "RecursionError" not in app_server.log


def test_an_async_property_is_no_condition(app_server):
    assert get(app_server, "/condition", "Bob").status_code == 500
    assert "request.role of extension 'people' (computed_apps.py:" in app_server.log


def test_nothing_is_said_where_nobody_awaits(server):
    assert get(server, "/unused", "Bob").text == "unused"
    assert get(server, "/unused", "Bob").text == "unused"
    assert "never awaited" not in server.log


def test_a_hook_and_a_handler_share_one_run(app_server):
    user = {"before": "Eve", "after": "Eve", "runs": 1}
    assert get(app_server, "/guarded/user", "Eve").json() == [user, "Eve's role"]
    assert get(app_server, "/guarded/user", "nobody").json() == {"detail": "no role"}


def test_a_client_that_leaves_cancels_what_it_waited_for(app_server):
    with socket.create_connection(("127.0.0.1", app_server.port)) as client:
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        assert get(app_server, "/event", "Bob").text == "begun"
    assert get(app_server, "/event", "Bob").text == "cancelled"


def test_a_deadline_cancels_what_was_waited_for(app_server):
    assert get(app_server, "/limited", "Bob").text == "in time"
    assert [get(app_server, "/event", "Bob").text for _ in range(2)] == ["begun", "cancelled"]


def test_a_websocket_computes_its_values(server):
    for name in ("Ann", "Bob"):
        with connect(f"{server.ws_url}/ws", additional_headers={"user": name}, proxy=None) as client:
            client.send("a")
            assert client.recv(30) == f"member {name}, member {name}: a"


def test_a_websocket_keeps_a_value_as_long_as_it_is_open(app_server):
    with connect(f"{app_server.ws_url}/ws", additional_headers={"user": "Ann"}, proxy=None) as client:
        for sent, seen in (("a", "a"), ("b", "a,b")):
            client.send(sent)
            assert client.recv(30) == f"member Ann, member Ann: {seen}"


def test_a_second_signal_is_not_needed_while_a_property_is_computed():
    with serve(computed_apps.make_app, kind="app") as serving:
        with socket.create_connection(("127.0.0.1", serving.port)) as client:
            client.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            assert get(serving, "/event", "Bob").text == "begun"
            assert serving.stop() == 0
        assert "Task was destroyed" not in serving.log
