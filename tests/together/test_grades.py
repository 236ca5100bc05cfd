"""`socketify-ext check` finds nothing in a plugin of this project, and gives its highest grade.

`make test-plugins` runs this, with all plugins installed.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from socketify_ext_csrf.tokens import Tokens, make_key

import socketify_ext

SECRET = "at least 16 characters, of a test"
KEY = make_key()
TOKEN = Tokens([SECRET], 3600).make(KEY, None)
CSRF = [
    *("--option", f"secret={SECRET}", "--header", f"Cookie=__Host-csrf={KEY}"),
    *("--with", f"request.check_csrf_token({TOKEN!r})", "--with", "request.get_csrf_token()"),
]
# What each is checked with: options, and examples of what can't be made up.
CASES = {
    "cache": [[], ["--option", "store=sqlite:///{folder}/cache.db"]],
    "compress": [[]],
    "cors": [
        ["--option", 'allow_origins=["*"]'],
        ["--option", 'allow_origins=["https://app.example"]', "--option", "allow_credentials=true"],
    ],
    "csrf": [CSRF],
    "health": [[], ["--option", "max_lag=0.5"]],
    "metrics": [[]],
    "openapi": [[]],
    "ratelimit": [["--option", 'limits={{"/": "1000/minute"}}']],
    "request-id": [[]],
    "security-headers": [[]],
    "sessions": [
        ["--option", f"secret={SECRET}"],
        ["--option", f"secret={SECRET}", "--option", "store=sqlite:///{folder}/sessions.db"],
    ],
}


def test_all_plugins_are_here():
    found = {each.name for each in socketify_ext.Registry(environment={}).list() if each.source == "plugin"}
    assert set(CASES) == found


@pytest.mark.parametrize(("name", "arguments"), [(name, each) for name, cases in CASES.items() for each in cases])
def test_a_plugin_is_platinum(name, arguments, tmp_path):
    given = [argument.format(folder=tmp_path) if "{" in argument else argument for argument in arguments]
    command = [sys.executable, "-m", "socketify_ext", "check", name, *given, "--grade", "platinum"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "grade: platinum" in done.stdout
