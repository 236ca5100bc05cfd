"""What is registered takes effect as a whole or not at all, in every order, and hooks are told of each route once."""

import itertools

import pytest
from app_state import app_state, hooks_of, route_at

import socketify_ext
from socketify_ext.errors import (
    AlreadyRegisteredError,
    CollisionError,
    DuplicateBackplaneError,
    DuplicateRouteError,
    LifecycleError,
    RouteError,
    RouteOptionError,
    SignatureError,
)

ADDRESS = {"port": 0, "host": "127.0.0.1"}


def handler(res, req):
    res.end("x")


@pytest.fixture
def app():
    return socketify_ext.App()


@pytest.fixture
def listening():
    app = socketify_ext.App()
    app.get("/there", handler)
    app.listen(ADDRESS)
    yield app
    app.close()


# -- on_route


class Told:
    """What an on_route hook is told of."""

    def __init__(self, app=None, **choice):
        self.routes = []
        if app is not None:
            app.on_route(self.tell, **choice)

    def tell(self, route):
        self.routes.append(route)

    @property
    def names(self):
        return [f"{route.method} {route.pattern}" for route in self.routes]


def test_a_hook_is_told_of_each_route_once_whenever_it_comes(app):
    early = Told(app)
    app.get("/a", handler, auth=1)
    app.ws("/chat", {"message": print})
    late = Told()

    @app.register
    @socketify_ext.extension("docs")
    def docs(request, response, ws, *, app):
        app.on_route(late.tell)
        app.get("/own", handler)

    app.post("/b", handler)
    app.before_request(print)
    app.register(socketify_ext.load("cart"))
    app.scope("/x").get("/c", handler)
    assert early.names == ["GET /a", "WS /chat", "GET /own", "POST /b", "GET /x/c"]
    assert late.names == early.names
    assert dict(early.routes[0].options) == {"auth": 1}
    assert early.routes[0].handler is handler


def test_a_hook_is_told_of_the_routes_of_its_prefix_and_its_choice(app):
    api = Told(app, prefix="/api")
    marked = Told(app, where=lambda route: "mark" in route.options)
    app.get("/api/a", handler)
    app.get("/b", handler, mark=1)
    app.get("/*", handler)
    assert (api.names, marked.names) == (["GET /api/a", "GET /*"], ["GET /b"])


def test_a_hook_in_a_scope_is_told_of_its_routes_alone(app):
    app.get("/a", handler)
    admin = app.scope("/admin")
    admin.get("/b", handler)
    told = Told(admin)
    relative = Told(admin, prefix="/users")
    admin.scope("/users").get("/c", handler)
    app.get("/admin/d", handler)
    assert told.names == ["GET /admin/b", "GET /admin/users/c"]
    assert relative.names == ["GET /admin/users/c"]


def test_a_route_that_a_hook_adds_is_told_to_the_others(app):
    before, after = Told(app), Told()

    @app.on_route
    def add_head(route):
        if route.method == "GET":
            app.head(route.pattern, handler)

    app.on_route(after.tell)
    app.get("/a", handler)
    assert before.names == after.names == ["GET /a", "HEAD /a"]
    assert [str(route).split(" (")[0] for route in app.routes] == ["GET /a", "HEAD /a"]


def test_an_extension_may_add_routes_for_those_that_are_there(app):
    app.get("/a", handler)
    app.get("/b", handler)

    @app.register
    @socketify_ext.extension("options")
    def options(request, response, ws, *, app):
        @app.on_route
        def add(route):
            if route.method != "OPTIONS":
                app.options(route.pattern, handler)

    assert [(each.method, each.pattern, each.extension) for each in app.routes] == [
        ("GET", "/a", None),
        ("GET", "/b", None),
        ("OPTIONS", "/a", "options"),
        ("OPTIONS", "/b", "options"),
    ]


def test_two_hooks_that_add_routes_for_each_other_s_are_refused(app):
    for name in ("one", "two"):

        def add(route, name=name):
            app.get(f"{route.pattern}/{name}", handler)

        add.__name__ = name
        app.on_route(add)
    with pytest.raises(RouteError, match=r"it would do so without end: on_route hook one .* hook two .* hook one"):
        app.get("/a", handler)
    assert app.routes == ()
    assert app._server.route_names == {}


