"""examples/no_calls.py, for a real browser's scripts.

`make test-plugins` runs this, with all plugins installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from browsers import Windows, browser, windows

from socketify_ext.testing import serve

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import no_calls

__all__ = ["browser", "windows"]

SELLER, READER = {"Authorization": "Bearer seller"}, {"Authorization": "Bearer reader"}


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
