"""docs/tutorial.md, and other pages that show conversations: what they tell to do gives what they say."""

import subprocess
import sys

import httpx2
import pytest
from doc_pages import blocks, exchanges, python, written
from websockets.sync.client import connect

from socketify_ext.testing import serve

SECRET = {"SOCKETIFY_EXT_CART__SECRET": "only for this test"}
*SHOP, TEST = (block.text for block in python("docs/tutorial.md"))
PAGES = ("docs/index.md", "docs/json.md", "docs/requests.md", "docs/cookies.md")
PROGRAMS = {page: [block.text for block in python(page)] for page in PAGES}
PROGRAMS["docs/tutorial.md"] = SHOP


@pytest.mark.parametrize("page", PROGRAMS)
def test_every_request_of_the_page_gets_the_answer_that_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # its database goes there
    shown = [each for each in map(exchanges, blocks(page)) if each]
    assert shown
    with serve(written, sources=PROGRAMS[page], environment=SECRET) as server:
        for conversation in shown:
            with httpx2.Client(base_url=server.url) as client:
                for method, path, headers, content, answer in conversation:
                    assert client.request(method, path, headers=headers, content=content).text == answer


def test_the_socket_reads_what_the_tutorial_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serve(written, sources=SHOP, environment=SECRET) as server:
        with connect(f"{server.ws_url}/orders?token=secret", proxy=None) as socket:
            assert socket.recv(10) == "welcome, Ann"
            httpx2.post(f"{server.url}/order", headers={"authorization": "Bearer secret"})
            assert socket.recv(10) == "Ann has ordered"
        assert server.stop() == 0
        assert "response.receipt(cart)" in server.log
        assert "0 receipts" in server.log


def test_the_tutorials_test_passes(tmp_path):
    (tmp_path / "shop.py").write_text("\n".join(SHOP))
    (tmp_path / "test_shop.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in run.stdout, run.stdout + run.stderr
