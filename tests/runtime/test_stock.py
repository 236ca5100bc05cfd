from __future__ import annotations

import pytest
import socketify
from socketify.native import ffi

import socketify_ext
from socketify_ext.errors import (
    AlreadyRegisteredError,
    CollisionError,
    CoreNameError,
    InstallError,
    MemberNameError,
    MissingRequirementError,
    PropertyError,
    SignatureError,
)
from socketify_ext.runtime.core import core


@pytest.fixture(params=[{}, {"request_response_factory_max_items": 2, "websocket_factory_max_items": 2}])
def app(request):
    return socketify.App(**request.param)


@pytest.fixture
def managed(app):
    app.register(socketify_ext.load("cart"))
    return app


def adding(name, *members, **arguments):
    @socketify_ext.extension(name, **arguments)
    def function(request, response, ws):
        for member in members:
            request.property(member, name)

    return function


def names(app):
    return [spec.name for spec in socketify_ext.inspect(app).order]


def members(app):
    return {name: member.provenance.extension for name, member in socketify_ext.inspect(app).members.items()}


def request_of(app):
    """Make a request as the core's dispatch does."""
    request = core.AppRequest(ffi.NULL, app)
    app._request_extension.set_properties(request)
    app._request_extension.bind_methods(request)
    return request


def test_a_loaded_extension_works_on_a_stock_app(app):
    app.register(socketify_ext.load("cart"))
    assert type(app) is socketify.App
    assert members(app) == {"request.cart": "cart"}
    first, second = request_of(app), request_of(app)
    first.cart.append("apple")
    assert (first.cart, second.cart) == (["apple"], [])


def test_a_declared_extension_and_a_bare_function_work_together(managed):
    managed.register(adding("shop", "till"))

    def tools(request, response, ws):
        @request.method
        def shout(self):
            return self.till.upper()

        @request.method(name="whisper")
        def low(self):
            return self.till.lower()

        request.property("number", default_value=3)
        response.property("colour", "red")

    managed.register(tools)
    assert names(managed) == ["cart", "shop", "tools"]
    request = request_of(managed)
    assert (request.shout(), request.whisper(), request.number) == ("SHOP", "shop", 3)


def test_what_was_registered_before_stays(app):
    def early(request, response, ws):
        @request.method
        def shout(self):
            return "loud"

        request.property("items", [])

    app.register(early)
    app.register(socketify_ext.load("cart"))
    assert names(app) == ["earlier", "cart"]
    assert request_of(app).shout() == "loud"
    request_of(app).items.append(1)
    assert request_of(app).items == []


def test_a_pooled_object_starts_afresh(managed):
    request = request_of(managed)
    request.cart.append("apple")
    request.leftover = 1
    managed._request_extension.set_properties(request)
    assert request.cart == []
    assert not hasattr(request, "leftover")


def test_a_stock_app_without_extensions_of_ours_has_none():
    app = socketify.App()
    app.register(lambda request, response, ws: request.property("till"))
    assert names(app) == []


def test_the_same_extension_again_changes_nothing(managed):
    managed.register(socketify_ext.load("cart"))
    assert names(managed) == ["cart"]
    with pytest.raises(AlreadyRegisteredError):
        managed.register(socketify_ext.load("cart").renamed(cart="basket"))
    assert members(managed) == {"request.cart": "cart"}


def test_the_same_bare_function_again_changes_nothing(managed):
    def shop(request, response, ws):
        @request.method
        def sell(self):
            pass

        request.property("till")

    managed.register(shop)
    managed.register(shop)
    assert members(managed) == {"request.cart": "cart", "request.sell": "shop", "request.till": "shop"}


def test_bare_functions_of_one_name_are_told_apart(managed):
    managed.register(lambda request, response, ws: request.property("a"))
    managed.register(lambda request, response, ws: request.property("b"))
    assert names(managed) == ["cart", "lambda", "lambda~2"]


def test_bare_functions_may_have_any_name(managed):
    names_of = {"a": "größe", "b": "___", "c": "___"}
    for member, name in names_of.items():
        namespace = {}
        exec(f"def {name}(request, response, ws): request.property({member!r})", namespace)  # noqa: S102
        managed.register(namespace[name])
    assert members(managed).keys() == {"request.cart", "request.a", "request.b", "request.c"}