def test_a_hook_may_give_a_route_options_that_it_does_not_have(app):
    applied = []
    app.route_option("auth", type=list[str], apply=lambda route, value: applied.append((route.info.pattern, value)))
    app.get("/early", handler)

    @app.on_route
    def guard(route):
        return {"auth": ("read",), "later": 1} if route.pattern != "/free" else None

    app.get("/a", handler)
    app.get("/b", handler, auth=["own"])
    app.get("/free", handler)
    assert applied == [("/early", ["read"]), ("/a", ["read"]), ("/b", ["own"])]
    assert [dict(route.options) for route in app.routes] == [
        {"auth": ["read"], "later": 1},
        {"auth": ["read"], "later": 1},
        {"auth": ["own"], "later": 1},
        {},
    ]
    app.route_option("later", apply=lambda route, value: applied.append(value))
    assert applied[3:] == [1, 1, 1]


def test_a_hook_may_limit_the_body(app):
    app.on_route(lambda route: {"max_body": 5})
    app.post("/a", handler)
    app.post("/b", handler, max_body=7)
    assert [route.max_body for route in app._server.routes] == [5, 7]
    app = socketify_ext.App()
    app.on_route(lambda route: {"max_body": "x"})
    with pytest.raises(
        RouteError, match=r"route POST /c \(test_change\.py:\d+\) .*max_body='x' is not a number of bytes"
    ):
        app.post("/c", handler)


async def asynchronous(route): ...


@pytest.mark.parametrize("hook", [asynchronous, lambda: None, lambda route, more: None, "x"])
def test_what_can_not_be_told_is_refused(app, hook):
    with pytest.raises(SignatureError, match=r"the app calls app\.on_route.*Write @app\.on_route above"):
        app.on_route(hook)


@pytest.mark.parametrize("given", [1, ["auth"], "auth"])
def test_a_hook_that_returns_something_else_is_refused(app, given):
    app.on_route(lambda route: given)
    with pytest.raises(RouteOptionError, match=r"neither None nor a mapping of options"):
        app.get("/a", handler)
    assert app.routes == ()


class Asynchronous:
    """A callable that does not look like a coroutine function, and is one."""

    async def __call__(self, *arguments):
        return True


@pytest.mark.parametrize("place", ["on_route", "where", "apply"])
def test_what_would_have_to_be_awaited_is_refused(app, place):
    if place == "on_route":
        app.on_route(Asynchronous())
    elif place == "where":
        app.before_request(handler, where=Asynchronous())
    else:
        app.route_option("auth", apply=Asynchronous())
    with pytest.raises((RouteError, RouteOptionError), match="it returns a coroutine, and nothing is awaited"):
        app.get("/a", handler, auth=1)
    assert app.routes == ()


