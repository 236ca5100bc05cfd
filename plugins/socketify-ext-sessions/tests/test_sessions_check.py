"""`socketify-ext check` finds nothing, and gives the highest grade."""

import subprocess
import sys

import pytest

SECRET = "secret=at least 16 characters"  # noqa: S105 - of a test


@pytest.mark.parametrize("options", [[SECRET], [SECRET, "store=sqlite:///{folder}/sessions.db"]])
def test_it_is_platinum(options, tmp_path):
    given = [argument for option in options for argument in ("--option", option.format(folder=tmp_path))]
    command = [sys.executable, "-m", "socketify_ext", "check", "sessions", *given, "--grade", "platinum"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "grade: platinum" in done.stdout
