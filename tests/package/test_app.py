from __future__ import annotations

import httpx2
import pytest
import socketify
from fake_distributions import Site

import socketify_ext
from socketify_ext.errors import (
    ArgumentError,
    CollisionError,
    CoreNameError,
    DeclarationError,
    DuplicateRouteError,
    InstallError,
    LifecycleError,
    MemberNameError,
    OptionsError,
    SignatureError,
)
from socketify_ext.registry.registry import Registry
from socketify_ext.testing import serve

STATE = [
    *(("request", name) for name in ("req", "app", "jar_parsed", "_headers", "_query")),
    *(("response", name) for name in ("res", "app", "aborted", "_data")),
    *(("ws", name) for name in ("ws", "app", "socket_data", "got_socket_data")),
]
PUBLIC = [
    ("request", "get_header"),
    ("request", "get_url"),
    ("request", "get_parameter"),
    ("response", "end"),
    ("response", "write_header"),
    ("ws", "send"),
    ("ws", "get_user_data"),
]


@pytest.fixture(params=["app", "install"])
def make(request):
    """Make an app in both ways."""

    def make_app(**options):
        if request.param == "app":
            return socketify_ext.App(**options)
        return socketify_ext.install(socketify.App(), **options)

    return make_app


@pytest.fixture
def app(make):
    return make()


def adding(name, *members, target="request", **arguments):
    @socketify_ext.extension(name, **arguments)
    def function(request, response, ws):
        surface = {"request": request, "response": response, "ws": ws}[target]
        for member in members:
            surface.method(lambda self: name, name=member)

    return function


def names(app):
    return [spec.name for spec in socketify_ext.inspect(app).order]


def members(app):
    return {name: member.provenance.extension for name, member in socketify_ext.inspect(app).members.items()}


def compiled(app, target):
    return app._node.classes[target]


def test_a_new_app_has_no_extensions(app):
    inspection = socketify_ext.inspect(app)
    assert (inspection.order, inspection.members, inspection.settled) == ((), {}, ())


def test_register_works_as_a_call_and_as_a_decorator(app):
    cart = socketify_ext.load("cart")
    assert app.register(cart) is cart

    @app.register
    def shop(request, response, ws):
        request.property("till")

    assert names(app) == ["cart", "shop"]
    assert callable(shop)


def test_inspect_tells_members_with_provenance_the_order_and_what_was_settled(app):
    app.register(socketify_ext.load("cart"))
    app.register(adding("shop", "cart").overriding("cart"))
    inspection = socketify_ext.inspect(app)
    assert str(inspection.order[0].provenance).startswith("'cart' (built-in, cart/extension.py:")
    provenance = inspection.members["request.cart"].provenance
    assert provenance.extension == "shop"
    assert provenance.location.startswith("test_app.py:")
    (settled,) = inspection.settled
    assert (settled.by, settled.winner) == ("override", inspection.members["request.cart"])
    assert [provider.provenance.extension for provider in settled.collision.providers] == ["cart", "shop"]


def test_inspect_draws_the_extensions_as_a_tree(app):
    registry = Registry(environment={})
    registry.add(adding("log", "log"))
    app = socketify_ext.App(registry=registry)
    app.register(adding("shop", "cart", "till", requires=["log"]))
    text = str(socketify_ext.inspect(app))
    lines = [line.partition(" (")[0] for line in text.splitlines()]
    assert lines == ["'log'", "└── request.log()", "'shop'", "├── request.cart()", "└── request.till()"]
    assert "required by shop" in text


def test_members_are_compiled_for_their_target(app):
    app.register(adding("shop", "till", target="response"))
    assert compiled(app, "response").till(None) == "shop"
    assert not hasattr(compiled(app, "request"), "till")


@pytest.mark.parametrize(("target", "name"), PUBLIC)
def test_a_name_of_the_core_is_taken_on_purpose_only(app, target, name):
    shop = adding("shop", name, target=target)
    with pytest.raises(CoreNameError, match=rf"'shop' .* adds {target}\.{name} \(test_app\.py:"):
        app.register(shop)
    assert names(app) == []
    app.register(shop.overriding(f"{target}.{name}"))
    assert members(app) == {f"{target}.{name}": "shop"}
    assert getattr(compiled(app, target), name)(None) == "shop"


