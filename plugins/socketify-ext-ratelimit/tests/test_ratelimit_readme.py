from __future__ import annotations

import re
from pathlib import Path

import httpx2
import ratelimit_apps
from socketify_ext_ratelimit import Options

from socketify_ext import testing

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_example_does_what_it_says():
    with httpx2.Client(verify=False) as http, testing.serve(ratelimit_apps.readme) as server:
        answer = http.get(f"{server.url}/items")
        assert answer.json() == ["tea", "milk"]
        written = dict(re.findall(r"^(RateLimit[-\w]*): (.*)$", README, re.MULTILINE))
        assert len(written) == 2
        for name, value in written.items():
            assert re.sub(r"t=\d+", "t=60", answer.headers[name]) == value
        logins = [http.post(f"{server.url}/login").status_code for _ in range(6)]
    assert logins.count(200) == 5
    assert logins.count(429) == 1


def test_the_table_names_every_option():
    table = README.partition("## Options")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Options.model_fields)
