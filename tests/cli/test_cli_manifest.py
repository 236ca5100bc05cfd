"""`socketify-ext manifest`: the grades in it, and what shows them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from fake_distributions import Site

import socketify_ext
from socketify_ext.builtin.inspector.description import describe
from socketify_ext.builtin.inspector.page import render

GREET = """
    import socketify_ext

    @socketify_ext.extension("greet")
    def greet(request, response, ws):
        "Greet who asks."

        @response.method
        def greet(self, name: str = "you") -> None:
            "Greet somebody."
            self.end(f"hello {name}")
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(site.folder))
    site.module("greet_package.__init__", GREET)
    (site.folder / "greet_package" / "py.typed").touch()
    site.distribution("dist-greet", extensions={"greet": "greet_package:greet"})
    yield site
    site.forget()


def manifest(site, *arguments):
    """Run the command, and return it with what is in the file then."""
    file = site.folder / "greet_package" / "socketify-ext.json"
    run = subprocess.run(
        [sys.executable, "-m", "socketify_ext", "manifest", "greet", "-o", str(file), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site.folder), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    return run, json.loads(file.read_text()) if file.exists() else None


def shown(site):
    app = socketify_ext.App()
    app.register(socketify_ext.Registry(environment={}).load("greet"))
    description = describe(app)
    return description["extensions"][0]["grade"], render("./_extensions", description)


def test_grades_are_written_where_they_are_asked_for_and_the_inspector_shows_them(site):
    run, written = manifest(site)
    assert (run.returncode, "grades" in written) == (0, False), run.stderr
    run, written = manifest(site, "--grade")
    assert run.returncode == 0, run.stderr
    assert written["grades"] == {"greet": "gold"}  # it states no versions that it was tested with
    assert "greet: gold" in run.stderr
    grade, page = shown(site)
    assert grade == "gold"
    assert "dist-greet 1.0, greet_package/__init__.py:4, grade gold" in page


def test_a_manifest_with_grades_is_up_to_date_and_written_anew_without(site):
    manifest(site, "--grade")
    assert manifest(site, "--check")[0].returncode == 0
    assert manifest(site, "--grade")[1]["grades"] == {"greet": "gold"}
    site.module("greet_package.__init__", GREET.replace("somebody", "anybody"))
    assert manifest(site, "--check")[0].returncode == 1
    assert "grades" not in manifest(site)[1]


def test_check_takes_no_grades(site):
    run, written = manifest(site, "--check", "--grade")
    assert (run.returncode, written) == (2, None)
    assert "it writes nothing" in run.stderr
