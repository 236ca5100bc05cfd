"""What `inspect(app)` shows: extensions with members, hooks and routes, those of the program, and scopes."""

from __future__ import annotations

import re

import pytest

import socketify_ext


@socketify_ext.extension("shop")
def shop(request, response, ws, *, app):
    """Sell things."""
    request.property("till", 3, type=int)

    @request.method
    async def basket(self, of: str = "") -> list[str]: ...

    @request.property
    def total(self) -> int:
        return 1

    @app.before_request(prefix="/api")
    async def guard(res, req): ...

    @app.on_ws_open(where=lambda route: True)
    def opened(ws): ...

    @app.get("/shop")
    def show(res, req): ...


@socketify_ext.extension("log")
def log(request, response, ws, *, app):
    """Log."""
    app.after_response(lambda outcome: None)


class Handler:
    async def __call__(self, res, req): ...


@pytest.fixture
def app():
    app = socketify_ext.App()
    app.register(shop)

    @app.before_request
    def check(res, req): ...

    app.get("/", Handler())
    app.ws("/chat", {"open": print, "message": lambda ws, message, opcode: None, "idle_timeout": 60})
    admin = app.scope("/admin")
    admin.register(log)
    admin.on_ws_close(lambda ws, code, message: None)
    admin.post("/users", check)
    return app


def test_all_of_an_app_is_drawn_with_what_is_async(app):
    text = re.sub(r"\(test_inspection\.py:\d+(, in scope /admin)?\)", "(here)", str(socketify_ext.inspect(app)))
    assert text.splitlines() == [
        "'shop' (here)",
        "├── request.till: int = 3",
        "├── async request.basket(of: str = '') -> list[str]",
        "├── computed request.total: int",
        "├── before_request async guard (here) below /api",
        "├── on_ws_open opened (here), for chosen routes",
        "└── GET /shop show (here)",
        "the program's own",
        "├── before_request check (here)",
        "├── GET / async Handler (here)",
        "└── WS /chat open, message",
        "scope /admin",
        "    'log' (here)",
        "    └── after_response <lambda> (here)",
        "    the program's own",
        "    ├── on_ws_close <lambda> (here)",
        "    └── POST /admin/users check (here)",
    ]


def test_hooks_and_routes_are_there_as_data(app):
    inspection = socketify_ext.inspect(app)
    assert [hook.event for hook in inspection.hooks] == ["before_request", "on_ws_open", "before_request"]
    assert [(route.method, route.pattern, route.extension) for route in inspection.routes] == [
        ("GET", "/shop", "shop"),
        ("GET", "/", None),
        ("WS", "/chat", None),
    ]
    (admin,) = inspection.scopes
    assert (admin.prefix, admin.own) == ("/admin", ("log",))


def test_an_app_with_nothing_on_it_is_nothing():
    assert str(socketify_ext.inspect(socketify_ext.App())) == ""