def test_computed_properties_are_made_afresh_for_each_request_of_a_pool(managed):
    made = []

    def shop(request, response, ws):
        @request.property
        def till(self):
            made.append(self)
            return [len(made)]

        @request.property(name="counter")
        async def count(self):
            return len(made)

        request.property(lambda self: self.till, name="again")

    managed.register(shop)
    request = request_of(managed)
    assert request.till is request.again
    counter = request.counter
    assert (request.till, request.counter is counter) == ([1], True)
    managed._request_extension.set_properties(request)
    assert request.till == [2]
    assert request.counter is not counter
    managed.register(shop)
    assert members(managed) == {"request.cart": "cart"} | dict.fromkeys(
        ("request.till", "request.counter", "request.again"), "shop"
    )
    provenance = socketify_ext.inspect(managed).members["request.till"].provenance
    assert provenance.location.startswith("test_stock.py:")


def test_requirements_are_registered_first(app):
    app.register(adding("shop", "till", requires=["cart"]))
    assert names(app) == ["cart", "shop"]
    assert socketify_ext.inspect(app).order[0].provenance.required_by == "shop"


def raising(request, response, ws):
    request.property("new")
    response.property("new")
    raise RuntimeError("half way")


def colliding(request, response, ws):
    request.property("new")
    request.property("cart")


def shadowing(request, response, ws):
    request.property("new")
    response.property("end")


def shadowing_state(request, response, ws):
    request.property("new")
    ws.property("ws", override=True)


def misnaming(request, response, ws):
    request.property("new")
    request.method(lambda self: 1)


def mistyping(request, response, ws):
    request.property("new")
    request.property("number", "1", type=int)


def computing_the_end(request, response, ws):
    request.property("new")

    @response.property
    def end(self):
        pass


def computing_with_more(request, response, ws):
    request.property("new")
    request.property(name="other")(lambda self, key: 1)


def without_self(request, response, ws):
    request.property("new")

    @request.method
    def method():
        pass


WRONG = [
    (raising, RuntimeError),
    (colliding, CollisionError),
    (shadowing, CoreNameError),
    (shadowing_state, CoreNameError),
    (misnaming, MemberNameError),
    (mistyping, PropertyError),
    (without_self, SignatureError),
    (computing_the_end, CoreNameError),
    (computing_with_more, SignatureError),
]


# The core does not say when a bare function fails on its own account: what it added before stays.
@pytest.mark.parametrize(
    ("function", "error", "declared"), [*((*each, True) for each in WRONG), *((*each, False) for each in WRONG[1:])]
)
def test_a_failed_registration_leaves_the_app_as_it_was(managed, function, error, declared):
    before = socketify_ext.inspect(managed)
    with pytest.raises(error):
        managed.register(socketify_ext.extension("wrong")(function) if declared else function)
    assert socketify_ext.inspect(managed) == before
    assert not hasattr(request_of(managed), "new")
    managed.register(adding("shop", "new"))
    assert request_of(managed).new == "shop"


@pytest.mark.parametrize(("function", "error"), WRONG)
def test_a_failed_first_registration_leaves_the_app_as_it_was(app, function, error):
    app.register(lambda request, response, ws: request.property("cart", "earlier"))
    with pytest.raises(error):
        app.register(socketify_ext.extension("wrong")(function))
    request = request_of(app)
    assert request.cart == "earlier"
    assert not hasattr(request, "new")


def test_a_missing_requirement_leaves_the_app_as_it_was(managed):
    with pytest.raises(MissingRequirementError):
        managed.register(adding("shop", "till", requires=["nothing"]))
    assert names(managed) == ["cart"]


@pytest.mark.parametrize(
    "use",
    [
        lambda app: app.get("/", print),
        lambda app: app.on_startup(print),
        lambda app: app.on_shutdown(print),
        lambda app: app.ws("/", {}),
        lambda app: app.loop,
        lambda app: setattr(app, "pool", 1),
    ],
)
def test_what_needs_an_installed_app_says_so(managed, use):
    @socketify_ext.extension("shop")
    def shop(request, response, ws, *, app):
        request.property("till")
        use(app)

    with pytest.raises(InstallError, match=r"extension 'shop' .*socketify_ext\.install\(app\)"):
        managed.register(shop)
    assert members(managed) == {"request.cart": "cart"}


def test_members_of_a_bare_function_say_where_they_stand(managed):
    def shop(request, response, ws):
        request.method(len, name="size")
        request.property("till")

    managed.register(shop)
    for name in ("request.size", "request.till"):
        provenance = socketify_ext.inspect(managed).members[name].provenance
        assert provenance.location.startswith("test_stock.py:")


def test_two_stock_apps_share_nothing(managed):
    other = socketify.App()
    other.register(socketify_ext.load("msgpack"))
    assert (names(managed), names(other)) == (["cart"], ["msgpack"])