CHANGES = {
    "a hook": lambda app: app.on_route(print),
    "an option": lambda app: app.route_option("more"),
    "a scope": lambda app: app.scope("/x"),
    "an extension": lambda app: app.register(socketify_ext.load("cart")),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("place", ["on_route", "apply"])
def test_what_is_called_for_a_route_may_add_routes_only(app, change, place):
    if place == "on_route":
        app.on_route(lambda route: CHANGES[change](app))
    else:
        app.route_option("auth", apply=lambda route, value: CHANGES[change](app))
    before = app_state(app)
    with pytest.raises(
        RouteError, match="changes more of the app than its routes: it is called while a route is added"
    ):
        app.get("/a", handler, auth=1)
    assert app_state(app) == before


def test_a_hook_that_fails_refuses_the_route_and_is_named(app):
    @app.on_route
    def broken(route):
        app.get("/more", handler)
        raise LookupError("no docs")

    before = app_state(app)
    with pytest.raises(
        RouteError, match=r"on_route hook broken of the app fails for the route GET /a .*no docs"
    ) as got:
        app.get("/a", handler)
    assert isinstance(got.value.__cause__, LookupError)
    assert app_state(app) == before


# -- where


def test_where_is_asked_once_for_each_route(app):
    asked = []

    def where(route):
        asked.append(route.pattern)
        return route.pattern != "/b"

    app.get("/a", handler)

    def hook(*arguments): ...

    app.before_request(hook, where=where)
    app.get("/b", handler)
    app.after_response(hook)
    app.register(socketify_ext.load("cart"))
    assert asked == ["/a", "/b"]
    assert [hooks_of(route) for route in app._server.routes] == [[hook], []]
    assert route_at(app, "/b").handler.__qualname__ != handler.__qualname__


def test_where_sees_the_options_that_come_later(app):
    app.get("/a", handler)

    def hook(*arguments): ...

    app.before_request(hook, where=lambda route: route.options.get("auth") == [1])
    assert hooks_of(route_at(app, "/a")) == []
    app.route_option("auth", type=list[int])
    app.on_route(lambda route: {"auth": "12" and ["1"]})
    assert hooks_of(route_at(app, "/a")) == [hook]


@pytest.mark.parametrize("where", [asynchronous, lambda: True, "x", lambda a, b: True])
def test_where_must_take_a_route(app, where):
    with pytest.raises(
        SignatureError, match=r"Write @app\.before_request\(where=\.\.\.\) with a function of \(route\)"
    ):
        app.before_request(where=where)


def test_where_that_fails_changes_nothing(app):
    app.get("/a", handler)
    before = app_state(app)

    def where(route):
        raise LookupError(route.pattern)

    with pytest.raises(
        RouteError, match=r"before_request hook handler of the app fails in its `where` .*LookupError: /a"
    ):
        app.before_request(handler, where=where)
    assert app_state(app) == before


@pytest.mark.parametrize("event", ["before_request", "on_route"])
def test_where_must_not_change_the_app(app, event):
    app.get("/a", handler)
    before = app_state(app)

    def where(route):
        app.get(f"{route.pattern}/more", handler)

    with pytest.raises(LifecycleError, match="Let `where` look at its route"):
        getattr(app, event)(lambda *arguments: None, where=where)
    assert app_state(app) == before


# -- as a whole or not at all


def test_a_call_that_fails_inside_another_is_taken_back_alone(app):
    app.get("/taken", handler)

    @app.on_route
    def add(route):
        for path in ("/one", "/taken", "/two"):
            try:
                app.get(route.pattern + path, handler)
                app.get(path, handler)
            except DuplicateRouteError:
                continue

    app.scope("/x").get("/a", handler)
    added = {"/taken/one", "/taken/taken", "/taken/two", "/one", "/two", "/x/a/one", "/x/a/taken", "/x/a/two"}
    assert {each.pattern for each in app.routes} == {"/taken", "/x/a"} | added
    assert len(app.routes) == len(app._server.route_names) == 10


def registering(name, **parts):
    """Declare an extension of which each part can fail."""

    @socketify_ext.extension(name)
    def declare(request, response, ws, *, app):
        request.property(f"{name}_value")
        app.before_request(handler)
        app.get(f"/{name}", handler)
        app.route_option(f"{name}_option", type=int)
        app.on_startup(print)
        for part in parts.values():
            part(app)

    return declare


class Serializer:
    @staticmethod
    def dumps(value):
        return "x"


class BrokenSerializer:
    @property
    def dump_bytes(self):
        raise RuntimeError("half way")


class Backplane: ...


def fail(route):
    raise LookupError


FAILURES = {
    "a route that is there": lambda app: app.get("/taken", handler),
    "a route twice": lambda app: [app.get("/again", handler), app.get("/again", handler)],
    "an option that is there": lambda app: app.route_option("taken"),
    "a route with a wrong option": lambda app: app.get("/wrong", handler, taken="x"),
    "an option that a route does not fit": lambda app: app.route_option("waiting", type=int),
    "a hook that fails": lambda app: app.on_route(fail),
    "a choice that fails": lambda app: app.after_response(print, where=fail),
    "a serializer that fails": lambda app: [app.json_serializer(BrokenSerializer()), app.use_backplane(Backplane())],
    "a second backplane": lambda app: [app.json_serializer(Serializer), app.use_backplane(Backplane())],
    "something else": lambda app: fail(app),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("in_scope", [False, True])
def test_a_registration_that_fails_anywhere_changes_nothing(app, failure, in_scope):
    app.get("/taken", handler)
    app.get("/waits", handler, waiting="x")
    app.get("/limited", handler, max_body=5)
    app.route_option("taken", type=int)
    if failure == "a second backplane":
        app.use_backplane(Backplane())
    inner = app.scope("/inner")
    inner.get("/taken", handler, waiting="x", taken=2)
    inner.before_request(print)
    inner.register(registering("within"))
    where = app.scope() if in_scope else app
    where.get("/here", handler, waiting="x")
    where.scope("/deep").register(registering("deep"))
    before = app_state(app)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each another one
        where.register(registering("broken", fails=FAILURES[failure]))
    assert not isinstance(caught.value, AssertionError | AttributeError)
    assert app_state(app) == before
    where.register(registering("broken"))
    assert app_state(app) != before


def test_a_required_extension_goes_with_the_one_that_requires_it(app):
    @socketify_ext.extension("shop", requires=["cart"])
    def shop(request, response, ws, *, app):
        app.on_route(fail)
        app.get("/a", handler)

    before = app_state(app)
    with pytest.raises(RouteError):
        app.register(shop)
    assert app_state(app) == before


def test_two_backplanes_of_one_registration_leave_none(app):
    def with_backplane(name, **order):
        @socketify_ext.extension(name, **order)
        def declare(request, response, ws, *, app):
            app.use_backplane(Backplane())

        return declare

    registry = socketify_ext.Registry(entry_points=False)
    registry.add(with_backplane("first"))
    app = socketify_ext.App(registry=registry)
    with pytest.raises(DuplicateBackplaneError):
        app.register(with_backplane("second", requires=["first"]))
    assert app.backplane is None
    assert socketify_ext.inspect(app).order == ()


def test_a_member_that_collides_in_a_scope_below_changes_nothing(app):
    def adding(name):
        @socketify_ext.extension(name)
        def declare(request, response, ws):
            request.property("user")

        return declare

    first, second = app.scope("/a"), app.scope("/b")
    first.register(adding("one"))
    second.register(adding("two"))
    before = app_state(app)
    with pytest.raises(CollisionError, match=r"'two' \(.*in scope /b\)|'one' \(.*in scope /a\)"):
        app.register(adding("three"))
    assert app_state(app) == before


def test_an_extension_that_a_scope_below_has_is_refused_above(app):
    admin = app.scope("/admin").scope("/users")
    admin.register(socketify_ext.load("cart"))
    before = app_state(app)
    with pytest.raises(AlreadyRegisteredError, match="Register it in one scope of a path"):
        app.register(socketify_ext.load("cart"))
    assert app_state(app) == before


# -- after listening


def test_routes_hooks_and_options_may_come_after_listening(listening):
    told = Told(listening)
    listening.route_option("auth", type=int, apply=lambda route, value: route.before_request(handler))
    listening.on_route(lambda route: {"auth": 1})
    listening.get("/late", handler)
    listening.scope("/x").get("/a", handler)
    assert told.names == ["GET /there", "GET /late", "GET /x/a"]
    assert [hooks_of(route) for route in listening._server.routes] == [[handler]] * 3
    before = app_state(listening)
    with pytest.raises(RouteOptionError, match="has the option nothing"):
        listening.on_route(lambda route: {"nothing": 1})
    assert app_state(listening) == before


def test_a_hook_that_comes_too_late_for_a_socket_in_a_scope_changes_nothing():
    app = socketify_ext.App()
    admin = app.scope("/admin")
    admin.ws("/chat", {})
    app.ws("/chat", {})
    other = app.scope("/other")
    app.listen(ADDRESS)
    try:
        other.before_request(print)
        before = app_state(app)
        for each in (admin, app):
            with pytest.raises(LifecycleError, match=r"the WebSocket (/admin)?/chat can't be given"):
                each.before_request(print)
            assert app_state(app) == before
        app.ws("/late", {})
        assert route_at(app, "/late", "WS").upgrade is None
        other.ws("/late", {})
        assert route_at(app, "/other/late", "WS").upgrade is not None
    finally:
        app.close()


# -- in every order


def build(app, steps):
    """Make the same app in the order of the steps."""
    admin, told = app.scope("/admin"), Told()

    def mark(route, value):
        def marked(res, req): ...

        marked.__name__ = f"{value}"
        route.before_request(marked)

    def tell(res, req): ...

    @socketify_ext.extension("members")
    def members(request, response, ws, *, app):
        request.property("one")
        app.before_request(tell)

    @socketify_ext.extension("options")
    def options(request, response, ws, *, app):
        app.route_option("mark", type=str, apply=mark)
        app.on_route(lambda route: {"mark": "given"} if route.pattern.endswith("b") else None)

    actions = {
        "route": lambda: admin.get("/a", handler, mark="own"),
        "plain": lambda: admin.get("/b", handler),
        "outer": lambda: app.get("/c", handler),
        "members": lambda: admin.register(members),
        "options": lambda: app.register(options),
        "told": lambda: app.on_route(told.tell),
        "scope": lambda: admin.scope("/deep").get("/d", handler, mark="deep"),
    }
    for step in steps:
        actions[step]()
    assert sorted(told.names) == ["GET /admin/a", "GET /admin/b", "GET /admin/deep/d", "GET /c"]
    return {
        route.pattern: (
            [hook.__name__ for hook in hooks_of(route)],
            dict(route.info.options),
            hasattr(route.request_class, "one"),
        )
        for route in sorted(app._server.routes, key=lambda route: route.pattern)
    }


STEPS = ("route", "plain", "outer", "members", "options", "told", "scope")


def test_every_order_makes_the_same_app():
    wanted = {
        "/admin/a": (["own", "tell"], {"mark": "own"}, True),
        "/admin/b": (["given", "tell"], {"mark": "given"}, True),
        "/admin/deep/d": (["deep", "tell"], {"mark": "deep"}, True),
        "/c": ([], {}, False),
    }
    for number, steps in enumerate(itertools.permutations(STEPS)):
        if number % 7 == 0:  # each step comes first and last all the same
            assert build(socketify_ext.App(), steps) == wanted, steps


# -- cost and apps side by side


def test_two_apps_know_nothing_of_each_other():
    one, two = socketify_ext.App(), socketify_ext.App()
    told = Told(one)
    one.route_option("auth", type=int)
    two.route_option("auth", type=str)
    one.get("/a", lambda res, req: two.get("/never", handler), auth=1)
    two.get("/a", handler, auth="x")
    assert told.names == ["GET /a"]
    assert [dict(app.routes[0].options) for app in (one, two)] == [{"auth": 1}, {"auth": "x"}]


def test_a_route_of_another_app_may_be_added_meanwhile(app):
    other = socketify_ext.App()
    app.on_route(lambda route: other.get(route.pattern, handler) and None)
    app.get("/a", handler)
    assert [each.pattern for each in other.routes] == ["/a"]


def test_binding_costs_the_same_however_many_routes_there_are(app, monkeypatch):
    from socketify_ext.runtime import hooks, routes

    calls = []
    own = routes.Route.use
    monkeypatch.setattr(routes.Route, "use", lambda route: (calls.append(route.pattern), own(route)))
    asked = []
    of = hooks.Hooks.of
    monkeypatch.setattr(hooks.Hooks, "of", lambda *arguments: (asked.append(1), of(*arguments))[1])
    app.route_option("auth", apply=lambda route, value: None)
    app.on_route(lambda route: None)
    app.before_request(print)
    for number in range(1000):
        app.get(f"/{number}", handler, auth=1)
    assert len(calls) == 1000
    assert len(asked) <= 10 * 1000
