"""docs/schema.md: its examples do what it says."""

import json
import re

import httpx2
import pytest
from doc_pages import ROOT, blocks, exchanges, python, written
from pydantic import create_model

import socketify_ext
from socketify_ext.errors import RouteOptionError
from socketify_ext.testing import serve

PAGE = "docs/schema.md"


def example():
    return written(block.text for block in python(PAGE))


@pytest.fixture(scope="module")
def server():
    with serve(example) as server:
        yield server


def test_the_commands_get_the_answers_that_the_page_shows(server):
    shown = [each for block in blocks(PAGE) if block.language == "console" for each in exchanges(block)]
    assert len(shown) == 2
    for each in shown:
        method = "POST" if each.content else "GET"
        headers = {name.lower(): value for name, value in each.headers.items()}
        answer = httpx2.request(method, server.url + each.path, content=each.content, headers=headers)
        assert answer.json() == json.loads(each.answer)


def test_the_handlers_get_what_clients_send(server):
    made = httpx2.post(f"{server.url}/orders", json={"sku": "tea"})
    assert (made.status_code, made.json()) == (201, {"sku": "tea", "quantity": 1})
    assert httpx2.get(f"{server.url}/users/7/book?q=tea").json() == {"user": 7, "text": "tea"}
    missing = httpx2.get(f"{server.url}/users/bob")
    assert (missing.status_code, missing.json()) == (404, {"reason": "nobody has this name"})
    assert server.log == ""


def test_the_error_is_the_one_that_the_page_shows():
    (shown,) = [block.text for block in blocks(PAGE) if block.language == "text"]
    app = socketify_ext.App()
    app.register(socketify_ext.load("schema"))

    model = create_model("ItemPath", user=(int, ...))
    with pytest.raises(RouteOptionError) as caught:
        app.get("/users/:id", lambda res, req: None, params=model)
    told = re.sub(r"test_schema_doc\.py:\d+", "shop.py:12", str(caught.value))
    assert " ".join(shown.split()) == told


def test_the_table_names_each_option():
    text = (ROOT / PAGE).read_text()
    assert re.findall(r"^\| `(\w+)=", text, re.MULTILINE) == ["body", "query", "params", "returns", "returns"]
