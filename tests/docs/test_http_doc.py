"""docs/http.md: each test that it names exists, and its example runs."""

import re
from pathlib import Path

import httpx2
from doc_pages import python, written

from socketify_ext.testing import serve

ROOT = Path(__file__).parents[2]


def example():
    return written(block.text for block in python("docs/http.md"))


def test_every_named_test_exists():
    defined = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "http.md").read_text())
    assert named
    assert [name for name in named if name not in defined] == []


def test_a_note_is_created_listed_and_sent_as_an_event():
    with serve(example) as server, httpx2.Client(base_url=server.url) as client:
        created = client.post("/notes", json={"text": "tea", "price": None})
        key = created.json()["id"]
        assert (created.status_code, created.headers["location"]) == (201, f"/notes/{key}")
        assert client.get("/notes").json() == {key: {"text": "tea", "price": None}}
        assert client.get("/notes/events").text == 'id: 0\ndata: {"text":"tea","price":null}\n\n'
        large = client.post("/notes", content=b"x" * 100_001, headers={"content-type": "application/json"})
        assert large.status_code == 413
