"""`socketify-ext check` finds nothing, and gives the highest grade."""

import subprocess
import sys


def test_it_is_platinum(tmp_path):
    command = [sys.executable, "-m", "socketify_ext", "check", "metrics", "--grade", "platinum"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "grade: platinum" in done.stdout
