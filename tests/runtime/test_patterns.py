"""Routes are refused where the core would take them otherwise than they are written."""

import functools

import pytest
from wire import wire

import socketify_ext
import socketify_ext.testing
from socketify_ext.errors import DuplicateRouteError, RouteError


@pytest.fixture
def app():
    return socketify_ext.App()


def handler(res, req):
    res.end("x")


@pytest.mark.parametrize(
    ("path", "fix"),
    [
        ("*", r'app\.get\("/\*"'),
        ("x", r'app\.get\("/x"'),
        ("", r'app\.get\("/"'),
        ("x\0y", r'app\.get\("/xy"'),
        (None, r'app\.get\("/path", '),
        (b"/x", r'app\.get\("/path", '),
        (7, r'app\.get\("/path", '),
        (handler, r'@app.get\("/path"\) above the function'),
        ("/a\0b", "Leave it out"),
        ("/a\nb", "Leave it out"),
        ("/a?b=c", "req.get_query"),
        ("/a#b", "End it before"),
        ("/users/{id}", "Write :id"),
        ("/users/{id:int}/x", "Write :id"),
        ("/users/<id>", "Write :id"),
        ("/users/<int:id>", "Write :id"),
        ("/users/{id}.json", "Write /:id/"),
        ("/users/user-<id>", "Write /:id/"),
        ("/users/:id.json", "Write :id"),
        (r"/users/:id(\d+)", "Write :id"),
        ("/users/:id?", "a second route"),
        ("/:id?/x", "a second route"),
        ("/a/*/b", "alone and last"),
        ("/a/*x", "alone and last"),
        ("/*/", "alone and last"),
        ("/a" * 101, "shorter"),
    ],
)
@pytest.mark.parametrize("method", ["get", "any", "ws", "static"])
def test_a_path_that_can_not_be_served_is_refused(app, tmp_path, method, path, fix):
    target = {"ws": {}, "static": tmp_path}.get(method, handler)
    with pytest.raises(RouteError, match=fix.replace("get", method, 1) if "app" in fix else fix):
        getattr(app, method)(path, target)
    assert app._server.routes == []


@pytest.mark.parametrize("path", ["/", "//", "/*", "/a/:b/*", "/a*b", "/:", "/a:b", "/é", "/a/", "/a.b-c~d"])
def test_what_the_router_takes_as_it_is_written_is_not_refused(app, path):
    app.get(path, handler)
    assert [route.name for route in app._server.routes] == [f"GET {path}"]


@pytest.mark.parametrize(
    ("one", "two"), [("/:a", "/:b"), ("/x/:a/*", "/x/:b/*"), ("/:a/y/:b", "/:c/y/:d"), ("/:", "/:a")]
)
def test_patterns_that_are_one_to_the_router_are_refused(app, one, two):
    app.get(one, handler)
    with pytest.raises(DuplicateRouteError, match="same to the core's router"):
        app.get(two, handler)
    app.post(two, handler)


@pytest.mark.parametrize(("one", "two"), [("/a", "/a/"), ("/", "//"), ("/:a", "/a"), ("/*", "/:a"), ("/a*b", "/a*c")])
def test_patterns_that_are_two_to_the_router_are_served(app, one, two):
    app.get(one, handler)
    app.get(two, handler)
    assert len(app._server.routes) == 2


def decorated(function):
    @functools.wraps(function)
    def call(res, req):
        return function(res, req, 1)

    return call


@decorated
def with_user(res, req, user):
    res.end("x")


class Handler:
    def __call__(self, res, req):
        res.end("x")

    def method(self, res, req):
        res.end("x")


@pytest.mark.parametrize(
    "taken",
    [
        handler,
        with_user,
        Handler(),
        Handler().method,
        lambda *a: None,
        lambda res, req, data=None: None,
        functools.partial(lambda one, res, req: None, 1),
        print,
        max,
    ],
)
def test_a_handler_that_may_work_is_taken(app, taken):
    app.get("/", taken)
    assert len(app._server.routes) == 1


