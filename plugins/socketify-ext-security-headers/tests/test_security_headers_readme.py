from __future__ import annotations

import ast
import re

import httpx2
import security_headers_apps
from socketify_ext_security_headers import Options, Policy

from socketify_ext import testing

README = security_headers_apps.README.read_text()


def table(heading):
    text = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w-]+)` \| *(?:`(.*?)`)?(.*?)\|", text, re.MULTILINE)


def test_the_example_does_what_it_says():
    with testing.serve(security_headers_apps.readme) as server, httpx2.Client(base_url=server.url) as http:
        page = http.get("/")
        nonce = re.search(r'nonce="([^"]+)"', page.text)[1]
        assert f"script-src 'self' 'nonce-{nonce}'" in page.headers["content-security-policy"]
        assert "img-src 'self' https://images.example" in page.headers["content-security-policy"]
        embedded = http.get("/embed").headers
        assert "frame-ancestors https://partner.example" in embedded["content-security-policy"]
        assert embedded["cross-origin-resource-policy"] == "cross-origin"
        assert "content-security-policy" not in http.get("/legacy").headers


def test_the_headers_are_those_of_the_default():
    sent = dict(Policy(Options()).fixed)
    shown = {name: value for name, value, _ in table("The headers") if value}
    assert shown == sent
    assert Policy(Options()).csp(None) in README.splitlines()


def test_the_table_names_every_option_with_its_default():
    rows = table("Options")
    assert [name for name, *_ in rows] == list(Options.model_fields)
    for name, shown, _ in rows:
        default = Options.model_fields[name].default
        if isinstance(default, dict):
            default = {key: list(value) for key, value in default.items()}
        assert (ast.literal_eval(shown) if shown else None) == default
