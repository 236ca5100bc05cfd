from __future__ import annotations

import ast
import re

import health_apps
import httpx2
from socketify_ext_health import Options

from socketify_ext import testing

README = health_apps.README.read_text()


def test_the_examples_do_what_they_say():
    with testing.serve(health_apps.readme) as server:
        shown = re.findall(r"^\$ curl localhost:3000(/\w+)\n(.*)$", README, re.MULTILINE)
        assert len(shown) == 2
        for path, answer in shown:
            got = httpx2.get(server.url + path).text
            assert got.replace(',"queue":"ok"', "") == answer
        assert httpx2.get(f"{server.url}/readyz").json()["checks"] == {"database": "ok", "queue": "ok"}
        assert httpx2.get(server.url).text == "hello"


def test_the_table_names_every_option_with_its_default():
    table = README.partition("## Options")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? *\|", table, re.MULTILINE)
    assert [name for name, _ in rows] == list(Options.model_fields)
    for name, shown in rows:
        assert (ast.literal_eval(shown) if shown else None) == Options.model_fields[name].default
