"""The document and the page over HTTP."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import httpx2
import openapi_apps
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

import socketify_ext
from socketify_ext import testing
from socketify_ext.errors import MissingExtraError

HOSTILE = "</title></script><script>alert(1)</script><img src=x onerror=alert(1)>\u2028\"'&"


@pytest.fixture(scope="module")
def server():
    with testing.serve(openapi_apps.guarded) as serving:
        yield serving


def get(server, path, **headers):
    return httpx2.get(server.url + path, headers=headers, timeout=20)


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.inline, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append(tag)
        self.found += [values[name] for name in ("src", "href") if name in values]
        self.inline += [name for name in values if name.startswith("on") or name == "style"]
        if tag in ("script", "style") and "src" not in values:
            self.inline.append(tag)


def test_the_document_is_served(server):
    answer = get(server, "/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    OpenAPIV31SpecValidator(answer.json()).validate()
    assert "/openapi.json" not in answer.json()["paths"]
    assert "/docs" not in answer.json()["paths"]


def test_the_page_loads_its_own_files_and_nothing_else(server):
    page = get(server, "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = Links(page.text)
    assert links.inline == []
    loaded = {link: get(server, f"/{link}") for link in links.found}
    assert {link: answer.status_code for link, answer in loaded.items()} == dict.fromkeys(loaded, 200)
    assert all("//" not in link for link in loaded)
    assert {answer.headers["content-type"].partition(";")[0] for answer in loaded.values()} == {
        "image/png",
        "text/css",
        "text/javascript",
        "application/json",
    }
    assert {link for link, answer in loaded.items() if answer.headers.get("x-content-type-options") != "nosniff"} == {
        "openapi.json"
    }
    assert '"openapi.json"' in get(server, "/docs/start.js").text


def test_the_page_has_a_strict_policy(server):
    policy = get(server, "/docs").headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_files_are_not_sent_again(server):
    first = get(server, "/docs/swagger-ui.css")
    again = get(server, "/docs/swagger-ui.css", **{"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def hostile():
    app = socketify_ext.App()
    app.register(socketify_ext.load("openapi", title=HOSTILE, description=HOSTILE, tags=[{"name": HOSTILE}]))
    app.get("/x", lambda res, req: res.end("x"), summary=HOSTILE, description=HOSTILE, tags=[HOSTILE])
    return app


def test_nothing_in_the_page_comes_from_what_is_described():
    with testing.serve(hostile) as server:
        page, script = get(server, "/docs").text, get(server, "/docs/start.js").text
        document = get(server, "/openapi.json")
    links = Links(page)
    assert links.inline == []
    assert links.tags == [
        "html",
        "head",
        "meta",
        "meta",
        "title",
        "link",
        "link",
        "body",
        "div",
        "noscript",
        "a",
        "script",
        "script",
    ]
    assert "alert" not in script
    assert document.json()["info"]["title"] == HOSTILE
    assert document.headers["content-type"] == "application/json"


def elsewhere():
    app = socketify_ext.App()
    servers = ["https://api.example:8443/v1", "/v2"]
    app.register(socketify_ext.load("openapi", path="/api/v1/schema.json", docs="/help/api", servers=servers))
    return app


def test_paths_of_ones_own():
    with testing.serve(elsewhere) as server:
        page = get(server, "/help/api")
        assert "connect-src 'self' https://api.example:8443;" in page.headers["content-security-policy"]
        assert {link for link in Links(page.text).found if "." in link} == {
            "api/favicon-32x32.png",
            "api/swagger-ui.css",
            "api/swagger-ui-bundle.js",
            "api/start.js",
            "../api/v1/schema.json",
        }
        assert get(server, "/help/api/start.js").status_code == 200
        assert '"../api/v1/schema.json"' in get(server, "/help/api/start.js").text
        assert get(server, "/api/v1/schema.json").status_code == 200
        assert get(server, "/openapi.json").status_code == 404


def late():
    app = socketify_ext.App()
    app.register(socketify_ext.load("openapi", docs=None))

    @app.post("/add")
    def add(res, req):
        app.get("/added", lambda res, req: res.end("added"), summary="Added")
        res.end("done")

    return app


def test_routes_that_are_added_later_are_described():
    with testing.serve(late) as server:
        assert list(get(server, "/openapi.json").json()["paths"]) == ["/add"]
        httpx2.post(f"{server.url}/add")
        assert list(get(server, "/openapi.json").json()["paths"]) == ["/add", "/added"]
        assert get(server, "/docs").status_code == 404


def closed():
    return openapi_apps.shop(route_options={"auth": ["orders"]})


def test_both_can_be_for_users_alone():
    with testing.serve(closed) as server:
        for path in ("/openapi.json", "/docs", "/docs/start.js", "/docs/swagger-ui.css"):
            assert get(server, path).status_code == 401
            assert get(server, path, authorization=f"Bearer {openapi_apps.TOKEN}").status_code == 200


def test_without_the_files_of_swagger_ui_the_error_says_what_to_install(monkeypatch):
    import socketify_ext_openapi.page as module

    monkeypatch.setattr(module, "find_spec", lambda name: None)
    app = socketify_ext.App()
    with pytest.raises(
        MissingExtraError, match=re.escape('pip install "socketify-ext-openapi[docs]", or load it with docs=None')
    ):
        app.register(socketify_ext.load("openapi"))
    app.register(socketify_ext.load("openapi", docs=None))


def test_flask_is_not_imported():
    import subprocess
    import sys

    code = (
        "import json, sys, socketify_ext\n"
        "app = socketify_ext.App()\n"
        "app.register(socketify_ext.load('openapi'))\n"
        "print(json.dumps('flask' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) is False
