from __future__ import annotations

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
from socketify_ext.registration import Binding
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
    """Stand for the app: keep what was committed."""

    def __init__(self) -> None:
        self.classes = None
        self.new: list[str] = []
        self.failure: Exception | None = None

    def __call__(self, classes, new):
        if new and self.failure is not None:
            raise self.failure
        self.classes = classes
        self.new += [declaration.spec.name for declaration in new]


@pytest.fixture
def registry():
    return Registry(environment={})


@pytest.fixture
def commit():
    return Recorder()


@pytest.fixture
def binding(registry, commit):
    reserved = {"request": Reserved(public=frozenset({"get_header"}), state=frozenset({"req"}))}
    return Binding("the app", registry, dict.fromkeys(("request", "response", "ws"), Core), reserved, commit)


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


def order(binding):
    return [spec.name for spec in binding.resolution.order]


def members(binding):
    return {f"{target}.{name}" for target, name in binding.resolution.members}


def test_a_registration_is_compiled_and_committed(binding, commit):
    binding.register(adding("shop", "cart"))
    assert commit.new == ["shop"]
    assert commit.classes["request"]().cart is None
    assert (order(binding), members(binding)) == (["shop"], {"request.cart"})


def test_each_commit_has_all_members(binding, commit):
    binding.register(adding("shop", "cart"))
    binding.register(adding("auth", "user"))
    assert commit.classes["request"]().cart is commit.classes["request"]().user is None
    assert commit.new == ["shop", "auth"]


def test_the_app_is_injected(binding):
    got = []

    @extension("shop")
    def shop(request, response, ws, *, app):
        got.append(app.upper())

    binding.register(shop)
    assert got == ["THE APP"]


def test_the_same_extension_again_changes_nothing(binding, commit):
    shop = adding("shop", "cart")
    binding.register(shop)
    binding.register(shop)
    binding.register(shop.renamed().configured())
    assert commit.new == ["shop"]


class Options(BaseModel):
    unit: str = "kg"


def test_the_same_options_are_the_same_extension(binding, commit):
    shop = adding("shop", "cart", options=Options)
    binding.register(shop)
    binding.register(shop.configured(unit="kg"))
    assert commit.new == ["shop"]


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
def test_another_registration_of_the_name_is_an_error(binding, commit, change):
    shop = adding("shop", "cart", options=Options)
    binding.register(shop)
    with pytest.raises(
        AlreadyRegisteredError, match=r"'shop' .* is registered a second time: 'shop' .* is there"
    ) as caught:
        binding.register(change(shop))
    assert caught.value.name == "shop"
    assert (commit.new, members(binding)) == (["shop"], {"request.cart"})


def function_called_extension(member):
    def extension(request, response, ws):
        request.property(member)

    return extension


def test_bare_functions_of_one_name_are_told_apart(binding):
    first, second = function_called_extension("a"), function_called_extension("b")
    for function in (first, second, first, second):
        binding.register(as_extension(function))
    assert order(binding) == ["extension", "extension~2"]
    assert members(binding) == {"request.a", "request.b"}


class Tools:
    def install(self, request, response, ws):
        request.property("tool")


def test_a_bound_method_is_the_same_extension_each_time(binding):
    tools = Tools()
    binding.register(as_extension(tools.install))
    binding.register(as_extension(tools.install))
    assert order(binding) == ["install"]


def test_what_is_required_is_registered_first_and_says_who_asked(binding, registry, site):
    binding.register(registry.load("jwt"))
    assert order(binding) == ["log-tool", "auth-tool", "jwt"]
    asked = {spec.name: spec.provenance.required_by for spec in binding.resolution.order}
    assert asked == {"log-tool": "auth-tool", "auth-tool": "jwt", "jwt": None}
    assert binding.resolution.members["request", "log"].provenance.required_by == "auth-tool"


def test_what_is_there_is_not_registered_again(binding, registry, commit, site):
    binding.register(registry.load("log-tool"))
    binding.register(registry.load("jwt"))
    binding.register(registry.load("auth-tool"))
    assert commit.new == ["log-tool", "auth-tool", "jwt"]


def test_a_requirement_of_the_program_s_own_is_found(binding, registry):
    registry.add(adding("auth-tool", "auth"))
    binding.register(adding("shop", requires=["auth-tool"]))
    assert order(binding) == ["auth-tool", "shop"]


def test_a_requirement_s_version_must_fit(binding, site):
    binding.register(adding("shop", requires=["log-tool>=1,<2"]))
    with pytest.raises(MissingRequirementError, match=r"requires 'auth-tool>=2': .*dist-tools 1\.5.*has version 1\.5"):
        binding.register(adding("other", requires=["auth-tool>=2"]))
    assert order(binding) == ["log-tool", "shop"]