@pytest.mark.parametrize(("target", "name"), STATE)
def test_state_of_the_core_is_never_taken(app, target, name):
    shop = adding("shop", "fine", target=target).renamed(fine=name)
    for made in (shop, shop.overriding("fine")):
        with pytest.raises((CoreNameError, MemberNameError)):
            app.register(made)
    assert names(app) == []


@pytest.mark.parametrize("policy", ["keep", "replace"])
def test_an_app_has_a_policy_for_collisions(make, policy):
    app = make(on_collision=policy)
    app.register(adding("first", "user"))
    app.register(adding("second", "user"))
    assert members(app) == {"request.user": "first" if policy == "keep" else "second"}


def test_collisions_are_an_error_by_default_and_change_nothing(app):
    app.register(adding("first", "user", "till"))
    before = dict(app._node.classes)
    with pytest.raises(CollisionError) as caught:
        app.register(adding("second", "till", "user", "new"))
    assert [collision.name for collision in caught.value.collisions] == ["user", "till"]
    assert dict(app._node.classes) == before
    assert names(app) == ["first"]


def test_an_unknown_policy_is_refused(make):
    with pytest.raises(DeclarationError, match=r"on_collision='ignore': .*'error', 'keep' or 'replace'"):
        make(on_collision="ignore")


def test_requirements_come_from_the_app_s_registry(make):
    registry = Registry(environment={})
    registry.add(adding("log", "log"))
    app = make(registry=registry)
    app.register(adding("shop", requires=["log", "cart"]))
    assert names(app) == ["log", "cart", "shop"]
    required = {spec.name: spec.provenance.required_by for spec in socketify_ext.inspect(app).order}
    assert required == {"log": "shop", "cart": "shop", "shop": None}


@pytest.mark.parametrize("value", [None, 3, "cart", lambda request: None])
def test_nothing_but_an_extension_is_registered(app, value):
    with pytest.raises(SignatureError):
        app.register(value)


def test_a_route_that_can_not_be_added_leaves_the_app_as_it_was(app):
    @socketify_ext.extension("shop")
    def shop(request, response, ws, *, app):
        request.property("till")
        app.get("/shop", lambda res, req: res.end("shop"))
        app.ws("/ws", {"max_payload_length": "no number"})

    with pytest.raises(socketify_ext.ExtensionError, match="max_payload_length='no number'"):
        app.register(shop)
    assert names(app) == []
    assert not hasattr(compiled(app, "request"), "till")


class FailingSerializer:
    @property
    def dump_bytes(self):
        raise RuntimeError("half way")


def test_a_plan_that_fails_half_way_is_dropped(app):
    app.register(adding("cart", "cart"))

    @socketify_ext.extension("shop")
    def shop(request, response, ws, *, app):
        request.property("till")
        app.before_request(lambda res, req: None)
        app.json_serializer(FailingSerializer())

    with pytest.raises(RuntimeError, match="half way"):
        app.register(shop)
    assert names(app) == ["cart"]
    assert hasattr(compiled(app, "request"), "cart")
    assert not hasattr(compiled(app, "request"), "till")
    assert app._node.hooks._are_none


def test_an_extension_that_raises_leaves_the_app_as_it_was(app):
    @socketify_ext.extension("shop")
    def shop(request, response, ws, *, app):
        request.property("till")
        app.get("/shop", lambda res, req: res.end("shop"))
        app.on_startup(lambda: None)
        app.on_start(lambda: None)
        app.pool = 1
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        app.register(shop)
    assert names(app) == []
    assert app._server.routes == app._own_startup == []
    assert not hasattr(app, "pool")


