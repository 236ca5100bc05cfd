from __future__ import annotations

from importlib.metadata import version

import pytest
from fake_distributions import Site
from pydantic import BaseModel

from socketify_ext import extension
from socketify_ext.errors import (
    AlreadyRegisteredError,
    CollisionError,
    CoreNameError,
    MissingRequirementError,
    OrderingCycleError,
)
from socketify_ext.registration import Registration
from socketify_ext.registry.registry import Registry
from socketify_ext.sdk.declaration import as_extension
from socketify_ext.sdk.resolution import Reserved

REQUIRING = """
    import socketify_ext

    @socketify_ext.extension("jwt", requires=["auth-tool>=1"])
    def jwt(request, response, ws):
        request.property("jwt")

    @socketify_ext.extension("auth-tool", requires=["log-tool"])
    def auth_tool(request, response, ws):
        request.property("auth")

    @socketify_ext.extension("log-tool")
    def log_tool(request, response, ws):
        request.property("log")

    @socketify_ext.extension("ring-a", requires=["ring-b"])
    def ring_a(request, response, ws): ...

    @socketify_ext.extension("ring-b", requires=["ring-a"])
    def ring_b(request, response, ws): ...
"""


class Core:
    """Stand for a class of the core."""


class Recorder:
    """Stand for the app: apply plans, and keep the names of what was new."""

    def __init__(self, app, registry, reserved=None, policy="error"):
        bases = dict.fromkeys(("request", "response", "ws"), Core)
        self.registration = Registration(app, registry, bases, reserved or {}, policy)
        self.new: list[str] = []

    def register(self, made):
        plan = self.registration.plan(made)
        self.registration.complete(plan)
        self.new += [declaration.spec.name for declaration in plan.new]

    @property
    def plan(self):
        return self.registration.current

    def request(self):
        return self.plan.classes["request"]()

    @property
    def order(self):
        return [spec.name for spec in self.plan.resolution.order]

    @property
    def members(self):
        return {f"{target}.{name}" for target, name in self.plan.resolution.members}


@pytest.fixture
def registry():
    return Registry(environment={})


@pytest.fixture
def app(registry):
    reserved = {"request": Reserved(public=frozenset({"get_header"}), state=frozenset({"req"}))}
    return Recorder("the app", registry, reserved)


@pytest.fixture
def site(tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(site.folder))
    site.module("requiring_module", REQUIRING)
    names = ("jwt", "auth-tool", "log-tool", "ring-a", "ring-b")
    extensions = {name: f"requiring_module:{name.replace('-', '_')}" for name in names}
    site.distribution("dist-tools", "1.5", extensions=extensions)
    yield site
    site.forget()


def adding(name, *members, **arguments):
    @extension(name, **arguments)
    def function(request, response, ws):
        for member in members:
            request.property(member)

    return function


def test_a_plan_is_compiled_and_put_into_effect(app):
    app.register(adding("shop", "cart"))
    assert app.new == ["shop"]
    assert app.request().cart is None
    assert (app.order, app.members) == (["shop"], {"request.cart"})


def test_each_plan_has_all_members(app):
    app.register(adding("shop", "cart"))
    app.register(adding("auth", "user"))
    assert app.request().cart is app.request().user is None
    assert app.new == ["shop", "auth"]


def test_the_app_is_injected(app):
    got = []

    @extension("shop")
    def shop(request, response, ws, *, app):
        got.append(app.upper())

    app.register(shop)
    assert got == ["THE APP"]


def test_the_same_extension_again_changes_nothing(app):
    shop = adding("shop", "cart")
    app.register(shop)
    app.register(shop)
    app.register(shop.renamed().configured())
    assert app.new == ["shop"]


class Options(BaseModel):
    unit: str = "kg"


