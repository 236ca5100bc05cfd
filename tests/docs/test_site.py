"""The site that `make docs` builds: every page in its navigation, no broken link, nothing loaded from elsewhere."""

import html.parser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / "zensical.toml").read_text())


class Page(html.parser.HTMLParser):
    """What a page links to and loads, and the places in it that can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loads, self.ids = set(), set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids.add(given.get("id"))
        if tag == "a" and "href" in given:
            self.links.add(given["href"])
        elif tag in ("script", "img", "iframe", "source") and "src" in given:
            self.loads.add(given["src"])
        elif tag == "link" and given.get("rel") != "canonical":
            self.loads.add(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site from a copy, strictly, and return its pages by name, and its folder."""
    pytest.importorskip("zensical", reason="it is in the dependency group docs")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    zensical = Path(sys.executable).parent / "zensical"
    run = subprocess.run([zensical, "build", "--strict"], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return {path.relative_to(folder / "site"): Page(path.read_text()) for path in (folder / "site").rglob("*.html")}, (
        folder / "site"
    )


def pages_in(entries):
    for entry in entries:
        for each in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(each, str):
                yield each
            else:
                yield from pages_in(each)


def test_the_navigation_has_every_page_once():
    assert sorted(pages_in(CONFIG["project"]["nav"])) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_every_page_is_built(site):
    pages, _ = site
    assert {Path(name).with_suffix(".html") for name in pages_in(CONFIG["project"]["nav"])} <= set(pages)


def test_every_link_leads_to_a_page_and_a_place_in_it(site):
    pages, folder = site
    local = 0
    for name, page in pages.items():
        if name.name == "404.html":  # it may be shown for any path, so its links begin at the root
            continue
        for link in page.links:
            if re.match(r"https?:", link):
                continue
            path, _, place = link.partition("#")
            target = (name.parent / path) if path and path != "." else name
            assert (folder / target).exists(), f"{name}: {link}"
            assert not place or place == "__tabbed" or place in pages[target].ids, f"{name}: {link}"
            local += 1
    assert local > len(pages)


def test_nothing_is_loaded_from_elsewhere(site):
    pages, folder = site
    for name, page in pages.items():
        assert page.loads
        assert not [each for each in page.loads if re.match(r"(https?:)?//", each)]
        if name.name != "404.html":
            assert not [each for each in page.loads if not (folder / name.parent / each.partition("#")[0]).exists()]


def test_generated_pages_say_what_the_code_says():
    pytest.importorskip("griffe", reason="it is in the dependency group docs")
    script = ROOT / "tools" / "reference.py"
    run = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