def test_the_injected_app_stands_for_the_app(app):
    kept = []

    @socketify_ext.extension("shop")
    def shop(request, response, ws, *, app):
        kept.append(app)
        app.pool = "pool"
        app.get("/shop", lambda res, req: res.end("shop"))
        assert app.loop is not None

    app.register(shop)
    assert app.pool == "pool"
    assert [route.name for route in app._server.routes] == ["GET /shop"]
    kept[0].get("/late", lambda res, req: res.end("late"))
    assert [route.name for route in app._server.routes] == ["GET /shop", "GET /late"]


def test_install_gives_the_same_object_and_works_once():
    stock = socketify.App()
    app = socketify_ext.install(stock)
    assert app is stock
    assert isinstance(app, socketify_ext.App)
    app.register(adding("shop", "till"))
    assert socketify_ext.install(app) is app
    assert names(app) == ["shop"]


class Subclass(socketify.App):
    def greet(self):
        return "hello"


def test_install_keeps_what_a_subclass_adds():
    app = socketify_ext.install(Subclass())
    assert isinstance(app, Subclass)
    assert isinstance(app, socketify_ext.App)
    assert app.greet() == "hello"
    app.register(adding("shop", "till"))
    assert names(app) == ["shop"]


@pytest.mark.parametrize("value", [None, "app", socketify.App])
def test_install_takes_an_app_only(value):
    with pytest.raises(ArgumentError, match="is not a socketify App"):
        socketify_ext.install(value)


def test_install_refuses_an_app_with_routes_and_says_what_to_do():
    app = socketify.App()
    app.get("/", lambda res, req: res.end("stock"))
    with pytest.raises(InstallError, match=r"has 1 route already: .*before its first route"):
        socketify_ext.install(app)
    assert type(app) is socketify.App


def test_install_takes_over_what_the_core_has_registered():
    app = socketify.App()

    @app.register
    def shop(request, response, ws):
        @request.method
        def till(self):
            return "till"

        response.property("items", [])

    socketify_ext.install(app)
    inspection = socketify_ext.inspect(app)
    assert names(app) == ["earlier"]
    assert sorted(inspection.members) == ["request.till", "response.items"]
    assert inspection.members["request.till"].provenance.location.startswith("test_app.py:")
    assert compiled(app, "request").till(None) == "till"
    with pytest.raises(CollisionError):
        app.register(adding("other", "till"))


def test_install_takes_over_a_managed_stock_app():
    app = socketify.App()
    app.register(socketify_ext.load("cart"))
    app.register(socketify_ext.load("msgpack", content_type="application/x-msgpack"))
    before = socketify_ext.inspect(app)
    socketify_ext.install(app)
    assert socketify_ext.inspect(app) == before
    app.register(socketify_ext.load("cart"))
    assert names(app) == ["cart", "msgpack"]


@pytest.mark.parametrize("name", ["end", "get_header"])
def test_an_install_that_fails_leaves_the_app_as_it_was(name):
    app = socketify.App()

    @app.register
    def shop(request, response, ws):
        request.property("get_header", 1)
        response.property("end", 1)

    before = (app._request_extension, app._response_extension, app._ws_extension)
    with pytest.raises(CoreNameError):
        socketify_ext.install(app)
    assert type(app) is socketify.App
    assert (app._request_extension, app._response_extension, app._ws_extension) == before


def test_install_takes_over_the_core_s_start_and_shutdown_functions():
    app = socketify.App()
    start = app.on_start(lambda: None)
    stop = app.on_shutdown(lambda: None)
    socketify_ext.install(app)
    assert (app._own_startup, app._own_shutdown) == ([start], [stop])


def test_a_failed_start_up_names_the_extension_and_nothing_listens(app):
    @socketify_ext.extension("shop")
    def shop(request, response, ws, *, app):
        @app.on_startup
        async def connect():
            raise ConnectionError("no database")

    app.register(shop)
    told = []
    for _ in range(2):
        with pytest.raises(LifecycleError, match=r"extension 'shop' \(test_app\.py:\d+\) failed to start in .*connect"):
            app.listen({"port": 0, "host": "127.0.0.1"}, told.append)
    assert told == []