def test_the_same_options_are_the_same_extension(app):
    shop = adding("shop", "cart", options=Options)
    app.register(shop)
    app.register(shop.configured(unit="kg"))
    assert app.new == ["shop"]


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made.configured(unit="lb"),
        lambda made: made.renamed(cart="basket"),
        lambda made: made.only("cart"),
        lambda made: made.overriding("cart"),
        lambda made: adding("shop", "cart"),
    ],
)
def test_another_registration_of_the_name_is_an_error(app, change):
    shop = adding("shop", "cart", options=Options)
    app.register(shop)
    with pytest.raises(
        AlreadyRegisteredError, match=r"'shop' .* is registered a second time: 'shop' .* is there"
    ) as caught:
        app.register(change(shop))
    assert caught.value.name == "shop"
    assert (app.new, app.members) == (["shop"], {"request.cart"})


def function_called_extension(member):
    def extension(request, response, ws):
        request.property(member)

    return extension


def test_bare_functions_of_one_name_are_told_apart(app):
    first, second = function_called_extension("a"), function_called_extension("b")
    for function in (first, second, first, second):
        app.register(as_extension(function))
    assert app.order == ["extension", "extension~2"]
    assert app.members == {"request.a", "request.b"}


class Tools:
    def install(self, request, response, ws):
        request.property("tool")


def test_a_bound_method_is_the_same_extension_each_time(app):
    tools = Tools()
    app.register(as_extension(tools.install))
    app.register(as_extension(tools.install))
    assert app.order == ["install"]


def test_what_is_required_is_registered_first_and_says_who_asked(app, registry, site):
    app.register(registry.load("jwt"))
    assert app.order == ["log-tool", "auth-tool", "jwt"]
    asked = {spec.name: spec.provenance.required_by for spec in app.plan.resolution.order}
    assert asked == {"log-tool": "auth-tool", "auth-tool": "jwt", "jwt": None}
    assert app.plan.resolution.members["request", "log"].provenance.required_by == "auth-tool"


def test_what_is_there_is_not_registered_again(app, registry, site):
    app.register(registry.load("log-tool"))
    app.register(registry.load("jwt"))
    app.register(registry.load("auth-tool"))
    assert app.new == ["log-tool", "auth-tool", "jwt"]


def test_a_requirement_of_the_program_s_own_is_found(app, registry):
    registry.add(adding("auth-tool", "auth"))
    app.register(adding("shop", requires=["auth-tool"]))
    assert app.order == ["auth-tool", "shop"]


def test_a_requirement_s_version_must_fit(app, site):
    app.register(adding("shop", requires=["log-tool>=1,<2"]))
    with pytest.raises(MissingRequirementError, match=r"requires 'auth-tool>=2': .*dist-tools 1\.5.*has version 1\.5"):
        app.register(adding("other", requires=["auth-tool>=2"]))
    assert app.order == ["log-tool", "shop"]


def test_a_version_that_does_not_fit_is_told_before_options_that_are_missing(app):
    with pytest.raises(MissingRequirementError) as caught:
        app.register(adding("shop", requires=["auth>=99"]))
    assert f"has version {version('socketify-ext')}" in caught.value.why
    assert caught.value.fix == "Install a version of socketify-ext that fits >=99"
    assert "options" not in str(caught.value)


def test_a_requirement_without_a_version_fits_no_pin(app, registry):
    registry.add(adding("auth-tool", "auth"))
    with pytest.raises(MissingRequirementError, match=r"'auth-tool' \(test_registration\.py:\d+\) has no version"):
        app.register(adding("shop", requires=["auth-tool>=1"]))


def test_a_requirement_that_is_broken_is_told_with_what_mends_it(app, site):
    site.distribution("dist-broken", extensions={"broken": "no_such_module:it"})
    app.registration.registry = Registry(environment={})
    with pytest.raises(MissingRequirementError) as caught:
        app.register(adding("shop", requires=["broken"]))
    assert "it can't be loaded: [EXT301] plugin dist-broken 1.0" in caught.value.why
    assert caught.value.fix.startswith("Upgrade or reinstall dist-broken")
    assert "options" not in str(caught.value)


def test_an_unknown_requirement_is_an_error(app):
    with pytest.raises(MissingRequirementError, match="requires 'nothing': it is not registered"):
        app.register(adding("shop", "cart", requires=["nothing"]))
    assert app.plan.classes["request"] is Core


