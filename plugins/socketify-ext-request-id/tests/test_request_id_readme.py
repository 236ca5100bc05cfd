from __future__ import annotations

import ast
import re
import time

import httpx2
import request_id_apps
from socketify_ext_request_id import Options
from socketify_ext_request_id.options import FieldName

from socketify_ext import testing

README = request_id_apps.README.read_text()


def without_numbers(text, request_id):
    return re.sub(r"duration_ms=[\d.]+", "duration_ms=0", text.replace(request_id, "ID"))


def test_the_example_does_what_it_says():
    with testing.serve(request_id_apps.readme) as server:
        answer = httpx2.get(f"{server.url}/items/7")
        found = answer.headers["x-request-id"]
        assert answer.json() == {"id": "7", "request": found}
        deadline = time.monotonic() + 20
        while "duration_ms" not in server.log:
            assert time.monotonic() < deadline
        written = [line for line in server.log.splitlines() if found in line]
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)[1].splitlines()
    shown_id = re.search(r"X-Request-ID: (\w+)", README)[1]
    assert [without_numbers(line, found) for line in written] == [without_numbers(line, shown_id) for line in shown]


def test_the_page_names_every_field():
    fields = README.partition("| field |")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in fields.splitlines() if row.count("|") > 2))
    assert set(named) == set(FieldName.__args__)


def test_the_table_names_every_option_with_its_default():
    table = README.partition("## Options")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? *\|", table, re.MULTILINE)
    assert [name for name, _ in rows] == list(Options.model_fields)
    for name, shown in rows:
        default = Options.model_fields[name].default
        assert (ast.literal_eval(shown) if shown else None) == (list(default) if type(default) is tuple else default)
