"""The kit for authors: servers for tests, fakes for members, and the pytest plugin."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

import socketify_ext
from socketify_ext import testing
from socketify_ext.errors import MemberNameError, MissingRequirementError, ServeError
from socketify_ext.testing import extension_app, fake_request, fake_response, fake_websocket, isolated_registry, serve

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text()
PLUGIN = ("-p", "socketify_ext.testing.plugin", "-p", "no:cacheprovider")


@socketify_ext.extension("greet")
def greet(request, response, ws):
    request.property("seen", [])
    request.property("mood", "calm")

    @request.method
    async def whoever(self):
        await asyncio.sleep(0)
        return self.get_header("X-User") or "Nobody"

    @response.method
    def greet(self, name):
        return self.write_header("X-Greeted", name).end({"hello": name})

    @ws.method
    def shout(self, text):
        self.app.publish("everybody", text.upper(), 1)
        return self.send(text.upper(), 1)


def named():
    app = extension_app(greet)
    app.get("/", lambda res, req: res.greet("Ann"))
    return app


# -- serve


def test_a_function_with_a_name_is_served():
    with serve(named) as server:
        assert httpx2.get(server.url).json() == {"hello": "Ann"}
        assert server.alive
        assert server.stop() == 0


def test_a_closure_over_a_local_extension_is_served():
    name = "Bob"

    @socketify_ext.extension("local")
    def local(request, response, ws):
        response.method(lambda self: self.end(f"hi {name}"), name="hi")

    def make(path):
        app = extension_app(local, greet)
        app.get(path, lambda res, req: res.hi())
        return app

    with serve(make, path="/there") as server:
        assert httpx2.get(f"{server.url}/there").text == "hi Bob"


def test_a_lambda_is_served_with_variables_of_its_own():
    def environment(request, response, ws):
        response.method(lambda self: self.end(os.environ["COLOUR"]), name="colour")

    def make():
        app = extension_app(environment)
        app.get("/", lambda res, req: res.colour())
        return app

    with serve(lambda: make(), environment={"COLOUR": "teal"}) as server:
        assert httpx2.get(server.url).text == "teal"


def test_what_can_not_be_sent_is_named():
    lock = threading.Lock()
    with pytest.raises(ServeError, match=r"can't be sent.*lock.*inside the factory"), serve(lambda: lock):
        pass


def test_an_app_in_place_of_a_function_is_refused_with_the_form_to_use():
    with pytest.raises(ServeError, match=r"not a function.*serve\(make\)"), serve(object()):
        pass


def test_a_factory_that_raises_is_told_with_its_traceback():
    def broken():
        raise LookupError("no such shop")

    with pytest.raises(ServeError, match="ended with code 1") as caught, serve(broken):
        pass
    assert "LookupError: no such shop" in caught.value.log
    assert "broken did not start" in str(caught.value)


def test_a_server_that_never_listens_is_ended():
    def stuck():
        threading.Event().wait()

    with pytest.raises(ServeError, match=r"did not listen within 0\.5 s"), serve(stuck, timeout=0.5):
        pass


# -- putting together


def test_extensions_are_taken_by_name_too():
    app = extension_app("cart", greet)
    assert [spec.name for spec in socketify_ext.inspect(app).order] == ["cart", "greet"]


def test_a_member_is_overridden_for_one_test():
    async def somebody(self):
        return "Ann"

    overrides = {"request.whoever": somebody, "request.mood": "merry"}
    request = fake_request(greet, overrides=overrides)
    assert (asyncio.run(request.whoever()), request.mood) == ("Ann", "merry")
    members = socketify_ext.inspect(extension_app(greet, overrides=overrides)).members
    assert members["request.whoever"].provenance.extension == "overrides"
    assert members["response.greet"].provenance.extension == "greet"


def test_a_computed_property_is_overridden_by_a_function_or_a_value():
    def shop(request, response, ws):
        request.property(lambda self: self.get_header("user"), name="user")

        @request.property
        async def account(self):
            raise LookupError("no database in tests")

        @request.method
        async def both(self):
            return [self.user, await self.account, await self.account]

    async def rich(self):
        return f"{self.user}'s"

    for overrides, seen in (
        ({"request.user": "Bob", "request.account": "rich"}, ["Bob", "rich", "rich"]),
        ({"request.user": lambda self: self.get_header("who"), "request.account": rich}, ["Eve", "Eve's", "Eve's"]),
        ({"request.user": len.__call__, "request.account": lambda self: self.user}, None),
    ):
        request = fake_request(shop, headers={"user": "Ann", "who": "Eve"}, overrides=overrides)
        if seen is None:
            with pytest.raises(TypeError):
                asyncio.run(request.both())
        else:
            assert asyncio.run(request.both()) == seen


def test_an_override_of_nothing_is_refused_with_the_name_that_was_meant():
    for make in (extension_app, fake_request, fake_response, fake_websocket):
        with pytest.raises(MemberNameError, match=r"request\.whoevr.*request\.whoever"):
            make(greet, overrides={"request.whoevr": None})


def test_an_isolated_registry_finds_what_it_was_given_alone(socketify_registry):
    assert socketify_registry.names() == []
    assert testing.isolated_registry(greet).names() == ["greet"]


def test_requirements_come_from_the_registry_of_the_test():
    needy = socketify_ext.extension("needy", requires=["greet"])(lambda request, response, ws: None)
    assert fake_request(needy, registry=isolated_registry(greet)).mood == "calm"
    with pytest.raises(MissingRequirementError):
        fake_request(needy, registry=isolated_registry())


# -- fakes


def test_a_fake_request_gives_what_it_was_made_of():
    request = fake_request(
        greet,
        method="PUT",
        url="/items/7?a=1",
        query={"b": ["x y", "&"]},
        headers={"X-User": "Ann", "Cookie": "tea=green"},
        parameters=["7"],
        body="text",
    )
    assert (request.get_method(), request.get_url()) == ("PUT", "/items/7")
    assert request.get_full_url() == "/items/7?a=1&b=x+y&b=%26"
    assert (request.get_query("b"), request.get_queries()) == ("x y", {"a": ["1"], "b": ["x y", "&"]})
    assert (request.get_parameter(0), request.get_parameter(1), request.get_parameters()) == ("7", None, ["7"])
    assert (request.get_header("x-user"), request.get_cookie("tea")) == ("Ann", "green")
    assert request.get_headers() == {
        "host": "testserver",
        "content-length": "4",
        "x-user": "Ann",
        "cookie": "tea=green",
    }
    assert request.has_body
    assert asyncio.run(request.whoever()) == "Ann"
    assert isinstance(request, socketify_ext.Request)
    assert request.preserve() is request
    assert (request.get_yield(), request.set_yield(True), request.get_yield()) == (False, None, True)
    assert not request.is_ancient()


def test_fake_requests_share_nothing():
    first, second = fake_request(greet), fake_request(greet)
    first.seen.append("first")
    assert second.seen == []


def test_a_fake_response_records_the_answer():
    response = fake_response(greet)
    assert response.greet("Ann") is response
    recorded = response.recorded
    assert (recorded.status, recorded.json(), recorded.complete) == (200, {"hello": "Ann"}, True)
    assert recorded.header("x-greeted") == "Ann"
    assert recorded.header("content-type") == "application/json"
    assert response.has_responded()
    response.greet("Bob")
    assert recorded.json() == {"hello": "Ann"}


def test_a_fake_response_records_status_headers_and_cookies_in_any_order():
    response = fake_response()
    response.set_cookie("a", "1").write_status(404).write_header("X-A", 1).set_header("x-a", 2).send("gone")
    assert response.recorded.status == 404
    assert response.recorded.headers == [("x-a", "2"), ("Set-Cookie", "a=1; Path=/"), ("Content-Type", "text/plain")]
    assert response.recorded.text == "gone"


def test_a_fake_response_records_the_ways_to_answer():
    assert fake_response().redirect("/there").recorded.headers == [("Location", "/there")]
    assert fake_response().write("a").write(b"b").end("c").recorded.body == b"abc"
    response = fake_response()
    assert response.try_end("ab", 4) == (True, False)
    assert response.try_end("cd", 4) == (True, True)
    assert (response.recorded.body, response.recorded.complete) == (b"abcd", True)
    bodiless = fake_response().write_status(204).end_without_body().recorded
    assert (bodiless.status, bodiless.body, bodiless.complete) == (204, b"", True)
    assert fake_response().cork(lambda res: res.end("corked")).recorded.text == "corked"
    closed = fake_response().close().recorded
    assert (closed.closed, closed.complete) == (True, False)
    upgrading = fake_response()
    assert upgrading.upgrade("dGhlIHNhbXBsZSBub25jZQ==", "", "", None, {"username": "Ann"})
    assert (upgrading.recorded.status, upgrading.recorded.upgraded) == (101, [{"username": "Ann"}])
    assert fake_response().get_remote_address() == "127.0.0.1"


def test_a_fake_response_gives_the_body_of_its_request():
    async def read():
        response = fake_response(request=fake_request(body={"a": [1]}))
        parts = []
        response.on_data(lambda res, chunk, is_end: parts.append((chunk, is_end)))
        return await response.get_json(), await response.get_text(), parts

    assert asyncio.run(read()) == ({"a": [1]}, '{"a": [1]}', [(b'{"a": [1]}', True)])


def test_a_fake_response_runs_what_it_is_given_in_the_loop_of_the_test():
    async def answer():
        response = fake_response()
        done = asyncio.Event()

        async def late():
            await asyncio.sleep(0)
            response.end("late")
            done.set()

        response.run_async(late())
        await done.wait()
        return response.recorded.text

    assert asyncio.run(answer()) == "late"


def test_a_fake_response_serialises_as_the_extension_says():
    assert fake_response("json").end([{1}, 1e16]).recorded.body == b"[[1],1e16]"  # by msgspec
    assert fake_response().end([{1}, 1e16]).recorded.body == b"[[1],1e+16]"


def test_a_fake_websocket_records_what_goes_out():
    ws = fake_websocket(greet, user_data={"username": "Ann"}, topics=["room"])
    ws.shout("tea")
    assert ws.recorded.sent == [(b"TEA", 1)]
    (published,) = ws.app.published
    assert (published.topic, published.message, published.opcode) == ("everybody", "TEA", 1)
    assert ws.get_user_data() == {"username": "Ann"}
    assert (ws.subscribe("more"), ws.is_subscribed("more"), ws.get_topics()) == (True, True, ["room", "more"])
    assert (ws.unsubscribe("room"), ws.unsubscribe("room")) == (True, False)
    ws.send_first_fragment("a", 1)
    ws.send_last_fragment("b")
    assert ws.recorded.sent[-1] == (b"ab", 1)
    ws.end(1000, "bye")
    assert (ws.recorded.code, ws.recorded.reason, ws.closed) == (1000, b"bye", True)
    with pytest.raises(socketify_ext.ExtensionError, match="closed"):
        ws.shout("late")


def test_a_fake_websocket_knows_how_many_listen():
    ws = fake_websocket()
    ws.app.subscribers["room"] = 2
    assert (ws.app.num_subscribers("room"), ws.app.num_subscribers("other")) == (2, 0)


# -- the plugin


def run_pytest(folder, *arguments, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *PLUGIN, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": os.pathsep.join(("site", str(ROOT)))},
    )
    return done.returncode, done.stdout + done.stderr


def test_the_examples_of_the_page_pass(tmp_path):
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    files = {f"test_example_{number}": text for number, text in enumerate(examples)}
    code, output = run_pytest(tmp_path, **files)
    assert (code, f"{len(re.findall(r'^def test_', PAGE, re.MULTILINE))} passed" in output) == (0, True), output


def test_the_page_names_every_fixture_and_function():
    from socketify_ext.testing import plugin

    fixtures = [name for name, value in vars(plugin).items() if type(value).__name__ == "FixtureFunctionDefinition"]
    names = ["client", "make_app", "registry", "server", "ws"]
    assert sorted(fixtures) == [f"socketify_{name}" for name in names]
    for name in [*fixtures, *(set(testing.__all__) - {"Received", "Serving", "serve"})]:
        assert re.search(rf"^\| `{name}\b", PAGE, re.MULTILINE), name


SERVED = """
import socketify_ext
def make_app():
    app = socketify_ext.App()
    app.get("/", lambda res, req: res.end("hi"))
    app.ws("/", {"open": lambda ws: ws.send("hi", 1)})
    return app
