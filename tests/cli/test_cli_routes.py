"""`socketify-ext routes`, and routes and scopes in `tree`, `why`, `lock`, `stubs` and `show`."""

from __future__ import annotations

import json

import pytest
from cli_program import Program

MAIN = """
    import socketify_ext
    from pydantic import BaseModel

    class Model(BaseModel):
        x: int

    @socketify_ext.extension("rights")
    def rights(request, response, ws, *, app):
        request.property("user", type=str | None)
        app.route_option("rights", type=set[str], apply=lambda route, value: None)
        app.on_route(print)
        app.get("/login", login)

    @socketify_ext.extension("shop")
    def shop(request, response, ws):
        request.property("till", 0, type=int)
        request.method(lambda self, sum: None, name="pay")

    @socketify_ext.extension("other")
    def other(request, response, ws):
        request.method(lambda self, sum, tip: None, name="pay")

    def login(res, req): ...
    def message(ws, message, opcode): ...
    async def order(res, req): ...

    def make():
        app = socketify_ext.App()
        app.register(rights)
        app.get("/", lambda res, req: res.end("x"))
        app.post("/orders", order, rights=["write", "read"], max_body=5, body=Model, unknown=object(), more={"a": [1, None]})
        app.ws("/chat", {"open": None, "message": message})
        app.static("/files", ".")
        first, second = app.scope("/shop"), app.scope("/shop")
        for scope, extension in ((first, shop), (second, other)):
            scope.register(extension)
        first.scope("/deep").get("/:id", order)
        app.scope().get("/k", login)
        return app
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    program = Program(tmp_path_factory.mktemp("project"))
    program.write("main", MAIN)
    return program


def test_routes_are_listed_with_handlers_options_and_scopes(program):
    result = program("routes", "main:make")
    assert result.returncode == 0
    lines = [[part.strip() for part in line.split("  ") if part.strip()] for line in result.stdout.splitlines()]
    options = "rights={'read', 'write'}, body=Model, unknown=<object>, more={'a': [1, None]}, max_body=5"
    assert lines == [
        ["Method", "Pattern", "Scope", "Handler", "Options", "Extension"],
        ["GET", "/login", "login (main.py:24)", "rights"],
        ["GET", "/", "<lambda> (main.py:31)"],
        ["POST", "/orders", "order (main.py:26)", options],
        ["WS", "/chat", "message (main.py:25)"],
        ["GET", "/files/*", "files"],
        ["HEAD", "/files/*", "files"],
        ["GET", "/shop/deep/:id", "/shop/deep", "order (main.py:26)"],
        ["GET", "/k", "(no prefix)", "login (main.py:24)"],
    ]


def test_routes_as_json_have_files_and_lines(program):
    told = json.loads(program("routes", "main:make", "--json").stdout)
    assert told[2] == {
        "method": "POST",
        "pattern": "/orders",
        "scope": "",
        "handler": "order",
        "file": str(program.folder / "main.py"),
        "line": 26,
        "added": "main.py:32",
        "options": {
            "rights": "{'read', 'write'}",
            "max_body": "5",
            "body": "Model",
            "unknown": "<object>",
            "more": "{'a': [1, None]}",
        },
        "extension": None,
    }
    assert (told[4]["file"], told[4]["line"]) == ("", 0)


def test_an_app_without_routes_lists_none(program):
    program.write("bare", "import socketify\napp = socketify.App()\n")
    assert program("routes", "bare:app").stdout.split() == [
        *("Method", "Pattern", "Scope", "Handler", "Options", "Extension")
    ]
    assert json.loads(program("routes", "bare:app", "--json").stdout) == []


def test_the_tree_draws_routes_and_scopes(program):
    lines = program("tree", "main:make").stdout.splitlines()
    options = "rights={'read', 'write'}, body=Model, unknown=<object>, more={'a': [1, None]}, max_body=5"
    bare = [line.replace("│", "").replace("├──", "").replace("└──", "").strip() for line in lines]
    assert bare[1:] == [
        "rights (main.py:8)",
        "request.user: str | None = None",
        "GET /login  login (main.py:24)  [rights]",
        "GET /  <lambda> (main.py:31)",
        f"POST /orders  order (main.py:26)  {options}",
        "WS /chat  message (main.py:25)",
        "GET /files/*  files",
        "HEAD /files/*  files",
        "scope /shop",
        "shop (main.py:15)",
        "request.till: int = 0",
        "request.pay(sum)",
        "scope /shop/deep",
        "GET /shop/deep/:id  order (main.py:26)",
        "scope /shop~2",
        "other (main.py:20)",
        "request.pay(sum, tip)",
        "scope (no prefix)",
        "GET /k  login (main.py:24)",
    ]
    told = json.loads(program("tree", "main:make", "--json").stdout)
    assert [scope["prefix"] for scope in told["scopes"]] == ["/shop", "/shop", ""]
    assert [each["name"] for each in told["scopes"][0]["extensions"]] == ["shop"]
    assert [each["pattern"] for each in told["scopes"][0]["scopes"][0]["routes"]] == ["/shop/deep/:id"]


def test_why_tells_each_scope_that_has_a_member(program):
    text = program("why", "request.pay", "main:make").stdout
    assert "added by extension 'shop', declared by the program, in the scope /shop\n" in text
    assert "added by extension 'other', declared by the program, in the scope /shop~2\n" in text
    told = json.loads(program("why", "request.pay", "main:make", "--json").stdout)
    assert (told["extension"], told["scope"]) == ("shop", "/shop")
    assert [(each["extension"], each["signature"]) for each in told["elsewhere"]] == [("other", "(sum, tip)")]


def test_the_lock_pins_routes_and_scopes(program):
    assert program("lock", "main:make").returncode == 0
    pinned = json.loads((program.folder / "socketify-ext.lock").read_text())
    assert list(pinned["extensions"]) == ["rights", "shop in /shop", "other in /shop~2"]
    assert "request.pay in /shop~2" in pinned["members"]
    assert pinned["routes"]["GET /shop/deep/:id"] == {"extension": None, "scope": "/shop/deep", "options": {}}
    assert pinned["routes"]["POST /orders"]["options"]["rights"] == "{'read', 'write'}"
    assert program("lock", "--check").returncode == 0

    changed = MAIN.replace('rights=["write", "read"]', 'rights=["read"]').replace(
        'get("/k", login)', 'get("/q", login)'
    )
    program.write("main", changed.replace("self, sum, tip", "self, sum"))
    try:
        result = program("lock", "--check")
        assert result.returncode == 1
        more = "body=Model, unknown=<object>, more={'a': [1, None]}, max_body=5"
        assert result.stdout.splitlines() == [
            "- request.pay(sum, tip)  [other in /shop~2]",
            "+ request.pay(sum)  [other in /shop~2]",
            "- GET /k  [the app in (no prefix)]",
            f"- POST /orders  rights={{'read', 'write'}}, {more}  [the app]",
            f"+ POST /orders  rights={{'read'}}, {more}  [the app]",
            "+ GET /q  [the app in (no prefix)]",
        ]
    finally:
        program.write("main", MAIN)


def test_stubs_have_the_members_of_all_scopes(program):
    result = program("stubs", "main:make")
    assert "till: int" in result.stdout
    assert result.stdout.count("def pay(") == 1
    assert (
        "warning: request.pay has the type of extension 'shop'; in the scope /shop~2 it is that of 'other': (sum, tip)"
    ) in result.stderr


def test_show_tells_route_options(program):
    text = program("show", "main:rights").stdout
    assert "Route options" in text
    assert "rights: set[str]" in text
    assert "on_route /  print" in text
    told = json.loads(program("show", "main:rights", "--json").stdout)
    assert told["route_options"] == [{"name": "rights", "type": "set[str]"}]