def test_an_extension_with_start_up_functions_comes_before_the_start(app):
    app._lifecycle.state = "started"

    @socketify_ext.extension("shop")
    def shop(request, response, ws, *, app):
        app.on_startup(lambda: None)

    with pytest.raises(LifecycleError, match=r"Register it before app.listen"):
        app.register(shop)
    assert names(app) == []
    app.register(adding("late", "till"))
    assert names(app) == ["late"]


def starting_app():
    """Make an app that prints what starts and stops."""
    app = socketify_ext.App()

    def say(text):
        return lambda: print(text)

    def starting(name, **arguments):
        @socketify_ext.extension(name, **arguments)
        def function(request, response, ws, *, app):
            app.on_startup(say(f"{name} up"))
            app.on_shutdown(say(f"{name} down"))

        return function

    app.get("/", lambda res, req: res.end("up"))
    app.on_startup(say("app up"))
    app.on_shutdown(say("app down"))
    app.register(starting("first"))
    app.register(starting("second", before=["first"]))
    return app


def test_extensions_start_in_order_before_the_program_and_stop_in_reverse():
    with serve(starting_app) as serving:
        assert httpx2.get(serving.url).text == "up"
        assert serving.stop() == 0
        lines = serving.log.split("\n")
    assert [line for line in lines if line] == [
        *("second up", "first up", "app up"),
        *("app down", "first down", "second down"),
    ]


def test_wrong_options_never_reach_the_app(app):
    with pytest.raises(OptionsError):
        app.register(socketify_ext.load("auth"))
    assert names(app) == []


def test_two_apps_share_nothing(make):
    first, second = make(), make()
    first.register(adding("shop", "till"))
    assert (names(first), names(second)) == (["shop"], [])
    assert not hasattr(compiled(second, "request"), "till")


def test_a_third_party_s_plugin_is_registered_by_name(app, tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(site.folder))
    site.module("shop_module", "def shop(request, response, ws):\n    request.property('till')\n")
    site.distribution("dist-shop", "1.2", extensions={"shop": "shop_module:shop"})
    app.register(Registry(environment={}).load("shop"))
    provenance = socketify_ext.inspect(app).members["request.till"].provenance
    assert str(provenance) == "'shop' (dist-shop 1.2, shop_module.py:2)"
    site.forget()


def test_a_route_that_can_not_be_bound_leaves_no_other_route_behind():
    app = socketify_ext.App()

    @socketify_ext.extension("routed")
    def routed(request, response, ws, *, app):
        app.get("/one", lambda res, req: res.end("one"))
        app.ws("/two", {"idle_timeout": 5000})

    with pytest.raises(ValueError, match="idle_timeout"):
        app.register(routed)
    assert app._server.routes == []
    assert socketify_ext.inspect(app).order == ()


HANDLERS = {"ws": {"message": lambda ws, message, opcode: None}, "static": "/"}


@pytest.mark.parametrize("method", ["get", "post", "any", "ws", "static"])
def test_a_second_route_of_one_method_and_pattern_is_refused(app, method):
    handler = HANDLERS.get(method, lambda res, req: None)
    getattr(app, method)("/a/b", handler)
    with pytest.raises(DuplicateRouteError, match=r"/a/b.*another path"):
        getattr(app, method)("/a/b", handler)
    getattr(app, method)("/a/c", handler)


@pytest.mark.parametrize("method", ["get", "ws", "static"])
@pytest.mark.parametrize("taken", ["by the app", "by another extension", "by itself"])
def test_an_extension_whose_route_is_taken_leaves_the_app_as_it_was(app, method, taken):
    handler = HANDLERS.get(method, lambda res, req: None)

    def routing(name, times):
        @socketify_ext.extension(name)
        def extension(request, response, ws, *, app):
            request.method(lambda self: 1, name=f"from_{name}")
            for _ in range(times):
                getattr(app, method)("/metrics", handler)

        return extension

    if taken == "by the app":
        getattr(app, method)("/metrics", handler)
    elif taken == "by another extension":
        app.register(routing("first", 1))
    with pytest.raises(DuplicateRouteError, match=r"'second'.*/metrics"):
        app.register(routing("second", 2 if taken == "by itself" else 1))
    assert "request.from_second" not in socketify_ext.inspect(app).members
