"""Take docs/img/: the shop and its inspector in light and dark, by `make screenshots`."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "docs" / "img"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")


def main() -> None:
    """Photograph a new shop in each scheme."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            with _shop() as url:
                _take_shop(browser, url, scheme)
                _take_inspector(browser, url, scheme)
        browser.close()


@contextlib.contextmanager
def _shop() -> Iterator[str]:
    """Serve the demo on two workers, and yield its URL."""
    command = [sys.executable, "-m", "shop", "--port", "0"]
    environment = {**os.environ, "PLUGINS": "0", "PYTHONUNBUFFERED": "1"}  # plugins are in another environment
    with subprocess.Popen(command, cwd=ROOT / "examples", env=environment, stderr=subprocess.PIPE, text=True) as shop:  # noqa: S603 - our own module
        try:
            yield next(found[1] for found in (re.search(r" at (http\S+)", line) for line in shop.stderr or ()) if found)
        finally:
            shop.terminate()


def _take_shop(browser: Browser, url: str, scheme: str) -> None:
    """Let two people talk, one of them with a cart."""
    ann, ben = (_open(browser, scheme, 1100, 760) for _ in range(2))
    for page, name in ((ann, "Ann"), (ben, "Ben")):
        page.goto(url)
        page.get_by_label("Name").first.fill(name)
        page.get_by_role("button", name="Log in").click()
    for number in (1, 2):
        ann.get_by_role("button", name="Add A book to the cart").click()
        ann.get_by_text(f"{number} \N{MULTIPLICATION SIGN} book").wait_for()
    ann.get_by_role("button", name="Ben", exact=True).click()
    ben.get_by_role("button", name="Ann", exact=True).click()
    for page, other, text in ((ann, "Ben", "Do you have the blue one?"), (ben, "Ann", "Yes, two of them.")):
        page.get_by_label(f"Message to {other}").fill(text)
        page.get_by_role("button", name="Send").click()
        page.get_by_text("stored").wait_for()
    ann.get_by_text("Ben: Yes").wait_for()
    _save(ann, f"shop-{scheme}")
    ben.context.close()
    ann.context.close()


def _take_inspector(browser: Browser, url: str, scheme: str) -> None:
    """Look at the inspector while somebody reads the list of articles."""
    page = _open(browser, scheme, 1200, 900)
    page.goto(f"{url}/_extensions")
    page.evaluate("setInterval(() => fetch('/articles'), 90)")
    page.locator("#by-route").get_by_text("GET /articles").wait_for()
    page.locator("#totals dd", has_text=re.compile(r"^\d+, \d+$")).wait_for()  # the figures of both workers
    page.locator("#by-function tr").first.wait_for()
    _save(page, f"inspector-{scheme}")
    page.context.close()


def _open(browser: Browser, scheme: str, width: int, height: int) -> Page:
    size = {"width": width, "height": height}
    return browser.new_context(viewport=size, color_scheme=scheme).new_page()  # type: ignore[arg-type]


def _save(page: Page, name: str) -> None:
    page.screenshot(path=FOLDER / f"{name}.png")
    print(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main()
