"""The methods that add routes: with a handler, and as decorators, of an app and of an app surface."""

import pytest
import socketify

import socketify_ext
from socketify_ext.errors import DuplicateRouteError, ExtensionError, RouteError
from socketify_ext.sdk.app_surface import AppSurface
from socketify_ext.sdk.provenance import Provenance

METHODS = ("get", "post", "put", "patch", "delete", "options", "head", "connect", "trace", "any")


def handler(res, req):
    res.end("x")


@pytest.fixture(params=["app", "install"])
def app(request):
    return socketify_ext.App() if request.param == "app" else socketify_ext.install(socketify.App())


def names(app):
    return [route.name for route in app._server.routes]


@pytest.mark.parametrize("method", METHODS)
def test_a_route_is_added_in_both_ways(app, method):
    add = getattr(app, method)
    assert add("/given", handler) is app
    assert add("/limited", handler, max_body=5) is app
    assert add("/decorated")(handler) is handler
    assert add("/decorated-limited", max_body=5)(handler) is handler
    kind = method.upper()
    assert names(app) == [f"{kind} /{name}" for name in ("given", "limited", "decorated", "decorated-limited")]
    assert [route.max_body for route in app._server.routes] == [None, 5, None, 5]


def test_decorators_can_be_stacked(app):
    @app.get("/a")
    @app.post("/a")
    async def both(res, req):
        res.end("x")

    assert names(app) == ["POST /a", "GET /a"]
    assert both.__name__ == "both"


@pytest.mark.parametrize("path", [handler, None, 7])
def test_a_decorator_without_its_path_is_refused_at_once(app, path):
    with pytest.raises(RouteError, match="is not a path"):
        app.get(path)
    assert names(app) == []


@pytest.mark.parametrize("refused", [None, "x", lambda: None, lambda res: None])
def test_what_is_decorated_is_checked(app, refused):
    with pytest.raises(RouteError, match=r"GET /a: .* can't be called"):
        app.get("/a")(refused)
    with pytest.raises(RouteError, match="Write :id"):
        app.get("/{id}")(handler)
    app.get("/b")(handler)
    with pytest.raises(DuplicateRouteError):
        app.get("/b")(handler)
    assert names(app) == ["GET /b"]


def test_a_surface_records_in_both_ways():
    surface = AppSurface(None, Provenance("shop", "shop.py", 1))
    assert surface.get("/given", handler) is surface
    assert surface.post("/decorated", max_body=5)(handler) is handler
    assert surface.not_found(handler) is handler
    assert [(each.method, each.path, each.target, dict(each.options)) for each in surface.declared_routes] == [
        ("get", "/given", handler, {}),
        ("post", "/decorated", handler, {"max_body": 5}),
        ("not_found", "/*", handler, {}),
    ]
    assert surface.needs_install
    with pytest.raises(ExtensionError, match=r"extension 'shop'.* is not a path"):
        surface.get(handler)


def test_an_extension_adds_routes_before_and_after_its_registration(app):
    kept = []

    @socketify_ext.extension("shop")
    def shop(request, response, ws, *, app):
        kept.append(app)

        @app.get("/early")
        def early(res, req):
            return "early"

    app.register(shop)
    (surface,) = kept
    assert surface.get("/late", max_body=7)(handler) is handler
    assert surface.not_found(handler) is handler
    assert names(app) == ["GET /early", "GET /late"]
    assert app._node.not_found is handler


def test_the_core_s_router_adds_routes(app):
    router = app.router("/api", lambda res, req, data=None: True)
    for method in METHODS:
        getattr(router, method)("/a")(lambda res, req, data: res.end("x"))
    assert names(app) == [f"{method.upper()} /api/a" for method in METHODS]
