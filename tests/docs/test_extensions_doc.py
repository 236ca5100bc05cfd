"""docs/extensions.md: its code is one module, whose apps answer and whose own test passes."""

import subprocess
import sys

import httpx2
from doc_pages import python, written

from socketify_ext.testing import serve

*CODE, TEST = (block.text for block in python("docs/extensions.md"))


def test_the_apps_of_the_page_answer():
    with serve(written, sources=CODE) as server:
        assert httpx2.get(f"{server.url}/hello").text == "Hello, Ann!"
        assert httpx2.get(f"{server.url}/greet").text == "Good day, Ann!"
        profile = httpx2.get(f"{server.url}/profile", headers={"X-Visitor": "Ann"})
        assert profile.json() == {"visitor": "Ann", "account": {"name": "Ann"}, "same": True}
        assert httpx2.get(f"{server.url}/profile").status_code == 401
        curt = httpx2.get(f"{server.url}/curt")
        assert (curt.text, curt.headers["connection"]) == ("Ann", "close")


def test_the_test_of_the_page_passes(tmp_path):
    (tmp_path / "test_greet.py").write_text("\n".join([*CODE, TEST]))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in run.stdout, run.stdout + run.stderr
