"""What is put on a scope holds for its own routes alone: members, hooks, options, answers to what is not there."""

import contextlib
import functools

import httpx2
import pytest
import scope_apps
import socketify
from app_state import app_state, route_at
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from wire import wire

import socketify_ext
from socketify_ext.errors import (
    AlreadyRegisteredError,
    CollisionError,
    DeclarationError,
    DuplicateRouteError,
    MissingRequirementError,
    RouteError,
    RouteOptionError,
    ScopeError,
)
from socketify_ext.testing import serve

PATIENCE = 10
http = httpx2.Client(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Serve apps, each once."""
    folder = scope_apps.write_files(tmp_path_factory.mktemp("files"))
    with contextlib.ExitStack() as stack:

        @functools.cache
        def server(name):
            arguments = {"folder": str(folder)} if name == "files" else {}
            return stack.enter_context(serve(getattr(scope_apps, name), **arguments))

        yield server


@pytest.fixture
def ask(servers, request):
    """Return a function that sends a request to the app that the test is marked with."""
    server = servers(request.param)

    def send(method, path, **headers):
        return http.request(method, server.url + path, headers=headers, timeout=PATIENCE)

    send.server = server
    return send


def of(name):
    return pytest.mark.parametrize("ask", [name], indirect=True)


def handler(res, req):
    res.end("x")


@pytest.fixture(params=["app", "install"])
def app(request):
    return socketify_ext.App() if request.param == "app" else socketify_ext.install(socketify.App())


# -- routes, members and hooks


@of("nested")
@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "text"),
    [
        ("GET", "/", {}, 200, '{"req":null,"res":null}'),
        ("GET", "/admin/early", {}, 403, "no admin"),
        ("GET", "/admin/early", {"admin": "1"}, 200, '{"req":"admin","res":"admin"}'),
        ("GET", "/admin/users/7", {"users": "1"}, 403, "no admin"),
        ("GET", "/admin/users/7", {"admin": "1"}, 403, "no users"),
        ("GET", "/admin/users/7", {"admin": "1", "users": "1"}, 200, '{"id":"7","who":"admin"}'),
        ("POST", "/admin/users", {"admin": "1", "users": "1"}, 200, "admin"),
        ("PATCH", "/admin/users/any", {"admin": "1"}, 403, "no users"),
        ("PATCH", "/admin/users/any", {"admin": "1", "users": "1"}, 200, "admin"),
        ("GET", "/admin/outside", {}, 200, '{"req":null,"res":null}'),
        ("GET", "/shop/", {}, 200, '{"req":"shop","res":"shop"}'),
        ("GET", "/plain", {}, 200, '{"req":"plain","res":"plain"}'),
        ("GET", "/tenants/a/home", {}, 403, "no tenant"),
        ("GET", "/tenants/a/home", {"tenant": "1"}, 200, "a"),
    ],
)
def test_a_route_has_the_hooks_and_members_of_its_own_scopes(ask, method, path, headers, status, text):
    answer = ask(method, path, **headers)
    assert answer.status_code == status
    assert text in answer.text
    head = ask("HEAD", path, **headers) if method == "GET" else answer
    assert (head.status_code, head.headers.get("who")) == (status, answer.headers.get("who"))


# -- requests that no route takes


@of("nested")
@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "whose"),
    [
        ("GET", "/nothing", {}, 404, None),
        ("GET", "/admins", {}, 404, None),
        ("GET", "/admin/nothing", {}, 403, "admin"),
        ("GET", "/admin", {"admin": "1"}, 404, "admin"),
        ("GET", "/admin/users/7/more", {"admin": "1"}, 403, "admin"),
        ("GET", "/admin/users/7/more", {"admin": "1", "users": "1"}, 404, "admin"),
        ("DELETE", "/admin/early", {}, 403, "admin"),
        ("DELETE", "/admin/early", {"admin": "1"}, 405, "admin"),
        ("OPTIONS", "/admin/early", {}, 403, "admin"),
        ("OPTIONS", "/admin/early", {"admin": "1"}, 204, "admin"),
        ("DELETE", "/admin/outside", {}, 403, "admin"),
        ("OPTIONS", "/plain", {}, 204, "plain"),
        ("DELETE", "/plain", {}, 405, "plain"),
        ("DELETE", "/mixed", {}, 405, None),
        ("GET", "/x/../admin/nothing", {}, 403, "admin"),
        ("GET", "/%61dmin/nothing", {}, 403, "admin"),
        ("GET", "//admin/nothing", {}, 403, "admin"),
        ("GET", "/admin%2fnothing", {}, 403, "admin"),
        ("GET", "/tenants/b/nothing", {}, 403, None),
        ("GET", "/tenants/b/nothing", {"tenant": "1"}, 404, None),
        ("GET", "/tenants/", {}, 404, None),
        ("HEAD", "/shop/nothing", {}, 404, "shop"),
    ],
)
def test_a_request_without_a_route_is_its_scope_s(ask, method, path, headers, status, whose):
    with wire(ask.server.port) as connection:
        answer = connection.ask(method, path, **headers)
    assert answer.status.split(" ")[0] == str(status)
    assert dict(answer.headers).get("who") == whose


@of("nested")
def test_a_scope_says_itself_what_is_not_there(ask):
    assert ask("GET", "/shop/x").text == "the shop has no /shop/x, says shop"
    assert ask("GET", "/shop").status_code == 404
    assert ask("GET", "/shops").json() == {"detail": "Not Found"}


# -- yields


@of("yielding")
def test_a_yielded_request_meets_the_hooks_and_members_of_its_next_route(ask):
    ask("GET", "/forget")
    assert ask("GET", "/a/1").status_code == 403
    assert ask("GET", "/a/1", second="1").json() == {"req": "second", "res": "second"}
    assert ask("GET", "/b/1").status_code == 403
    assert ask("GET", "/b/1", second="1").json() == {"req": "second", "res": "second"}
    once = ["app", "first", "second"]
    assert ask("GET", "/seen").json()[:2] == once[:2]
    seen = [each for each in ask("GET", "/seen").json() if not each.startswith("after")]
    assert seen == [*once[:2], *once]
    after = [each for each in ask("GET", "/seen").json() if each.startswith("after")]
    assert sorted(after) == ["after /a/:id"] * 2 + ["after /b/:id"] * 2  # the second scope has no such hook


# -- WebSockets


def message(server, path, text="x", **headers):
    options = {"proxy": None, "compression": None, "open_timeout": PATIENCE, "close_timeout": PATIENCE}
    return connect(server.ws_url + path, additional_headers=headers, **options)


def told(socket):
    socket.send("x")
    return socket.recv(PATIENCE)


@of("sockets")
def test_an_open_connection_follows_its_own_scope(ask):
    with contextlib.ExitStack() as stack:
        first, second, own = (
            stack.enter_context(message(ask.server, f"{path}/chat")) for path in ("/first", "/second", "")
        )
        assert [told(each) for each in (first, second, own)] == ["first None", "None None", "None None"]
        assert ask("GET", "/register").text == "registered"
        assert [told(each) for each in (first, second, own)] == ["first None", "None second", "None None"]
        assert ask("GET", "/register-both").status_code == 500  # the second scope has it already
        assert "AlreadyRegisteredError" in ask.server.log
        assert [told(each) for each in (first, second, own)] == ["first None", "None second", "None None"]
        with message(ask.server, "/second/chat") as another:
            assert told(another) == "None second"


@of("sockets")
def test_hooks_of_a_scope_guard_its_sockets(ask):
    with pytest.raises(InvalidStatus, match="403"):
        message(ask.server, "/guarded/chat").__enter__()
    with message(ask.server, "/guarded/chat", token="1") as socket:
        assert socket.recv(PATIENCE) == "opened /guarded/chat"
        assert told(socket) == "None None"


# -- files


@of("files")
@pytest.mark.parametrize("path", ["/page.txt", "/", "", "/nothing", "/%70age.txt"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_option_guards_all_of_a_folder(ask, method, path):
    assert ask(method, f"/private/files{path}").status_code == 403
    wanted = ask(method, f"/private/open{path}")
    given = ask(method, f"/private/files{path}", secret="1")
    assert (given.status_code, given.text) == (wanted.status_code, wanted.text)
    assert given.status_code in (200, 308, 404)


@of("files")
def test_a_file_that_is_not_there_is_answered_by_the_scope(ask):
    assert ask("GET", "/private/open/nothing").text == "nothing private"


# -- options of one route


@of("single_routes")
def test_hooks_of_an_option_are_around_every_answer_of_the_route(ask):
    for method in ("GET", "HEAD", "POST"):
        refused, passed = ask(method, "/a/7"), ask(method, "/a/7", key="1")
        assert (refused.status_code, passed.status_code) == (403, 200)
        assert refused.headers["door"] == passed.headers["door"] == "/a/:id"
    large = http.post(f"{ask.server.url}/a/7", content=b"x" * 11, headers={"key": "1"}, timeout=PATIENCE)
    assert (large.status_code, large.headers["door"]) == (413, "/a/:id")
    assert "door" not in ask("GET", "/b").headers
    assert "door" not in ask("DELETE", "/a/7").headers
    assert ask("DELETE", "/a/7").status_code == 405
    with pytest.raises(InvalidStatus, match="403"):
        message(ask.server, "/chat").__enter__()
    with message(ask.server, "/chat", key="1") as socket:
        assert told(socket) == "x"


@of("single_routes")
def test_a_scope_may_be_made_while_the_app_serves(ask):
    assert ask("GET", "/late/a").status_code == 404
    assert ask("GET", "/late").text == "added"
    assert ask("GET", "/late/a").status_code == 403
    assert ask("GET", "/late/a", key="1").json() == {"req": "late", "res": "late"}
    assert ask("HEAD", "/late/a").status_code == 403
    assert ask("GET", "/late/b").text == "nothing late, late"


# -- prefixes


@pytest.mark.parametrize(
    ("prefix", "path", "pattern"),
    [
        ("/a", "/b", "/a/b"),
        ("/a/", "/b", "/a/b"),
        ("", "/b", "/b"),
        ("/", "/b", "/b"),
        ("/a", "", "/a"),
        ("/a", "/", "/a/"),
        ("/a/b", "/c/:id", "/a/b/c/:id"),
        ("/users/:id", "/x", "/users/:id/x"),
        ("/ü b", "/x", "/ü b/x"),
        ("/%61", "/*", "/%61/*"),
    ],
)
def test_a_prefix_stands_before_each_path(app, prefix, path, pattern):
    scope = app.scope(prefix)
    scope.get(path, handler)
    app.scope("/x").scope(prefix).get(path, handler)
    assert [(each.pattern, each.scope) for each in app.routes] == [
        (pattern, prefix.removesuffix("/")),
        (f"/x{pattern}", f"/x{scope.prefix}"),
    ]


@pytest.mark.parametrize(
    "prefix",
    [
        *(
            "admin",
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/./a",
            "/a/..",
            "/a/../b",
            "/*",
            "/a/*",
            "/a?b",
            "/a#b",
            "/:id?",
        ),
        *("/{id}", "/<int:id>", "/a\n", "/\x00", "/\ud800", "/:id/:id", "/:i.d", "/x" * 101, None, 3, b"/a", ["/a"]),
    ],
)
def test_a_prefix_that_is_none_is_refused(app, prefix):
    before = app_state(app)
    with pytest.raises(RouteError):
        app.scope(prefix)
    assert app_state(app) == before


@pytest.mark.parametrize("path", ["x", "//..", "/*/x", "/:id", None, 3])
def test_a_path_that_the_prefix_makes_wrong_is_refused(app, path):
    scope = app.scope("/users/:id")
    before = app_state(app)
    if path == "//..":
        scope.get(path, handler)  # the router takes it as it is written
        return
    with pytest.raises(RouteError):
        scope.get(path, handler)
    assert app_state(app) == before


def test_a_path_is_relative_for_extensions_too(app):
    admin, kept = app.scope("/admin"), []

    @admin.register
    @socketify_ext.extension("pages")
    def pages(request, response, ws, *, app):
        kept.append(app)
        app.get("/a", handler)
        app.static("/files", "/")
        app.ws("", {"message": print})
        app.before_request(print, prefix="/a")

    kept[0].get("/late", handler)
    kept[0].scope("/deep").get("/b", handler)
    assert [(each.pattern, each.scope, each.extension) for each in app.routes] == [
        ("/admin/a", "/admin", "pages"),
        ("/admin/files/*", "/admin", "pages"),
        ("/admin/files/*", "/admin", "pages"),
        ("/admin", "/admin", "pages"),
        ("/admin/late", "/admin", "pages"),
        ("/admin/deep/b", "/admin/deep", None),
    ]
    assert kept[0].routes == admin.routes == app.routes
    assert kept[0].prefix == "/admin"
    guarded = [route.pattern for route in app._server.routes if route.node.hooks.of("before_request", route)]
    assert guarded == ["/admin/a"]


def test_a_route_that_two_scopes_have_is_refused(app):
    app.scope("/a").get("/b", handler)
    for scope, path in ((app, "/a/b"), (app.scope("/a"), "/b"), (app.scope(), "/a/b"), (app.scope("/a/b"), "")):
        with pytest.raises(DuplicateRouteError, match="GET /a/b"):
            scope.get(path, handler)


# -- extensions


def adding(name, member="user", **order):
    @socketify_ext.extension(name, **order)
    def declare(request, response, ws):
        request.property(member, name)

    return declare


def test_one_extension_stands_in_two_scopes_with_other_options(app):
    one, two = app.scope("/one"), app.scope("/two")
    one.register(socketify_ext.load("msgpack", max_depth=5))
    two.register(socketify_ext.load("msgpack", max_depth=6))
    for scope in (one, two):
        scope.get("/", handler)
        scope.register(socketify_ext.load("msgpack", max_depth=5 if scope is one else 6))  # the same again
    first, second = app._server.routes
    assert first.response_class is not second.response_class
    with pytest.raises(AlreadyRegisteredError, match=r"msgpack.* is there with other options"):
        one.register(socketify_ext.load("msgpack", max_depth=6))
    with pytest.raises(AlreadyRegisteredError, match=r"in scope /one\) is there already"):
        app.register(socketify_ext.load("msgpack"))
    with pytest.raises(AlreadyRegisteredError):
        one.scope("/deep").register(socketify_ext.load("msgpack", max_depth=6))


def test_an_extension_of_a_scope_above_meets_a_requirement(app):
    admin = app.scope("/admin")
    app.register(adding("base"))
    admin.register(adding("needs", "other", requires=["base"]))
    inspection = socketify_ext.inspect(admin)
    assert [spec.name for spec in inspection.order] == ["base", "needs"]
    assert inspection.own == ("needs",)
    with pytest.raises(MissingRequirementError):
        app.register(adding("outer", "more", requires=["needs"]))
    app.scope("/x").register(adding("shop", "till", requires=["cart"]))
    assert socketify_ext.inspect(app).own == ("base",)
    assert socketify_ext.inspect(app).scopes[1].own == ("cart", "shop")


def test_collisions_are_judged_along_the_path(app):
    one, two = app.scope("/one"), app.scope("/two")
    one.register(adding("a"))
    two.register(adding("b"))
    with pytest.raises(CollisionError, match=r"request\.user"):
        one.scope("/deep").register(adding("c"))
    with pytest.raises(CollisionError):
        app.register(adding("d"))
    assert socketify_ext.inspect(app).order == ()


@pytest.mark.parametrize(("policy", "wanted"), [("keep", "above"), ("replace", "below")])
def test_a_policy_holds_in_scopes(policy, wanted):
    app = socketify_ext.App(on_collision=policy)
    scope = app.scope("/a")
    scope.get("", handler)
    scope.register(adding("below"))
    app.register(adding("above"))
    app.get("/", handler)
    assert route_at(app, "/a").request_class().user == wanted
    assert route_at(app, "/").request_class().user == "above"


def test_bare_functions_of_one_name_are_told_apart_along_the_path(app):
    def bare(member):
        def extension(request, response, ws):
            request.property(member)

        return extension

    scope = app.scope("/a")
    scope.register(bare("one"))
    app.register(bare("two"))
    scope.register(bare("three"))
    assert [spec.name for spec in socketify_ext.inspect(scope).order] == ["extension~2", "extension", "extension~3"]


def test_an_option_holds_in_its_scope(app):
    admin = app.scope("/admin")
    admin.get("/a", handler, auth="1")
    app.get("/b", handler, auth="x")
    admin.route_option("auth", type=int)
    app.scope("/other").route_option("auth", type=str)
    assert [dict(route.options) for route in app.routes] == [{"auth": 1}, {"auth": "x"}]
    with pytest.raises(RouteOptionError, match=r"route GET /b .*no extension of its scope has declared it"):
        app.listen({"port": 0, "host": "127.0.0.1"})
    app.close()
    with pytest.raises(RouteOptionError, match="declares it already"):
        admin.scope("/x").route_option("auth")
    with pytest.raises(RouteOptionError, match="declares it already"):
        app.route_option("auth")


def test_errors_and_specs_name_the_scope(app):
    admin = app.scope("/admin")

    @socketify_ext.extension("broken")
    def broken(request, response, ws, *, app):
        app.get("nothing", handler)

    with pytest.raises(RouteError, match=r"extension 'broken' \(test_scope\.py:\d+, in scope /admin\)"):
        admin.register(broken)
    admin.register(adding("shop"))
    (spec,) = socketify_ext.inspect(admin).order
    assert (spec.scope, spec.provenance.scope) == ("/admin", "/admin")


def test_an_app_tells_its_scopes(app):
    app.register(adding("base", "own"))
    admin = app.scope("/admin")
    admin.register(adding("shop", requires=["base"]))
    admin.get("/a", handler)
    admin.scope("/deep").get("/b", handler)
    app.scope().get("/c", handler)
    inspection = socketify_ext.inspect(app)
    assert [scope.prefix for scope in inspection.scopes] == ["/admin", ""]
    assert [route.pattern for route in inspection.scopes[0].routes] == ["/admin/a"]
    assert [route.pattern for route in inspection.scopes[0].scopes[0].routes] == ["/admin/deep/b"]
    assert inspection.scopes[0].members.keys() == {"request.own", "request.user"}
    lines = str(inspection).splitlines()
    assert [line.partition(" (")[0] for line in lines] == [
        "'base'",
        "└── request.own = 'base'",
        "scope /admin",
        "    'shop'",
        "    └── request.user = 'shop'",
        "    the program's own",
        "    └── GET /admin/a handler",
        "    scope /admin/deep",
        "        the program's own",
        "        └── GET /admin/deep/b handler",
        "scope without a prefix",
        "    the program's own",
        "    └── GET /c handler",
    ]
    assert [str(route).split(" (")[0] for route in admin.routes] == ["GET /admin/a", "GET /admin/deep/b"]


# -- what is the app's


@pytest.mark.parametrize(
    "name",
    ["listen", "run", "close", "json_serializer", "use_backplane", "set_error_handler", "template", "router"],
)
def test_what_concerns_the_whole_app_is_refused(app, name):
    with pytest.raises(ScopeError, match=rf"the scope /admin has no {name}: it concerns the whole app"):
        getattr(app.scope("/admin"), name)


def test_an_extension_that_asks_for_it_is_refused(app):
    admin = app.scope("/admin")
    before = app_state(app)
    with pytest.raises(ScopeError, match=r"extension 'json' .*calls app\.json_serializer: .* Register it on the app"):
        admin.register(socketify_ext.load("json"))

    @socketify_ext.extension("carrier")
    def carrier(request, response, ws, *, app):
        app.use_backplane(object())

    with pytest.raises(ScopeError, match=r"calls app\.use_backplane"):
        admin.register(carrier)
    assert app_state(app) == before


def test_the_rest_is_the_app_s_or_that_of_the_scope_above(app):
    admin = app.scope("/admin")
    deep = admin.scope("/deep")
    assert deep.loop is app.loop
    assert deep.num_subscribers("news") == 0
    admin.pool, app.pool = "its own", "the app's"
    assert (deep.pool, admin.pool, app.pool, app.scope().pool) == ("its own", "its own", "the app's", "the app's")
    for name in ("nothing", "_private"):
        with pytest.raises(AttributeError, match=name):
            getattr(deep, name)
    assert repr(deep) == "<Scope '/admin/deep'>"


def test_the_root_of_each_scope_is_the_app(app):
    roots = []

    @socketify_ext.extension("rooted")
    def rooted(request, response, ws, *, app):
        roots.append(app.root)

    inner = app.scope("/a").scope("/b")
    inner.register(rooted)
    assert [app.root, inner.root, *roots] == [app] * 3


def test_attributes_of_an_extension_are_set_on_its_scope(app):
    one, two = app.scope("/one"), app.scope("/two")

    @one.register
    @two.register
    @socketify_ext.extension("pool")
    def pool(request, response, ws, *, app):
        app.pool = app.prefix
        assert app.pool == app.prefix

    assert (one.pool, two.pool, hasattr(app, "pool")) == ("/one", "/two", False)


def test_lifecycle_functions_run_in_order_and_once(app):
    notes = []

    def noting(name):
        @socketify_ext.extension(name)
        def declare(request, response, ws, *, app):
            app.on_startup(lambda: notes.append(f"{name} starts"))
            app.on_listen(lambda address: notes.append(f"{name} listens"))
            app.before_close(lambda: notes.append(f"{name} closes"))
            app.on_shutdown(lambda: notes.append(f"{name} stops"))

        return declare

    admin = app.scope("/admin")
    admin.on_startup(lambda: notes.append("own starts"))
    admin.on_shutdown(lambda: notes.append("own stops"))
    admin.on_listen(lambda address: notes.append("own listens"))
    deep = admin.scope()
    deep.register(noting("deep"))
    admin.register(noting("admin"))
    app.scope("/other").register(noting("other"))
    app.register(noting("app"))
    names = ["app", "admin", "deep", "other"]
    app.listen({"port": 0, "host": "127.0.0.1"})
    assert notes == [f"{name} {what}" for what in ("starts", "listens") for name in (*names, "own")]
    with pytest.raises(socketify_ext.errors.LifecycleError, match=r"in scope /admin.* has start-up functions"):
        admin.register(noting("late"))
    notes.clear()
    app.close()
    assert notes == [f"{name} closes" for name in names] + ["own stops", *(f"{name} stops" for name in names[::-1])]


def test_a_scope_is_made_by_the_program(app):
    @socketify_ext.extension("pages")
    def pages(request, response, ws, *, app):
        app.scope("/x")

    with pytest.raises(DeclarationError, match=r"extension 'pages' .* Let the program choose the scope"):
        app.register(pages)
    assert not hasattr(socketify.App(), "scope")


def test_a_scope_costs_a_request_nothing(app):
    plain = socketify_ext.App()
    plain.get("/admin/a", handler)
    app.scope("/admin").get("/a", handler)
    (route,), (other,) = app._server.routes, plain._server.routes
    assert route.handler is other.handler is handler
    assert (
        route.response_class is app._server.bases["response"] or route.response_class is app._node.classes["response"]
    )