"""
SHORT = ("-p", "socketify_ext.testing.short_names")


@pytest.mark.parametrize("other", ["aaa_plugin", "zzz_plugin"])
@pytest.mark.parametrize("arguments", [(), SHORT], ids=["plain", "short"])
def test_another_plugin_s_fixtures_keep_their_names(tmp_path, other, arguments):
    info = tmp_path / "site" / f"{other}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {other}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[pytest11]\n{other} = {other}\n")
    names = ("client", "isolated_registry", "make_app", "registry", "server", "ws")
    (tmp_path / "site" / f"{other}.py").write_text(
        "import pytest\n" + "".join(f"@pytest.fixture\ndef {name}(): return 'theirs'\n" for name in names)
    )
    code, output = run_pytest(
        tmp_path,
        *arguments,
        test_it=f"{SERVED}\ndef test_ours(socketify_client): assert socketify_client.get('/').text == 'hi'\n"
        f"def test_theirs({', '.join(names)}): assert {{{', '.join(names)}}} == {{'theirs'}}\n",
    )
    assert (code, "2 passed" in output) == (0, True), output


def test_short_names_are_there_for_who_asks_and_an_own_server_serves_them(tmp_path):
    code, output = run_pytest(
        tmp_path,
        *SHORT,
        test_served=f"""{SERVED}
