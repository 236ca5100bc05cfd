"""`socketify-ext check` finds nothing, and gives the highest grade."""

import subprocess
import sys

import pytest

OPTIONS = ['allow_origins=["https://app.example"]', "allow_credentials=true"]


@pytest.mark.parametrize("options", [['allow_origins=["*"]'], OPTIONS])
def test_it_is_platinum(options, tmp_path):
    given = [argument for option in options for argument in ("--option", option.format(folder=tmp_path))]
    command = [sys.executable, "-m", "socketify_ext", "check", "cors", *given, "--grade", "platinum"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "grade: platinum" in done.stdout
