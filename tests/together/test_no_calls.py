"""examples/no_calls.py: all of it by itself, in any order of registration, and for a real browser's scripts.

`make test-plugins` runs this, with all plugins installed.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

import httpx2
import pytest
from browsers import Windows, browser, windows
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.sync.client import connect

from socketify_ext.testing import inject, serve, started

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import no_calls

__all__ = ["browser", "windows"]

PAGE = "https://app.example"
NAMES = [extension.name for extension in no_calls.extensions(PAGE)]
FIVE = [NAMES.index(name) for name in ("cors", "auth", "ratelimit", "metrics", "sessions")]
CROSSING = {"Origin": PAGE, "Sec-Fetch-Site": "cross-site"}
ASKED = {**CROSSING, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
SELLER, READER = {"Authorization": "Bearer seller"}, {"Authorization": "Bearer reader"}
# Each with the status that it gets.
REQUESTS = [
    ("GET", "/", CROSSING, None, 200),
    ("OPTIONS", "/orders", ASKED, None, 204),
    ("OPTIONS", "/nothing", ASKED, None, 204),
    ("GET", "/nothing", CROSSING, None, 404),
    ("POST", "/", CROSSING, None, 405),
    ("GET", "/broken", CROSSING, None, 500),
    ("GET", "/me", CROSSING, None, 401),
    ("GET", "/me", {**CROSSING, **READER}, None, 200),
    ("POST", "/orders", {**CROSSING, **READER}, {"sku": "tea"}, 403),
    ("POST", "/orders", {**CROSSING, **SELLER}, {"sku": ""}, 422),
    *[("POST", "/orders", {**CROSSING, **SELLER}, {"sku": "tea"}, 201)] * 4,
    ("POST", "/orders", {**CROSSING, **SELLER}, {"sku": "tea"}, 429),
    (
        "POST",
        "/orders",
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", **SELLER},
        {"sku": "tea"},
        403,
    ),
    ("GET", "/visits", CROSSING, None, 200),
]
CHANGING = {"date", "x-request-id", "set-cookie", "ratelimit", "retry-after", "content-security-policy"}


async def answers(app):
    """Return what each request gets: status, headers that don't change by themselves, and content."""
    found = []
    async with started(app):
        for method, path, headers, content, status in REQUESTS:
            answer = (
                await inject(app, method, path, headers=headers, json=content)
                if content is not None
                else (await inject(app, method, path, headers=headers))
            )
            assert answer.status == status, (method, path, answer.text)
            kept = sorted((name, value) for name, value in answer.headers.lines if name.lower() not in CHANGING)
            found.append((answer.status, kept, answer.content))
    return found


def test_scripts_of_the_page_may_read_every_answer():
    for (method, path, headers, _, _), (status, lines, _) in zip(
        REQUESTS, asyncio.run(answers(no_calls.make(PAGE))), strict=True
    ):
        names = {name.lower(): value for name, value in lines}
        wanted = PAGE if headers["Origin"] == PAGE else None
        assert names.get("access-control-allow-origin") == wanted, (method, path, status)
        if status != 204:
            assert names["x-content-type-options"] == "nosniff", (method, path, status)


def test_any_order_of_the_five_gives_the_same_answers():
    wanted = asyncio.run(answers(no_calls.make(PAGE)))
    others = [index for index in range(len(NAMES)) if index not in FIVE]
    for order in itertools.permutations(FIVE):
        assert asyncio.run(answers(no_calls.make(PAGE, [*order, *others]))) == wanted, [NAMES[each] for each in order]


@settings(max_examples=25)
@given(st.permutations(range(len(NAMES))))
def test_any_order_of_all_gives_the_same_answers(order):
    assert asyncio.run(answers(no_calls.make(PAGE, order))) == asyncio.run(answers(no_calls.make(PAGE)))


@pytest.fixture(scope="module")
def page_server():
    def make():
        import socketify_ext

        app = socketify_ext.App()
        app.get("/", lambda res, req: res.send("<!doctype html><title>A page</title>", "text/html"))
        return app

    with serve(make) as server:
        yield server


FETCH = """async ([url, options]) => {
  try {
    const response = await fetch(url, options);
    return [response.status, await response.text(), response.headers.get("x-request-id")];
  } catch (error) {
    return [0, String(error), null];
  }
}"""


def test_a_real_browsers_scripts_get_what_the_page_may_read(page_server, windows: Windows):
    origin = f"http://localhost:{page_server.port}"
    with serve(no_calls.make, page=origin) as api:
        page = windows.open()
        page.goto(origin)

        def fetch(path, **options):
            return page.evaluate(FETCH, [f"{api.url}{path}", options])

        assert fetch("/")[0] == 200
        assert fetch("/")[2]
        assert fetch("/me")[0] == 401
        assert fetch("/me", headers=READER)[0] == 200
        assert fetch("/nothing")[0] == 404
        assert fetch("/broken")[0] == 500
        order = {"method": "POST", "body": '{"sku": "tea"}', "headers": {"Content-Type": "application/json", **SELLER}}
        assert [fetch("/orders", **order)[0] for _ in range(6)] == [201] * 5 + [429]
        assert fetch("/orders/7", method="DELETE", headers=SELLER)[0] == 204
        assert fetch("/orders/7", method="PUT", headers=SELLER)[0] == 0  # the preflight does not allow it
        assert fetch("/visits", credentials="include")[1] == '{"visits":1}'
        stranger = windows.open()
        stranger.goto(f"http://127.0.0.1:{page_server.port}")
        assert stranger.evaluate(FETCH, [api.url, {}])[0] == 0


def test_a_socket_knows_its_user_and_the_document_is_there():
    with serve(no_calls.make) as api:
        with connect(f"{api.ws_url}/news?token=reader", proxy=None) as socket:
            assert socket.recv(10) == "welcome, Ann"
        document = httpx2.get(f"{api.url}/openapi.json").json()
        assert document["paths"]["/orders"]["post"]["tags"] == ["orders"]
        assert document["paths"]["/orders"]["post"]["security"]