def test_a_requirement_that_needs_options_is_an_error_that_says_so(app):
    with pytest.raises(MissingRequirementError) as caught:
        app.register(adding("shop", "cart", requires=["auth"]))
    text = str(caught.value)
    assert "requires 'auth': it can't be loaded with default options: [EXT104]" in text
    assert text.endswith('Register it first: app.register(socketify_ext.load("auth", ...)).')
    assert ".." not in text.replace("...", "")
    assert caught.value.__cause__.code == "EXT104"
    assert app.plan.classes["request"] is Core


def test_a_blocked_requirement_is_an_error():
    registry = Registry(environment={"SOCKETIFY_EXT_DISABLE": "cart"})
    app = Recorder(None, registry)
    with pytest.raises(MissingRequirementError, match="SOCKETIFY_EXT_DISABLE"):
        app.register(adding("shop", requires=["cart"]))


def test_extensions_that_require_each_other_are_a_cycle(app, registry, site):
    with pytest.raises(OrderingCycleError) as caught:
        app.register(registry.load("ring-a"))
    assert set(caught.value.cycle) == {"ring-a", "ring-b"}
    assert app.plan.classes["request"] is Core


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (adding("wrong", "new", "cart"), CollisionError),
        (adding("wrong", "new", "get_header"), CoreNameError),
        (adding("wrong", "new", "req"), CoreNameError),
        (adding("wrong", "new", before=["shop"], after=["shop"]), OrderingCycleError),
    ],
)
def test_a_failed_registration_changes_nothing(app, wrong, error):
    app.register(adding("shop", "cart"))
    before = app.plan
    with pytest.raises(error):
        app.register(wrong)
    assert app.plan is before


def test_an_extension_that_raises_half_way_changes_nothing(app):
    @extension("wrong", requires=["cart"])
    def wrong(request, response, ws):
        request.property("new")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        app.register(wrong)
    assert (app.plan.classes["request"], app.order) == (Core, [])


def test_a_plan_changes_nothing(app):
    app.register(adding("shop", "shop"))
    before = app.plan
    plan = app.registration.plan(adding("auth", "user", requires=["cart"]).renamed(user="who"))
    assert app.plan is before
    assert [declaration.spec.name for declaration in plan.new] == ["cart", "auth"]
    assert plan.classes["request"]().who is None
    assert not hasattr(app.request(), "who")


def test_attributes_set_on_the_app_are_there_only_if_all_went_well(registry):
    class App:
        pass

    target = App()
    app = Recorder(target, registry)

    @extension("shop")
    def shop(request, response, ws, *, app):
        app.pool = "pool"
        request.property("cart")

    app.register(adding("other", "cart"))
    with pytest.raises(CollisionError):
        app.register(shop)
    assert not hasattr(target, "pool")
    app.register(shop.renamed(cart="basket"))
    assert target.pool == "pool"


@pytest.mark.parametrize(("policy", "winner"), [("keep", "first"), ("replace", "second")])
def test_a_policy_settles_collisions(registry, policy, winner):
    app = Recorder(None, registry, policy=policy)
    app.register(adding("first", "cart"))
    app.register(adding("second", "cart"))
    assert app.plan.resolution.members["request", "cart"].provenance.extension == winner
    assert [settled.by for settled in app.plan.resolution.settled] == [policy]


def test_start_up_functions_come_in_resolved_order(app):
    def starting(name, **arguments):
        @extension(name, **arguments)
        def function(request, response, ws, *, app):
            @app.on_startup
            def start():
                pass

            start.name = name

        return function

    app.register(starting("first"))
    app.register(starting("second", before=["first"]))
    entries = app.plan.lifecycle_entries()
    assert [function.name for entry in entries for function in entry.startup] == ["second", "first"]
    assert entries[0].who.startswith("extension 'second' (test_registration.py:")


def test_a_plan_can_follow_an_earlier_one(app):
    app.register(adding("shop", "cart"))
    earlier = app.plan
    app.register(adding("auth", "user"))
    plan = app.registration.plan_declared([adding("log", "log").declare()], earlier)
    assert list(plan.declarations) == ["shop", "log"]
    assert app.order == ["shop", "auth"]
