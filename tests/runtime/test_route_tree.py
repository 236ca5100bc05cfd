"""The tree of routes finds what the core's router finds, in its order."""

import asyncio
from types import SimpleNamespace

import injected_apps
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import wire

import socketify_ext
import socketify_ext.testing
from socketify_ext.runtime.route_tree import RouteTree
from socketify_ext.testing import inject

PATTERNS = [
    "/",
    "//",
    "/a",
    "/a/",
    "/a/b",
    "/a/:x",
    "/:x",
    "/:x/b",
    "/:x/:y",
    "/a/*",
    "/:x/*",
    "/*",
    "/a/:x/c",
    "/b/:x/:y",
]


FOUND = socketify_ext.App()
injected_apps.add_routes(FOUND)


def found(path):
    tree = RouteTree(SimpleNamespace(pattern=pattern) for pattern in PATTERNS)
    return [route.pattern for routes in tree.matches(path) for route in routes]


@pytest.mark.parametrize(
    ("path", "patterns"),
    [
        ("/", ["/", "/*"]),
        ("//", ["//", "/*"]),
        ("/a", ["/a", "/:x", "/*"]),
        ("/a/", ["/a/", "/a/*", "/:x/*", "/*"]),
        ("/a/b", ["/a/b", "/a/:x", "/a/*", "/:x/b", "/:x/:y", "/:x/*", "/*"]),
        ("/b/1/2", ["/b/:x/:y", "/:x/*", "/*"]),
        ("/%61", ["/:x", "/*"]),
    ],
)
def test_the_most_specific_pattern_comes_first(path, patterns):
    assert found(path) == patterns


def test_patterns_that_differ_in_the_names_of_parameters_alone_come_together():
    tree = RouteTree([SimpleNamespace(pattern="/:a/x"), SimpleNamespace(pattern="/:b/x")])
    assert [len(routes) for routes in tree.matches("/1/x")] == [2]


@given(st.lists(st.sampled_from(["a", "b", "c", ":x", ""]), min_size=1, max_size=12), st.booleans())
def test_a_pattern_matches_the_path_that_it_is_written_as(segments, is_open):
    pattern = "/" + "/".join([*segments, "*"] if is_open else segments)
    path = "/" + "/".join([part.lstrip(":") for part in segments] + ["z"] * is_open)
    tree = RouteTree([SimpleNamespace(pattern=pattern)])
    assert len(list(tree.matches(path))) == 1


def make_app():
    app = socketify_ext.App()

    def handler(pattern):
        def note(res, req):
            req.set_yield(True)
            app.seen.append(pattern)

        return note

    app.seen = []
    for pattern in PATTERNS:
        app.get(pattern, handler(pattern))

    @app.not_found
    def tell(res, req):
        seen, app.seen = app.seen, []
        return {
            "core": seen,
            "tree": [each.pattern for routes in app._server.matches(req.get_url()) for each in routes],
        }

    return app


@pytest.mark.parametrize(
    "path", ["/", "//", "///", "/a", "/a/", "/a/b", "/a/c/c", "/b/1/2", "/b//2", "/x/b", "/a/b/c/d", "/é"]
)
def test_the_order_is_that_of_the_core(server, path):
    with wire(server.port) as connection:
        seen = connection.ask("GET", path).json()
    assert seen["core"] == seen["tree"] != []


@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]),
    path=st.sampled_from(injected_apps.PATHS),
)
def test_find_route_returns_the_route_that_a_request_comes_to_first(method, path):
    answer = asyncio.run(inject(FOUND, method, path))
    tried = answer.headers.get("x-tried")
    found = FOUND.find_route(method, path)
    if tried is None:
        assert found is None
    elif method == "HEAD" and tried.startswith("get"):
        assert (found.method, found.pattern) == ("GET", tried.partition(" ")[2])
    else:
        assert (found.method.lower(), found.pattern) == tuple(tried.split(" "))


def test_find_route_knows_routes_before_the_app_listens_and_no_websockets():
    app = socketify_ext.App()
    assert app.find_route("GET", "/") is None
    app.ws("/a", {})
    app.get("/:x", lambda res, req: "x")
    scope = app.scope("/scope")
    scope.get("/here", lambda res, req: "here")
    assert app.find_route("GET", "/a").pattern == "/:x"
    assert scope.find_route("GET", "/scope/here").pattern == "/scope/here"
    assert app.find_route("POST", "/a") is None