def test_an_unknown_requirement_is_an_error(binding, commit):
    with pytest.raises(MissingRequirementError, match="requires 'nothing': it is not registered"):
        binding.register(adding("shop", "cart", requires=["nothing"]))
    assert commit.classes is None


def test_a_requirement_that_needs_options_is_an_error_that_says_so(binding, commit):
    with pytest.raises(MissingRequirementError) as caught:
        binding.register(adding("shop", "cart", requires=["auth"]))
    text = str(caught.value)
    assert "requires 'auth': it can't be loaded with default options: [EXT104]" in text
    assert text.endswith('Register it first: app.register(socketify_ext.load("auth", ...)).')
    assert ".." not in text.replace("...", "")
    assert caught.value.__cause__.code == "EXT104"
    assert commit.classes is None


def test_a_blocked_requirement_is_an_error(commit):
    registry = Registry(environment={"SOCKETIFY_EXT_DISABLE": "cart"})
    binding = Binding(None, registry, dict.fromkeys(("request", "response", "ws"), Core), {}, commit)
    with pytest.raises(MissingRequirementError, match="SOCKETIFY_EXT_DISABLE"):
        binding.register(adding("shop", requires=["cart"]))


def test_extensions_that_require_each_other_are_a_cycle(binding, registry, commit, site):
    with pytest.raises(OrderingCycleError) as caught:
        binding.register(registry.load("ring-a"))
    assert set(caught.value.cycle) == {"ring-a", "ring-b"}
    assert commit.classes is None


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (adding("wrong", "new", "cart"), CollisionError),
        (adding("wrong", "new", "get_header"), CoreNameError),
        (adding("wrong", "new", "req"), CoreNameError),
        (adding("wrong", "new", before=["shop"], after=["shop"]), OrderingCycleError),
    ],
)
def test_a_failed_registration_changes_nothing(binding, commit, wrong, error):
    binding.register(adding("shop", "cart"))
    before = (commit.classes, binding.resolution, binding.declarations)
    with pytest.raises(error):
        binding.register(wrong)
    assert (commit.classes, binding.resolution, binding.declarations) == before


def test_an_extension_that_raises_half_way_changes_nothing(binding, commit):
    @extension("wrong", requires=["cart"])
    def wrong(request, response, ws):
        request.property("new")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        binding.register(wrong)
    assert (commit.classes, order(binding)) == (None, [])


def test_a_commit_that_fails_half_way_is_taken_back(binding, commit):
    binding.register(adding("shop", "cart"))
    commit.failure = RuntimeError("no route")
    with pytest.raises(RuntimeError, match="no route"):
        binding.register(adding("auth", "user"))
    assert hasattr(commit.classes["request"], "cart")
    assert not hasattr(commit.classes["request"], "user")
    assert order(binding) == ["shop"]


def test_attributes_set_on_the_app_are_there_only_if_all_went_well(registry, commit):
    class App:
        pass

    app = App()
    binding = Binding(app, registry, dict.fromkeys(("request", "response", "ws"), Core), {}, commit)

    @extension("shop")
    def shop(request, response, ws, *, app):
        app.pool = "pool"
        request.property("cart")

    binding.register(adding("other", "cart"))
    with pytest.raises(CollisionError):
        binding.register(shop)
    assert not hasattr(app, "pool")
    binding.register(shop.renamed(cart="basket"))
    assert app.pool == "pool"


@pytest.mark.parametrize(("policy", "winner"), [("keep", "first"), ("replace", "second")])
def test_a_policy_settles_collisions(registry, commit, policy, winner):
    binding = Binding(None, registry, dict.fromkeys(("request", "response", "ws"), Core), {}, commit, policy)
    binding.register(adding("first", "cart"))
    binding.register(adding("second", "cart"))
    assert binding.resolution.members["request", "cart"].provenance.extension == winner
    assert [settled.by for settled in binding.resolution.settled] == [policy]


def test_start_up_functions_come_in_resolved_order(binding):
    def starting(name, **arguments):
        @extension(name, **arguments)
        def function(request, response, ws, *, app):
            @app.on_startup
            def start():
                pass

            start.name = name

        return function

    binding.register(starting("first"))
    binding.register(starting("second", before=["first"]))
    units = binding.units()
    assert [function.name for unit in units for function in unit.startup] == ["second", "first"]
    assert units[0].who.startswith("extension 'second' (test_registration.py:")


def test_rewinding_goes_back_to_earlier_declarations(binding, commit):
    binding.register(adding("shop", "cart"))
    earlier = binding.declarations
    binding.register(adding("auth", "user"))
    binding.rewind(earlier)
    assert (order(binding), members(binding)) == (["shop"], {"request.cart"})
    assert not hasattr(commit.classes["request"], "user")
