"""The tree of routes finds what the core's router finds, in its order."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import wire

import socketify_ext
import socketify_ext.testing
from socketify_ext.runtime.route_tree import RouteTree

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
            "tree": [each.pattern for routes in app._server.unmatched.matches(req.get_url()) for each in routes],
        }

    return app


@pytest.mark.parametrize(
    "path", ["/", "//", "///", "/a", "/a/", "/a/b", "/a/c/c", "/b/1/2", "/b//2", "/x/b", "/a/b/c/d", "/é"]
)
def test_the_order_is_that_of_the_core(server, path):
    with wire(server.port) as connection:
        seen = connection.ask("GET", path).json()
    assert seen["core"] == seen["tree"] != []
