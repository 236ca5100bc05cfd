from __future__ import annotations

import inspect
import sys

import pluggy
import pytest
from fake_distributions import Site

import socketify_ext
from socketify_ext import hookspecs
from socketify_ext.errors import BrokenPluginError, CollisionError, HookError
from socketify_ext.registry.registry import Registry

HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("socketify_ext_"))


@pytest.fixture
def site(tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(site.folder))
    yield site
    site.forget()


@pytest.fixture
def registry():
    return Registry(environment={})


def plugin(**hooks):
    """Make a plugin of functions, each marked as an implementation."""
    return type("Plugin", (), {name: staticmethod(socketify_ext.hookimpl(hook)) for name, hook in hooks.items()})()


def implementations(registry):
    manager = registry.plugin_manager
    return {name: len(getattr(manager.hook, name).get_hookimpls()) for name in HOOKS}


def test_the_hooks_are_those_that_are_promised():
    signatures = {name: str(inspect.signature(getattr(hookspecs, name))) for name in HOOKS}
    assert signatures == {
        "socketify_ext_after_register": "(app: 'Any', spec: 'ExtensionSpec') -> 'None'",
        "socketify_ext_before_register": "(app: 'Any', spec: 'ExtensionSpec') -> 'None'",
        "socketify_ext_cli": "(cli: 'typer.Typer') -> 'None'",
        "socketify_ext_collision": "(app: 'Any', collision: 'Collision') -> 'str | None'",
    }


def test_every_hook_is_documented():
    for name in HOOKS:
        assert "Args:" in inspect.getdoc(getattr(hookspecs, name))


def test_each_registry_has_a_manager_with_these_hooks(registry):
    assert isinstance(registry.plugin_manager, pluggy.PluginManager)
    assert sorted(vars(registry.plugin_manager.hook).keys() & set(HOOKS)) == HOOKS


def test_hooks_of_installed_plugins_are_there(site, registry):
    site.module(
        "audit_module",
        """
        import socketify_ext
        seen = []

        @socketify_ext.hookimpl
        def socketify_ext_before_register(spec):
            seen.append(spec.name)
        """,
    )
    site.distribution("dist-audit", hooks={"audit": "audit_module"})
    app = socketify_ext.App(registry=registry)
    app.register(socketify_ext.load("cart"))
    assert sys.modules["audit_module"].seen == ["cart"]


def test_hooks_of_disabled_plugins_are_not_imported(site):
    site.module("loud_module", "raise AssertionError('imported')")
    site.distribution("Dist_Loud", hooks={"loud": "loud_module"})
    for name in ("loud", "dist-loud:loud", "Dist_Loud:loud"):
        registry = Registry(environment={"SOCKETIFY_EXT_DISABLE": name})
        assert registry.plugin_manager.get_plugins() == set()


def test_hooks_that_can_not_be_imported_are_an_error_that_names_the_plugin(site, registry):
    site.module("exploding_module", "raise RuntimeError('boom')")
    site.distribution("dist-odd", hooks={"odd": "exploding_module"}, extensions={"odd": "exploding_module:odd"})
    with pytest.raises(BrokenPluginError) as caught:
        _ = registry.plugin_manager
    assert str(caught.value) == (
        "[EXT301] plugin dist-odd 1.0 can't provide hooks 'odd' (entry point 'exploding_module'): "
        "RuntimeError: boom. Upgrade or reinstall dist-odd, or set SOCKETIFY_EXT_DISABLE=odd."
    )


def test_an_unknown_hook_is_an_error_that_names_the_plugin(site, registry):
    site.module(
        "odd_module",
        """
        import socketify_ext

        @socketify_ext.hookimpl
        def socketify_ext_before_registr(spec): ...
        """,
    )
    site.distribution("dist-odd", hooks={"odd": "odd_module"})
    with pytest.raises(HookError, match=r"Did you mean 'socketify_ext_before_register'.*\?$") as caught:
        _ = registry.plugin_manager
    assert (caught.value.plugin, caught.value.hook) == ("dist-odd 1.0 (odd)", "socketify_ext_before_registr")
    assert "plugin dist-odd 1.0 (odd) implements hook socketify_ext_before_registr: " in str(caught.value)


@pytest.mark.parametrize(
    ("hooks", "why"),
    [
        ({"socketify_ext_nothing": lambda: None}, "implements hook socketify_ext_nothing: there is no such hook"),
        ({"before_register": lambda app: None}, "implements hook before_register: there is no such hook"),
        ({"socketify_ext_cli": lambda typer: None}, "socketify_ext_cli with typer: .* It passes cli"),
        (
            {"socketify_ext_before_register": lambda app, name, **_: None},
            "socketify_ext_before_register with name, _: .* It passes app, spec",
        ),
    ],
)
def test_a_wrong_hook_is_refused_and_leaves_the_manager_clean(registry, hooks, why):
    before = implementations(registry)
    wrong = plugin(socketify_ext_after_register=lambda app: None, **hooks)
    with pytest.raises(HookError, match=why):
        registry.add_hooks(wrong, "odd")
    assert implementations(registry) == before
    assert registry.plugin_manager.get_plugins() == set()
    assert sorted(name for name in vars(registry.plugin_manager.hook) if name.startswith("socketify")) == HOOKS
    registry.add_hooks(plugin(socketify_ext_after_register=lambda app: None), "odd")


