from __future__ import annotations

import json
import subprocess

import httpx2
import pytest

APP = "https://app.example"
EVIL = "https://evil.example"
VARY_PREFLIGHT = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

SERVER = f"""
import socketify_ext

app = socketify_ext.App()
app.register(
    socketify_ext.load(
        "cors", allow_origins=["{APP}"], allow_methods=["GET", "PUT"], allow_headers=["X-Token"], allow_credentials=True
    )
)
app.get("/items", lambda res, req: res.end(["tea"]))
app.listen({{"port": 0, "host": "127.0.0.1"}}, lambda config: print(config.port, flush=True))
app.run()
"""


@pytest.fixture(scope="module")
def client(plugin_environment):
    command = [plugin_environment.program("python"), "-c", SERVER]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=plugin_environment.folder, env=plugin_environment.variables
    ) as process:
        try:
            port = process.stdout.readline().strip()
            assert port, "the server did not listen; see its standard error above"
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
                yield client
        finally:
            process.terminate()


def allowed(response):
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


def preflight(client, *, origin=APP, method="PUT", headers="x-token"):
    return client.options(
        "/items",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )


def test_an_installed_plugin_is_listed_beside_the_built_ins(plugin_environment):
    listed = {each["name"]: each for each in json.loads(plugin_environment.run("socketify-ext", "list", "--json"))}
    assert sorted(listed) == ["auth", "backplane", "cart", "cors", "inspector", "json", "msgpack", "pm", "schema"]
    found = listed["cors"]
    assert (found["source"], found["status"], found["distribution"]) == ("plugin", "ok", "socketify-ext-cors")


def test_an_installed_plugin_is_shown_with_its_options_and_members(plugin_environment):
    shown = plugin_environment.run("socketify-ext", "show", "cors", "--json")
    assert "allow_credentials" in shown
    assert "response" in shown


def test_a_listed_origin_may_read_the_answer_with_credentials(client):
    response = client.get("/items", headers={"Origin": APP})
    assert response.json() == ["tea"]
    assert allowed(response) == {"access-control-allow-origin": APP, "access-control-allow-credentials": "true"}
    assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize("headers", [{}, {"Origin": EVIL}])
def test_others_get_vary_alone(client, headers):
    response = client.get("/items", headers=headers)
    assert response.status_code == 200
    assert allowed(response) == {}
    assert response.headers["vary"] == "Origin"


def test_an_allowed_preflight_is_answered(client):
    response = preflight(client)
    assert response.status_code == 204
    assert response.headers["vary"] == VARY_PREFLIGHT
    assert allowed(response) == {
        "access-control-allow-origin": APP,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "Accept, Accept-Language, Content-Language, Content-Type, X-Token",
        "access-control-max-age": "600",
    }


@pytest.mark.parametrize("asked", [{"origin": EVIL}, {"method": "DELETE"}, {"headers": "x-other"}])
def test_a_preflight_for_what_is_not_allowed_gets_vary_alone(client, asked):
    response = preflight(client, **asked)
    assert response.status_code == 204
    assert allowed(response) == {}
    assert response.headers["vary"] == VARY_PREFLIGHT


def test_options_without_a_preflight_tells_what_is_allowed(client):
    response = client.options("/items")
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
