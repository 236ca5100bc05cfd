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

from socketify_ext import Outcome, hookspecs
from socketify_ext.sdk.request_hooks import PARAMETERS
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
            assert line in server.log


def test_the_registration_hooks_do_what_the_page_says(caplog):
    caplog.set_level(logging.ERROR)
    example = request_hook_apps.documented(1)
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