def test_what_pluggy_itself_refuses_is_a_hook_error_and_leaves_the_manager_clean(registry):
    class Wrapper:
        @socketify_ext.hookimpl
        def socketify_ext_after_register(self, app):
            pass

        @socketify_ext.hookimpl(wrapper=True)
        def socketify_ext_before_register(self, app):
            return None

    with pytest.raises(HookError, match=r"plugin Wrapper .*not a generator"):
        registry.add_hooks(Wrapper())
    assert registry.plugin_manager.get_plugins() == set()
    assert set(implementations(registry).values()) == {0}


def test_a_hook_may_have_another_name_in_the_plugin(registry):
    class Audit:
        @socketify_ext.hookimpl(specname="socketify_ext_before_register")
        def look(self, spec):
            pass

    registry.add_hooks(Audit())
    assert implementations(registry)["socketify_ext_before_register"] == 1


def test_an_optional_hook_may_be_one_of_a_later_version(registry):
    class Future:
        @socketify_ext.hookimpl(optionalhook=True)
        def socketify_ext_later(self, anything):
            pass

    registry.add_hooks(Future())
    assert set(implementations(registry).values()) == {0}
    with pytest.raises(HookError, match="no such hook"):
        registry.add_hooks(plugin(socketify_ext_later=lambda: None))


def test_a_plugin_is_added_once(registry):
    audit = plugin(socketify_ext_after_register=lambda app: None)
    registry.add_hooks(audit)
    registry.add_hooks(audit)
    assert implementations(registry)["socketify_ext_after_register"] == 1


def test_two_plugins_of_one_class_are_two(registry):
    class Audit:
        @socketify_ext.hookimpl
        def socketify_ext_after_register(self, app):
            pass

    registry.add_hooks(Audit())
    registry.add_hooks(Audit())
    assert implementations(registry)["socketify_ext_after_register"] == 2


def test_a_given_name_is_taken_once(registry):
    registry.add_hooks(plugin(socketify_ext_after_register=lambda app: None), "audit")
    with pytest.raises(HookError, match=r"plugin audit .*another plugin has that name"):
        registry.add_hooks(plugin(socketify_ext_cli=lambda cli: None), "audit")
    assert implementations(registry)["socketify_ext_cli"] == 0


def shop(request, response, ws):
    request.property("cart")


@pytest.fixture
def app(registry):
    return socketify_ext.App(registry=registry)


def test_before_and_after_surround_a_registration(app, registry):
    seen = []

    class Audit:
        @socketify_ext.hookimpl
        def socketify_ext_before_register(self, app, spec):
            seen.append(("before", app, spec.name, list(socketify_ext.inspect(app).members)))

        @socketify_ext.hookimpl
        def socketify_ext_after_register(self, app, spec):
            seen.append(("after", app, spec.name, list(socketify_ext.inspect(app).members)))

    registry.add_hooks(Audit())
    app.register(shop)
    assert seen == [("before", app, "shop", []), ("after", app, "shop", ["request.cart"])]
    app.register(shop)
    assert len(seen) == 2


def test_before_may_refuse_a_registration(app, registry):
    def refuse(spec):
        raise PermissionError(spec.name)

    registry.add_hooks(plugin(socketify_ext_before_register=refuse))
    with pytest.raises(PermissionError, match="shop"):
        app.register(shop)
    assert socketify_ext.inspect(app).order == ()


def test_a_failing_after_hook_is_logged_and_the_registration_stands(app, registry, caplog):
    def fail(spec):
        raise RuntimeError("boom")

    registry.add_hooks(plugin(socketify_ext_after_register=fail))
    app.register(shop)
    assert list(socketify_ext.inspect(app).members) == ["request.cart"]
    (record,) = caplog.records
    assert "socketify_ext_after_register failed for extension 'shop'" in record.getMessage()
    assert record.exc_info[0] is RuntimeError


def test_the_collision_hook_settles_a_collision(app, registry):
    asked = []

    def settle(app, collision):
        asked.append((app, f"{collision.target}.{collision.name}", len(collision.providers)))
        return "shop"

    registry.add_hooks(plugin(socketify_ext_collision=settle))
    app.register(shop)
    app.register(registry.load("cart"))
    inspection = socketify_ext.inspect(app)
    assert asked == [(app, "request.cart", 2)]
    assert inspection.members["request.cart"].provenance.extension == "shop"
    assert [(each.winner.provenance.extension, each.by) for each in inspection.settled] == [("shop", "hook")]


def test_the_first_collision_hook_that_answers_decides(app, registry):
    registry.add_hooks(plugin(socketify_ext_collision=lambda collision: "cart"))
    registry.add_hooks(plugin(socketify_ext_collision=lambda collision: None), "silent")
    app.register(shop)
    app.register(registry.load("cart"))
    assert socketify_ext.inspect(app).members["request.cart"].provenance.extension == "cart"


def test_a_collision_hook_may_leave_it_an_error(app, registry):
    registry.add_hooks(plugin(socketify_ext_collision=lambda collision: None))
    app.register(shop)
    with pytest.raises(CollisionError):
        app.register(registry.load("cart"))


def test_a_collision_hook_must_name_a_provider(app, registry):
    registry.add_hooks(plugin(socketify_ext_collision=lambda collision: "auth"))
    app.register(shop)
    with pytest.raises(HookError, match="Return 'shop' or 'cart', or None"):
        app.register(registry.load("cart"))
    assert [spec.name for spec in socketify_ext.inspect(app).order] == ["shop"]
