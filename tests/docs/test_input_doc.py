"""docs/input.md: its examples do what it says."""

import asyncio
import json

import httpx2
import pytest
from doc_pages import blocks, exchanges, python, written

from socketify_ext.testing import serve


def example():
    return written(block.text for block in python("docs/input.md"))


@pytest.fixture(scope="module")
def server():
    with serve(example) as server:
        yield server


def test_the_commands_get_the_answers_that_the_page_shows(server):
    shown = [each for block in blocks("docs/input.md") if block.language == "console" for each in exchanges(block)]
    assert len(shown) == 2
    for each in shown:
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            **{k.lower(): v for k, v in each.headers.items()},
        }
        answer = httpx2.post(server.url + each.path, content=each.content, headers=headers)
        assert answer.json() == json.loads(each.answer)


def test_the_handlers_get_what_clients_send(server):
    assert httpx2.post(f"{server.url}/orders", json={"sku": "tea"}).json() == {"sku": "tea", "quantity": 1}
    found = httpx2.get(f"{server.url}/search?q=tea&tag=green&tag=new").json()
    assert found == {"text": "tea", "page": 1, "tags": ["green", "new"]}
    assert httpx2.get(f"{server.url}/users/7/book").json() == {"user": 7, "kind": "book"}
    assert httpx2.get(f"{server.url}/users/7/song").status_code == 422
    data = {"name": "Ann", "languages": ["en", "fr"]}
    assert httpx2.post(f"{server.url}/profile", data=data).json() == {**data, "saved": 0}
    two = [("photo", ("a", b"x")), ("photo", ("b", b"x"))]
    assert httpx2.post(f"{server.url}/profile", data=data, files=two).status_code == 413
    found = httpx2.post(f"{server.url}/inspect", data=data, files=two).json()
    assert found == {"fields": {"name": ["Ann"], "languages": ["en", "fr"]}, "files": {"photo": ["a", "b"]}}


def test_the_photo_is_saved_under_a_name_of_the_app(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    with serve(example) as server:
        answer = httpx2.post(
            f"{server.url}/profile", data={"name": "Ann"}, files={"photo": ("../ann.png", b"x" * 700_000)}
        )
    assert answer.json()["saved"] == 700_000
    (saved,) = (tmp_path / "photos").iterdir()
    assert saved.stat().st_size == 700_000
    assert "ann" not in saved.name


def test_the_test_of_the_page_passes():
    names = {}
    for block in python("docs/input.md"):
        exec(block.text, names)  # noqa: S102 - it is ours
    asyncio.run(names["test_profile"]())
