"""The inspector in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsers import Windows, browser, windows
from playwright.sync_api import Page, expect

import socketify_ext
from socketify_ext.testing import serve
from socketify_ext.testing.serving import Serving

__all__ = ["browser", "windows"]


def make() -> socketify_ext.App:
    app = socketify_ext.App()
    app.register(socketify_ext.load("auth", tokens={"secret": {"name": "Ann"}}))
    app.register(socketify_ext.load("cart"))

    @socketify_ext.extension("hostile", requires=["auth"])
    def hostile(request, response, ws, *, app):  # type: ignore[no-untyped-def]
        "<img src=x onerror=\"document.title = 'taken'\">"

        @request.method
        def sneak(self, text: str = "</script><script>document.title = 'taken'</script>") -> None:
            """<svg onload="document.title = 'taken'">"""

    app.register(hostile)
    app.register(socketify_ext.load("inspector"))
    app.get("/hello", lambda res, req: res.end("hello"))
    app.scope("/admin").register(socketify_ext.load("msgpack"))
    return app


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serve(make) as serving:
        yield serving


def show(server: Serving, page: Page) -> None:
    page.goto(f"http://localhost:{server.port}/_extensions")
    expect(page.get_by_text("Requests a second")).to_be_visible()


def test_live_figures_come(server: Serving, windows: Windows):
    page = windows.open()
    show(server, page)
    page.request.get(f"{server.url}/hello")
    expect(page.locator("#by-route")).to_contain_text("GET /hello")
    expect(page.locator("#by-route")).to_contain_text("2xx")


def test_the_filter_finds_by_keyboard(server: Serving, windows: Windows):
    page = windows.open()
    show(server, page)
    page.keyboard.press("Tab")
    page.keyboard.type("get_user")
    expect(page.get_by_role("cell", name="request.get_user").first).to_be_visible()
    expect(page.get_by_role("cell", name="request.cart")).to_be_hidden()
    expect(page.get_by_role("status")).to_contain_text("found")


def test_a_hostile_plugin_stays_text(server: Serving, windows: Windows):
    page = windows.open()
    show(server, page)
    expect(page.get_by_text("<svg onload=")).to_be_visible()
    expect(page).to_have_title("Extensions")


def make_scoped() -> socketify_ext.App:
    app = socketify_ext.App()
    app.get("/hello", lambda res, req: res.end("hello"))
    app.scope("/admin/:tenant").register(socketify_ext.load("inspector", path="/deep/inspector"))
    return app


def test_in_a_scope_it_is_live(windows: Windows):
    with serve(make_scoped) as server:
        page = windows.open()
        page.goto(f"http://localhost:{server.port}/admin/acme/deep/inspector")
        expect(page.get_by_text("Requests a second")).to_be_visible()
        page.request.get(f"{server.url}/hello")
        expect(page.locator("#by-route")).to_contain_text("GET /hello")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(server: Serving, windows: Windows, scheme: str):
    page = windows.open(color_scheme=scheme)
    show(server, page)
    assert windows.violations(page) == []


def test_without_javascript_it_shows_all_but_the_live_figures(server: Serving, windows: Windows):
    page = windows.open(java_script_enabled=False)
    page.goto(f"http://localhost:{server.port}/_extensions")
    expect(page.get_by_text("Live figures need JavaScript")).to_be_visible()
    expect(page.get_by_role("cell", name="request.get_user").first).to_be_visible()
    expect(page.get_by_role("img", name="hostile requires auth")).to_be_visible()