def test_it(server, client, ws):
    assert client.get("/").text == ws("/").recv() == "hi"
    assert str(client.base_url).startswith(server.url)
""",
        test_own="""
import pytest, socketify_ext
from socketify_ext.testing import serve
def make():
    app = socketify_ext.App()
    app.get("/", lambda res, req: res.end("own"))
    return app
@pytest.fixture(scope="module")
def server():
    with serve(make) as serving:
        yield serving
def test_it(client):
    assert client.get("/").text == "own"
""",
    )
    assert (code, "2 passed" in output) == (0, True), output


def test_without_short_names_none_is_there(tmp_path):
    code, output = run_pytest(tmp_path, test_it=f"{SERVED}\ndef test_it(client): pass\n")
    assert (code, "fixture 'client' not found" in output) == (1, True), output


def test_what_goes_wrong_in_a_module_is_told(tmp_path):
    code, output = run_pytest(
        tmp_path,
        test_failing="""
import socketify_ext
def make_app():
    app = socketify_ext.App()
    app.get("/", lambda res, req: (print("someone came"), res.end("hi")))
    return app
def test_wrong(socketify_client):
    assert socketify_client.get("/").text == "ho"
""",
        test_ending="""
import os, pytest, httpx2, socketify_ext
def make_app():
    app = socketify_ext.App()
    app.get("/", lambda res, req: os._exit(7))
    return app
def test_ends(socketify_client, socketify_server):
    with pytest.raises(httpx2.HTTPError):
        socketify_client.get("/")
    socketify_server.process.wait()
""",
        test_bare="def test_it(socketify_client): pass",
    )
    assert (code, "1 failed, 1 passed, 2 errors" in output) == (1, True), output
    assert "server log" in output
    assert "someone came" in output
    assert "the server's process ended with code 7 during these tests" in output
    assert (
        "test_bare asks for a server and has no app for it: define a function make_app there that returns the app"
        in output
    )


def test_pytest_starts_without_the_core_the_models_and_the_clients(tmp_path):
    code, output = run_pytest(
        tmp_path,
        test_it="""
import sys
def test_imports():
    heavy = {"socketify", "pydantic", "httpx2", "websockets", "cloudpickle", "rich", "typer"}
    assert heavy.isdisjoint(sys.modules)
""",
    )
    assert code == 0, output
