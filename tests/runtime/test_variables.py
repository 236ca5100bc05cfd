"""Context variables: one context for each request and each connection, which nobody else sees."""

import asyncio

import httpx2
import pytest
import variable_apps
import websockets
from websockets.sync.client import connect

from socketify_ext.testing import serve


@pytest.fixture(scope="module")
def server():
    with serve(variable_apps.make_app) as serving:
        yield serving


@pytest.fixture(scope="module")
def logging_server():
    with serve(variable_apps.logging_app) as serving:
        yield serving


def get(server, path, user="Ann"):
    return httpx2.get(server.url + path, headers={"user": user})


@pytest.mark.parametrize("prefix", ["/user", "/late-user"])
def test_hooks_and_handlers_of_a_request_share_what_they_set(server, prefix):
    assert get(server, f"{prefix}/plain").text == "Ann"
    assert get(server, f"{prefix}/suspending").json() == ["Ann", "Ann!"]
    assert get(server, f"{prefix}/task").text == "Ann"
    answer = httpx2.post(f"{server.url}{prefix}/body", headers={"user": "Ann"}, content=b"x" * 100_000)
    assert answer.text == "Ann+"


@pytest.mark.parametrize("path", ["/plain", "/suspending", "/task"])
def test_nothing_that_a_request_sets_is_seen_by_another(server, path):
    for setting in ("/user/plain", "/late-user/suspending", "/failing", "/yielded/a"):
        get(server, setting)
        assert "Ann" not in get(server, f"/public{path}").text
        assert "nobody" in get(server, f"/public{path}").text


def test_what_a_handler_sets_is_there_after_the_response(server):
    assert get(server, "/user/plain", "Eve").text == "Eve"
    seen = [get(server, "/ended").json()]
    while seen[-1] != ["Eve", "Eve"]:
        seen.append(get(server, "/ended").json())


def test_an_error_handler_and_a_next_route_have_the_variables_of_the_request(server):
    assert get(server, "/failing").text == "of the one that failed"
    assert get(server, "/yielded/a").text == "set before the yield"


def test_requests_that_run_at_once_do_not_mix(server):
    async def ask():
        async with httpx2.AsyncClient() as client:
            names = [f"user {number}" for number in range(50)]
            answers = await asyncio.gather(
                *(client.get(f"{server.url}/user/suspending", headers={"user": name}) for name in names)
            )
            return names, [answer.json() for answer in answers]

    names, found = asyncio.run(ask())
    assert found == [[name, f"{name}!"] for name in names]


def test_a_connection_has_a_context_of_its_own_from_its_upgrade_to_its_close(server):
    headers = {"user": "Ann"}
    with connect(f"{server.ws_url}/ws", additional_headers=headers) as ann, connect(f"{server.ws_url}/bare") as other:
        assert (ann.recv(), other.recv()) == ("Ann", "nobody")
        ann.send("set")
        assert ann.recv() == "Ann again"
        other.send("get")
        assert other.recv() == "nobody"
        ann.send("close")
        assert ann.recv() == "Ann again"
        with pytest.raises(websockets.ConnectionClosed):
            ann.recv()
    found = get(server, "/ended").text
    while found != "Ann again":
        found = get(server, "/ended").text
    assert get(server, "/public/plain").text == "nobody"


def test_structlog_binds_to_the_request(logging_server):
    assert get(logging_server, "/bound", "Ann").json() == {"user": "Ann"}
    assert get(logging_server, "/bound", "Ben").json() == {"user": "Ben"}


def test_an_error_is_logged_with_the_variables_of_its_request(logging_server):
    for number, path in enumerate(("/fails", "/fails-late", "/silent")):
        assert get(logging_server, path, f"user {number}").status_code == 500
    users = [user for user, _ in get(logging_server, "/logged", "Eve").json()]
    assert users == ["user 0", "user 1", "user 2"]


def test_a_span_around_a_handler_is_the_parent_of_those_inside_and_of_no_other(logging_server):
    assert get(logging_server, "/left-open").json() == [True]
    assert get(logging_server, "/spans").json() == [True, True]
