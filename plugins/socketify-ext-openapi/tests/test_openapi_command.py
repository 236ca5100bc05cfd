"""`socketify-ext openapi TARGET`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

HERE = Path(__file__).parent


@pytest.fixture
def run(tmp_path):
    def run(*arguments):
        path = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH", ""))))
        return subprocess.run(
            [sys.executable, "-m", "socketify_ext", "openapi", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
        )

    return run


def test_it_writes_the_document_of_the_app_with_its_options(run, tmp_path):
    done = run("openapi_apps:shop")
    assert (done.returncode, done.stderr) == (0, "")
    made = json.loads(done.stdout)
    OpenAPIV31SpecValidator(made).validate()
    assert made["info"] == {"title": "Shop", "version": "1.2"}
    assert run("openapi_apps:shop", "-o", "api.json").returncode == 0
    assert (tmp_path / "api.json").read_text() == done.stdout


def test_check_fails_where_the_app_has_changed(run, tmp_path):
    assert run("openapi_apps:shop", "-o", "api.json").returncode == 0
    assert run("openapi_apps:shop", "-o", "api.json", "--check").returncode == 0
    written = json.loads((tmp_path / "api.json").read_text())
    (tmp_path / "api.json").write_text(json.dumps(written))  # in another form
    assert run("openapi_apps:shop", "-o", "api.json", "--check").returncode == 0
    changed = run("openapi_apps:guarded", "-o", "api.json", "--check")
    assert changed.returncode == 1
    assert '+    "/me": {' in changed.stdout
    assert "is out of date: openapi_apps:guarded has changed" in changed.stderr
    assert json.loads((tmp_path / "api.json").read_text()) == written
    missing = run("openapi_apps:shop", "-o", "none.json", "--check")
    assert (missing.returncode, "can't be read" in missing.stderr) == (1, True)


def test_an_app_without_the_extension_is_described_with_its_defaults(run):
    done = run("openapi_apps:plain")
    made = json.loads(done.stdout)
    assert made["info"] == {"title": "API", "version": "0.1.0"}
    assert made["paths"]["/x"]["get"]["tags"] == ["a"]


def test_other_files_are_kept_and_wrong_use_is_told(run, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    refused = run("openapi_apps:shop", "-o", "notes.txt")
    assert (refused.returncode, "not a OpenAPI document" in refused.stderr or "OpenAPI document" in refused.stderr) == (
        1,
        True,
    )
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert run("openapi_apps:shop", "--check").returncode == 2
    assert run("openapi_apps:nothing").returncode == 1