@pytest.mark.parametrize(
    "refused", [None, "x", 7, {}, lambda: None, lambda res: None, lambda res, req, more: None, Handler]
)
def test_a_handler_that_can_not_work_is_refused(app, refused):
    with pytest.raises(RouteError, match=r"GET /.*can't be called.*\(res, req\)"):
        app.get("/", refused)


@pytest.mark.parametrize(
    ("behavior", "fix"),
    [
        ({"idle_timeout": 7}, "from 8 to 960 or 0"),
        ({"max_payload_length": "big"}, "from 0 to 4294967295"),
        ({"max_payload_length": -1}, "from 0 to 4294967295"),
        ({"max_backpressure": 2**32}, "from 0 to 4294967295"),
        ({"compression": None}, "from 0 to 65535"),
        ({"send_pings_automatically": "yes"}, "Write True or False"),
        ({"mesage": print}, "Did you mean 'message'"),
        ({"idleTimeout": 9}, "Did you mean 'idle_timeout'"),
        ({"zzz": print}, "There are upgrade, open"),
        ({7: print}, "There are upgrade, open"),
        ({"message": "x"}, r"\(ws, message, opcode\)"),
        ({"message": lambda ws, message: None}, r"\(ws, message, opcode\)"),
        ({"upgrade": lambda res, req: None}, r"\(res, req, context\)"),
        ({"close": lambda ws: None}, r"\(ws, code, message\)"),
    ],
)
def test_a_websocket_is_told_what_there_is(app, behavior, fix):
    with pytest.raises(RouteError, match=fix):
        app.ws("/ws", behavior)
    assert app._server.routes == []


def test_a_handler_of_a_websocket_may_be_none(app):
    app.ws("/ws", {"open": None, "message": lambda ws, message, opcode: None})
    assert len(app._server.routes) == 1


@pytest.mark.parametrize("directory", ["none", "", "a\0b", "x" * 300, 7.5, None, __file__])
def test_a_folder_that_is_not_there_is_refused(app, directory):
    with pytest.raises(RouteError, match="there is no folder"):
        app.static("/files", directory)


def test_a_folder_has_a_plain_place(app, tmp_path):
    with pytest.raises(RouteError, match='as in "/files"'):
        app.static("/files/:user", tmp_path)


def test_routes_of_an_extension_are_checked_and_it_is_named(app):
    @socketify_ext.extension("bad")
    def bad(request, response, ws, *, app):
        app.get("/users/{id}", handler)

    with pytest.raises(RouteError, match=r"extension 'bad'.*Write :id"):
        app.register(bad)
    assert socketify_ext.inspect(app).order == ()


def test_a_folder_leaves_its_own_url_to_the_app(tmp_path):
    def make(folder):
        app = socketify_ext.App()
        app.static("/files", folder)
        app.any("/files", lambda res, req: res.end("mine"))
        return app

    (tmp_path / "index.html").write_text("index")
    with socketify_ext.testing.serve(make, folder=str(tmp_path)) as serving, wire(serving.port) as connection:
        assert connection.ask("GET", "/files").body == b"mine"
        assert connection.ask("GET", "/files/").body == b"index"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_folder_at_the_root_leaves_routes_to_the_app(tmp_path, method):
    def make(folder):
        app = socketify_ext.App()
        app.static("/", folder)
        app.get("/own", lambda res, req: res.end("own"))
        return app

    (tmp_path / "index.html").write_text("index")
    with socketify_ext.testing.serve(make, folder=str(tmp_path)) as serving, wire(serving.port) as connection:
        assert connection.ask("GET", "/own").body == b"own"
        assert connection.ask(method, "/").body == (b"index" if method == "GET" else b"")
        assert connection.ask(method, "//etc/hosts").status.startswith("404")
