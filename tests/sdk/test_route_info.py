"""Routes as data: what they tell, and that they don't change."""

from dataclasses import FrozenInstanceError

import pytest

import socketify_ext
from socketify_ext import RouteInfo


def handler(res, req):
    res.end("x")


def test_a_route_is_frozen_and_its_options_too():
    info = RouteInfo("GET", "/a", options={"auth": 1})
    with pytest.raises(FrozenInstanceError):
        info.pattern = "/b"
    more = info.with_options({"cache": 2})
    assert (dict(info.options), dict(more.options)) == ({"auth": 1}, {"auth": 1, "cache": 2})
    with pytest.raises(TypeError):
        more.options["auth"] = 2


def test_a_route_can_be_a_key_whatever_its_handler_and_options():
    app = socketify_ext.App()
    app.get("/a", handler, auth=[])
    app.ws("/a", {"message": print})
    assert len(set(app.routes)) == 2


def test_an_app_lists_its_routes_in_order():
    app = socketify_ext.App()
    app.post("/b", handler, auth=["read"], max_body=5)
    app.get("/a", handler)
    app.ws("/chat", {"message": print})
    app.static("/files", "/")
    routes = app.routes
    assert [(each.method, each.pattern, each.is_websocket) for each in routes] == [
        ("POST", "/b", False),
        ("GET", "/a", False),
        ("WS", "/chat", True),
        ("GET", "/files/*", False),
        ("HEAD", "/files/*", False),
    ]
    assert dict(routes[0].options) == {"auth": ["read"], "max_body": 5}
    assert (dict(routes[1].options), routes[1].handler, routes[1].scope, routes[1].extension) == ({}, handler, "", None)
    assert dict(routes[2].handler) == {"message": print}
    assert isinstance(routes, tuple)


def test_a_route_tells_the_line_of_the_call_that_has_added_it():
    app = socketify_ext.App()
    app.get("/a", handler)

    @app.get("/b")
    @app.post("/b")
    def both(res, req): ...

    router = app.router("/api")
    router.get("/c")(handler)

    @app.register
    @socketify_ext.extension("shop")
    def shop(request, response, ws, *, app):
        app.get("/d", handler)

    lines = {str(each).split(" (")[0]: each.location for each in app.routes}
    first = int(lines["GET /a"].partition(":")[2])
    assert {name: place.replace("test_route_info.py:", "") for name, place in lines.items()} == {
        "GET /a": str(first),
        "POST /b": str(first + 3),
        "GET /b": str(first + 2),
        "GET /api/c": str(first + 7),
        "GET /d": str(first + 12),
    }
    assert str(app.routes[0]) == f"GET /a (test_route_info.py:{first})"
    assert [each.extension for each in app.routes] == [None, None, None, None, "shop"]


def test_a_route_that_an_extension_adds_late_is_its_own():
    app, kept = socketify_ext.App(), []

    @app.register
    @socketify_ext.extension("shop")
    def shop(request, response, ws, *, app):
        kept.append(app)
        app.get("/early", handler)

    kept[0].get("/late", handler)
    assert [(each.pattern, each.extension) for each in app.routes] == [("/early", "shop"), ("/late", "shop")]
    assert kept[0].routes == app.routes
