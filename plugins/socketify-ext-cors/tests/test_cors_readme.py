from __future__ import annotations

import ast
import re
from pathlib import Path

import cors_apps
import httpx2
from socketify_ext_cors import Options

from socketify_ext import testing

README = Path(__file__).parent.parent / "README.md"
APP = "https://app.example"


def test_the_example_does_what_it_says():
    with testing.serve(cors_apps.readme) as server:
        url = f"{server.url}/items"
        assert httpx2.get(url, headers={"Origin": APP}).headers["access-control-allow-origin"] == APP
        made = httpx2.put(url, headers={"Origin": APP})
        assert (made.status_code, made.headers["access-control-allow-origin"]) == (201, APP)
        asked = {"Origin": APP, "Access-Control-Request-Method": "PUT"}
        assert httpx2.options(url, headers=asked).headers["access-control-allow-methods"] == "GET, PUT"


def test_the_table_names_every_option_with_its_default():
    table = README.read_text().partition("## Options")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? *\|", table, re.MULTILINE)
    assert [name for name, _ in rows] == list(Options.model_fields)
    for name, shown in rows:
        default = Options.model_fields[name].default
        assert (ast.literal_eval(shown) if shown else None) == (list(default) if type(default) is tuple else default)
