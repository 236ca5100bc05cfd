"""schemathesis makes requests from the document, and checks the answers against it.

The short form; `make schemathesis` makes 10,000 cases.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import openapi_apps

from socketify_ext import testing

SETTINGS = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "20"))  # for each operation


def test_an_app_does_what_its_document_says(tmp_path):
    report = tmp_path / "report.json"
    with testing.serve(openapi_apps.guarded) as server:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS)),
                *("run", f"{server.url}/openapi.json"),
                *("--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure"),
                *("--header", f"Authorization: Bearer {openapi_apps.TOKEN}", "--generation-database", "none"),
                *("--report", "json", "--report-json-path", str(report), "--suppress-health-check", "all"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        log = server.log
    assert done.returncode == 0, done.stdout + done.stderr
    assert log == ""
    assert json.loads(report.read_text())
