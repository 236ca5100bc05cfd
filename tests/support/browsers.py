"""A headless Chromium, through Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

SECONDS = 30.0
expect.set_options(timeout=SECONDS * 1000)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Windows:
    """Windows of a browser, each a user of its own.

    Attributes:
        problems: what the pages have logged as errors.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.problems: list[str] = []
        self._contexts: list[Any] = []

    def open(self, **options: Any) -> Page:
        """Open a window with its own cookies."""
        context = self._browser.new_context(**options)
        context.set_default_timeout(SECONDS * 1000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        return page

    def violations(self, page: Page) -> list[str]:
        """Return what axe finds against the accessibility of a page."""
        found = Axe().run(page).response["violations"]
        return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]

    def close(self) -> None:
        """Close all windows."""
        for context in self._contexts:
            context.close()


# Playwright runs an event loop in the test's thread, where nothing else can run one: it ends with its file, and a file of
# tests in the browser has no others.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    assert program, "no Chromium: make chromium installs it, or CHROMIUM names it"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    made = Windows(browser)
    yield made
    made.close()
    assert made.problems == []
