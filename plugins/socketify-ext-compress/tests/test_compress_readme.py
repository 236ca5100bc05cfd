from __future__ import annotations

import ast
import re

import compress_apps
import httpx2
from socketify_ext_compress import Options

from socketify_ext import testing

README = compress_apps.README.read_text()
CROSS = {"Accept-Encoding": "zstd", "Cookie": "a=b", "Sec-Fetch-Site": "cross-site"}
OWN = CROSS | {"Sec-Fetch-Site": "same-origin"}


def test_the_example_does_what_it_says():
    with testing.serve(compress_apps.readme) as server, httpx2.Client(base_url=server.url) as http:

        def codings(path):
            return [http.get(path, headers=headers).headers.get("content-encoding") for headers in (OWN, CROSS)]

        assert codings("/items") == ["zstd", None]
        assert codings("/count") == ["zstd", None]
        assert codings("/catalogue") == ["zstd", "zstd"]
        assert codings("/token") == [None, None]
        assert http.get("/count", headers={"Accept-Encoding": "gzip"}).text.endswith("99999\n")


def test_the_table_names_every_option_with_its_default():
    table = README.partition("## Options")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? *\|", table, re.MULTILINE)
    assert [name for name, _ in rows] == list(Options.model_fields)
    for name, shown in rows:
        default = Options.model_fields[name].default
        assert ast.literal_eval(shown) == (list(default) if type(default) is tuple else default)
