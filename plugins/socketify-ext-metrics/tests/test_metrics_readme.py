from __future__ import annotations

import re
from pathlib import Path

import httpx2
import metrics_apps
from socketify_ext_metrics import Metrics, Options

from socketify_ext import testing

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_examples_do_what_they_say():
    with httpx2.Client(verify=False) as http, testing.serve(metrics_apps.readme) as server:
        assert http.get(f"{server.url}/items/7").json() == {"id": "7"}
        assert http.get(f"{server.url}/metrics").status_code == 401
        shown = http.get(f"{server.url}/metrics", headers={"authorization": "Bearer secret"}).text
    assert 'http_request_duration_seconds_count{method="GET",route="/items/:id",status="200"} 1.0' in shown


def names(heading):
    table = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_the_table_names_every_option():
    assert names("Options") == list(Options.model_fields)


def test_the_table_names_every_metric():
    measured = Metrics(Options())
    own = (measured.durations, measured.in_flight, measured.sockets)
    assert names("Metrics") == [family.name for metric in own for family in metric.describe()]
