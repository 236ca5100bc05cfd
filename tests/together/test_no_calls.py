"""examples/no_calls.py: all of it by itself, in any order of registration.

`make test-plugins` runs this, with all plugins installed.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.sync.client import connect

from socketify_ext.testing import inject, serve, started

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import no_calls

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
    *[("POST", "/orders", {**CROSSING, **SELLER}, {"sku": "tea"}, 201)] * 3,  # what was refused counts, too
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


def test_a_socket_knows_its_user_and_the_document_is_there():
    with serve(no_calls.make) as api:
        with connect(f"{api.ws_url}/news?token=reader", proxy=None) as socket:
            assert socket.recv(10) == "welcome, Ann"
        document = httpx2.get(f"{api.url}/openapi.json").json()
        assert document["paths"]["/orders"]["post"]["tags"] == ["orders"]
        assert document["paths"]["/orders"]["post"]["security"]
