from __future__ import annotations

import ast
import re

import csrf_apps
import httpx2
from socketify_ext_csrf import Options

from socketify_ext import testing

README = csrf_apps.README.read_text()
CROSS = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}


def test_the_first_example_does_what_it_says():
    with testing.serve(csrf_apps.readme_first) as server, httpx2.Client(base_url=server.url) as http:
        assert http.get("/", headers=CROSS).text == "anybody may look"
        assert http.post("/transfer").text == "done"
        assert http.post("/transfer", headers=CROSS).status_code == 403
        assert http.post("/transfer", headers=CROSS | {"Origin": "https://accounts.example"}).text == "done"
        assert http.post("/hook", headers=CROSS).text == "thanks"


def test_the_second_example_does_what_it_says():
    with testing.serve(csrf_apps.readme_second) as server, httpx2.Client(base_url=server.url) as http:
        token = re.search(r'value="([^"]+)"', http.get("/form").text)[1]
        assert http.post("/save", data={"csrf_token": token}).text == "saved"
        assert http.post("/save", data={"csrf_token": "x"}).status_code == 403


def test_the_table_names_every_option_with_its_default():
    table = README.partition("## Options")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? *\|", table, re.MULTILINE)
    assert [name for name, _ in rows] == list(Options.model_fields)
    for name, shown in rows:
        default = Options.model_fields[name].default
        assert (ast.literal_eval(shown) if shown else None) == (list(default) if type(default) is tuple else default)
