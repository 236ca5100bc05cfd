"""docs/hooks.md: its examples run, and it names every hook with its arguments."""

import inspect
import logging
import re
from pathlib import Path

import httpx2
import pytest
import request_hook_apps
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import socketify_ext
from socketify_ext import Outcome, hookspecs
from socketify_ext.sdk.request_hooks import LIFECYCLE_PARAMETERS, PARAMETERS
from socketify_ext.testing import serve

PAGE = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text()


def described():
    """Return the arguments of each hook in the page's tables."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", PAGE, re.MULTILINE)
    return {name: tuple(re.findall(r"\w+", arguments)) for name, arguments in rows}


def test_the_request_hooks_do_what_the_page_says():
    with serve(request_hook_apps.documented, number=0) as server:
        assert httpx2.get(server.url).text == "anybody"
        refused = httpx2.get(f"{server.url}/api/me")
        assert (refused.status_code, refused.json()) == (401, {"detail": "who are you?"})
        assert httpx2.get(f"{server.url}/api/me", headers={"token": "secret"}).text == "Ann"
        with pytest.raises(InvalidStatus):
            connect(f"{server.ws_url}/api/ws", proxy=None).__enter__()
        with connect(f"{server.ws_url}/api/ws", proxy=None, additional_headers={"token": "secret"}) as socket:
            socket.send("news")
            assert socket.recv(10) == "news"
        server.stop()
        for line in ("GET /: 200 in 0", "GET /api/me: 401 in 0", "GET /api/ws: 101 in 0", "closed with 1000"):
            server.wait_for_log(line)


def test_the_hooks_before_the_answer_do_what_the_page_says():
    with serve(request_hook_apps.documented, number=1) as server:
        answer = httpx2.get(server.url)
        assert (answer.text, answer.headers["content-encoding"]) == ("text " * 1000, "gzip")
        missing = httpx2.get(f"{server.url}/none")
        assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")
        assert answer.headers["x-content-type-options"] == missing.headers["x-content-type-options"] == "nosniff"


def test_the_hooks_at_errors_do_what_the_page_says():
    with serve(request_hook_apps.documented, number=2) as server:
        answer = httpx2.get(f"{server.url}/api/items/7")
        assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {"status": 404, "title": "no such item"}
        assert httpx2.get(f"{server.url}/none").json() == {"detail": "Not Found"}
        assert "failed" not in server.log


FASTIFY = (
    *("onRequest", "preParsing", "preValidation", "preHandler", "preSerialization", "onSend", "onResponse", "onError"),
    *("onTimeout", "onRequestAbort", "onReady", "onListen", "preClose", "onClose", "onRoute", "onRegister"),
)


def test_fastifys_hooks_are_all_there_and_at_least_fourteen_have_a_counterpart():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE.partition("## Beside fastify's")[2], re.MULTILINE))
    assert tuple(rows) == FASTIFY
    counterparts = {name: re.findall(r"`(?:res\.)?(\w+)", cell) for name, cell in rows.items()}
    assert sum(map(bool, counterparts.values())) >= 14
    named = {each for names in counterparts.values() for each in names}
    known = {*dir(socketify_ext.App), *dir(hookspecs), "on_aborted", "on_route"}
    assert named <= known


def test_the_hooks_of_the_server_are_documented():
    assert {name: described()[name] for name in LIFECYCLE_PARAMETERS} == LIFECYCLE_PARAMETERS


def test_the_registration_hooks_do_what_the_page_says(caplog):
    caplog.set_level(logging.ERROR)
    example = request_hook_apps.documented(3)
    assert [spec.name for spec in example._node.registration.current.resolution.order] == ["cart"]

    def silent(request, response, ws): ...

    with pytest.raises(PermissionError, match="says nothing about itself"):
        example.register(silent)
    assert not caplog.records


def test_every_request_hook_is_documented():
    assert {name: described().get(name) for name in PARAMETERS} == PARAMETERS


def test_every_registration_hook_is_documented():
    named = {name: words for name, words in described().items() if name.startswith("socketify_ext_")}
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("socketify_ext_")}
    assert named == {name: tuple(inspect.signature(hook).parameters) for name, hook in hooks.items()}


def test_every_attribute_of_an_outcome_is_documented():
    table = PAGE.partition("`socketify_ext.Outcome`")[2].partition("\n\n## ")[0].partition("\n\nIt runs")[0]
    first = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(first)) == list(Outcome._fields)
