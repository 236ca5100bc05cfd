from __future__ import annotations

import sys

import pytest
from fake_distributions import METADATA, Site

import socketify_ext
from socketify_ext.errors import (
    BlockedExtensionError,
    BrokenPluginError,
    DuplicateProviderError,
    OptionsError,
    SignatureError,
    UnknownExtensionError,
)
from socketify_ext.registry.discovery import Listing
from socketify_ext.registry.registry import Registry, default_registry, registry_of

SHOP = """
    from pydantic import BaseModel
    import socketify_ext

    class Options(BaseModel):
        unit: str = "kg"

    @socketify_ext.extension("shop", options=Options)
    def shop(request, response, ws, *, options):
        '''Sell things.'''
        request.property("unit", options.unit)

    def bare(request, response, ws):
        request.property("bare")

    @socketify_ext.extension("another")
    def misnamed(request, response, ws): ...

    async def coroutine(request, response, ws): ...
    number = 3
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(site.folder))
    site.module("shop_module", SHOP)
    site.module("exploding_module", "raise RuntimeError('boom')")
    site.module("exiting_module", "raise SystemExit(3)")
    yield site
    site.forget()


def listed(registry):
    return {(listing.name, listing.distribution): listing for listing in registry.list()}


def bare(request, response, ws):
    """Do it."""
    request.property("bare")


def test_a_built_in_loads_by_name_and_by_its_qualified_name():
    registry = Registry(environment={})
    for name in ("cart", "socketify-ext:cart"):
        extension = registry.load(name)
        assert (extension.name, extension.distribution) == ("cart", "socketify-ext")


def test_a_plugin_loads_with_options_and_says_where_it_comes_from(site):
    site.distribution("dist-shop", "1.2", extensions={"shop": "shop_module:shop"})
    extension = Registry(environment={}).load("shop", unit="lb")
    assert (extension.name, extension.distribution, extension.version) == ("shop", "dist-shop", "1.2")
    spec = extension.declare().spec
    assert spec.members[0].default == "lb"
    assert str(spec.provenance).startswith("'shop' (dist-shop 1.2, shop_module.py:")
    assert spec.members[0].provenance.version == "1.2"


def test_a_bare_function_of_a_plugin_has_the_name_of_its_entry_point(site):
    site.distribution("dist-shop", extensions={"tool": "shop_module:bare"})
    extension = Registry(environment={}).load("tool")
    assert (extension.name, extension.declared) == ("tool", True)


def test_loading_imports_that_plugin_alone(site):
    site.module("other_module", "raise AssertionError('imported')")
    site.distribution("dist-shop", extensions={"shop": "shop_module:shop", "other": "other_module:x"})
    Registry(environment={}).load("shop")
    assert "other_module" not in sys.modules


def test_wrong_options_are_refused():
    with pytest.raises(OptionsError, match="was given colour"):
        Registry(environment={}).load("cart", colour="red")


def test_find_gives_an_extension_without_looking_at_its_options():
    registry = Registry(environment={})
    with pytest.raises(OptionsError):
        registry.load("auth")
    assert registry.find("auth").name == "auth"


def test_listing_imports_nothing(site):
    site.distribution("dist-loud", "2.0", extensions={"loud": "exploding_module:x", "shop": "shop_module:shop"})
    found = listed(Registry(environment={}))
    assert found["loud", "dist-loud"] == Listing("loud", "2.0", "dist-loud", "plugin", "ok", "About dist-loud")
    assert found["cart", "socketify-ext"].source == "builtin"
    assert not {"exploding_module", "shop_module"} & sys.modules.keys()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("exploding_module:x", "RuntimeError: boom"),
        ("exiting_module:x", "SystemExit: 3"),
        ("no_such_module:x", "No module named 'no_such_module'"),
        ("shop_module:nothing", "has no attribute 'nothing'"),
        ("shop_module:number", "a int can't be called"),
        ("shop_module:coroutine", "is a coroutine function"),
        ("shop_module:misnamed", "it declares itself as 'another', not as 'odd'"),
        ("a b", "is not of the form module:attribute"),
        ("shop_module", "a module can't be called"),
    ],
)
def test_a_broken_plugin_is_an_error_that_names_it_and_stops_no_other(site, value, why):
    site.distribution("dist-odd", "3.1", extensions={"odd": value})
    site.distribution("dist-shop", extensions={"shop": "shop_module:shop"})
    registry = Registry(environment={})
    with pytest.raises(BrokenPluginError) as caught:
        registry.load("odd")
    error, text = caught.value, str(caught.value)
    assert text.startswith(f"[EXT301] plugin dist-odd 3.1 can't provide extension 'odd' (entry point {value!r}): ")
    assert why in text
    assert ".." not in text
    assert text.endswith("Upgrade or reinstall dist-odd, or set SOCKETIFY_EXT_DISABLE=odd.")
    assert (error.distribution, error.entry_point) == ("dist-odd", value)
    assert registry.load("shop").name == "shop"
    listing = listed(registry)["odd", "dist-odd"]
    assert listing.status == "broken"
    assert why in listing.error


def test_the_cause_of_a_broken_plugin_is_chained(site):
    site.distribution("dist-odd", extensions={"odd": "exploding_module:x"})
    with pytest.raises(BrokenPluginError) as caught:
        Registry(environment={}).load("odd")
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_what_can_be_told_without_an_import_is_listed_as_broken(site):
    site.distribution("dist-odd", extensions={"odd": "no_such_module:x"})
    listing = listed(Registry(environment={}))["odd", "dist-odd"]
    assert (listing.status, listing.error) == ("broken", "module 'no_such_module' does not exist")


def test_unreadable_metadata_is_listed_as_broken_and_loads_as_an_error(site):
    site.distribution("dist-odd", entry_points="[socketify_ext]\nno equals sign\n")
    registry = Registry(environment={})
    assert listed(registry)["dist-odd", "dist-odd"].status == "broken"
    with pytest.raises(BrokenPluginError, match="can't be read"):
        registry.load("dist-odd")


def test_an_unknown_name_gets_a_suggestion():
    registry = Registry(environment={})
    with pytest.raises(UnknownExtensionError, match=r"'mspack' is not known: .*\. Did you mean 'msgpack'\?$") as caught:
        registry.load("mspack")
    assert caught.value.name == "mspack"
    assert caught.value.suggestions == ("msgpack",)


def test_a_name_like_no_other_gets_the_list():
    with pytest.raises(UnknownExtensionError, match="See `socketify-ext list`") as caught:
        Registry(environment={}).load("xyzzy")
    assert caught.value.suggestions == ()


def test_a_name_of_another_distribution_is_unknown():
    with pytest.raises(UnknownExtensionError):
        Registry(environment={}).load("dist-odd:cart")


@pytest.fixture
def twins(site):
    site.distribution("dist-one", extensions={"shop": "shop_module:shop"})
    site.distribution("Dist_Two", "2.0", extensions={"shop": "shop_module:shop"})


def test_two_providers_are_an_error_that_names_both(twins):
    registry = Registry(environment={})
    with pytest.raises(DuplicateProviderError) as caught:
        registry.load("shop")
    assert str(caught.value) == (
        "[EXT302] extension 'shop' has several providers: dist-one 1.0 and dist-two 2.0. "
        'Pick one: load("dist-one:shop") or load("dist-two:shop").'
    )
    assert [provider.distribution for provider in caught.value.providers] == ["dist-one", "dist-two"]
    found = listed(registry)
    assert found["shop", "dist-one"].status == found["shop", "dist-two"].status == "duplicate"
    assert found["shop", "dist-one"].error == "also provided by dist-two 2.0"


@pytest.mark.parametrize("name", ["dist-two:shop", "Dist_Two:shop"])
def test_a_qualified_name_picks_one_provider(twins, name):
    assert Registry(environment={}).load(name).version == "2.0"


def test_blocking_one_of_two_providers_leaves_the_other(twins):
    registry = Registry(environment={"SOCKETIFY_EXT_DISABLE": "Dist_Two:shop"})
    assert registry.unknown_blocked == ()
    assert registry.load("shop").distribution == "dist-one"
    with pytest.raises(BlockedExtensionError):
        registry.load("dist-two:shop")
    found = listed(registry)
    assert (found["shop", "dist-one"].status, found["shop", "dist-two"].status) == ("ok", "blocked")


def test_the_name_of_a_built_in_can_not_be_taken(site):
    site.distribution("dist-shop", extensions={"cart": "shop_module:bare"})
    registry = Registry(environment={})
    assert registry.load("cart").distribution == "socketify-ext"
    assert registry.load("dist-shop:cart").distribution == "dist-shop"
    found = listed(registry)
    assert found["cart", "socketify-ext"].status == "ok"
    assert found["cart", "dist-shop"].status == "shadowed"
    assert 'load("dist-shop:cart")' in found["cart", "dist-shop"].error


def test_the_name_of_a_blocked_built_in_can_not_be_taken_either(site):
    site.distribution("dist-shop", extensions={"cart": "shop_module:bare"})
    registry = Registry(environment={"SOCKETIFY_EXT_DISABLE": "socketify-ext:cart"})
    with pytest.raises(BlockedExtensionError):
        registry.load("cart")
    assert registry.load("dist-shop:cart").distribution == "dist-shop"


def test_disabled_names_are_not_imported(site):
    site.distribution("dist-loud", extensions={"loud": "exploding_module:x", "shop": "shop_module:shop"})
    registry = Registry(environment={"SOCKETIFY_EXT_DISABLE": "loud, cart"})
    for name in ("loud", "dist-loud:loud", "cart"):
        with pytest.raises(BlockedExtensionError, match="SOCKETIFY_EXT_DISABLE"):
            registry.load(name)
    assert "exploding_module" not in sys.modules
    assert registry.load("shop").name == "shop"
    found = listed(registry)
    assert found["loud", "dist-loud"].status == found["cart", "socketify-ext"].status == "blocked"
    assert "SOCKETIFY_EXT_DISABLE" in found["loud", "dist-loud"].error


def test_the_environment_is_read_when_a_registry_is_made(monkeypatch):
    monkeypatch.setenv("SOCKETIFY_EXT_DISABLE", "cart")
    registry = Registry()
    monkeypatch.delenv("SOCKETIFY_EXT_DISABLE")
    with pytest.raises(BlockedExtensionError):
        registry.load("cart")
    assert Registry().load("cart").name == "cart"


def test_unknown_disabled_names_are_reported(site):
    site.distribution("dist-shop", extensions={"shop": "shop_module:shop"}, hooks={"audit": "shop_module:bare"})
    registry = Registry(environment={"SOCKETIFY_EXT_DISABLE": "shop,nothing,dist-shop:cart,mine,audit"})
    registry.add(socketify_ext.extension("mine")(bare))
    assert registry.unknown_blocked == ("nothing", "dist-shop:cart")


def test_names_can_be_blocked_later():
    registry = Registry(environment={})
    registry.add(bare)
    registry.block("cart", "bare")
    for name in ("cart", "bare"):
        with pytest.raises(BlockedExtensionError, match=r"Registry\.block"):
            registry.load(name)
    assert listed(registry)["bare", None].status == "blocked"


def test_an_extension_of_the_program_loads_by_name():
    registry = Registry(environment={})
    added = registry.add(bare)
    assert added.name == "bare"
    assert registry.load("bare").function is bare
    assert "bare" in registry.names()
    assert listed(registry)["bare", None] == Listing("bare", None, None, "program", "ok", "Do it.")


def test_a_taken_name_can_not_be_added(site):
    site.distribution("dist-shop", extensions={"shop": "shop_module:shop"})
    registry = Registry(environment={})
    registry.add(bare)
    for extension, provider in (
        (bare, "'bare' "),
        (socketify_ext.extension("shop")(bare), "dist-shop 1.0"),
        (socketify_ext.extension("cart")(bare), "socketify-ext "),
    ):
        with pytest.raises(DuplicateProviderError, match="already provides that name") as caught:
            registry.add(extension)
        assert provider in str(caught.value)
    assert registry.load("cart").distribution == "socketify-ext"


def test_only_extensions_can_be_added():
    registry = Registry(environment={})
    with pytest.raises(SignatureError):
        registry.add(3)
    assert "extension" not in registry.names()


def test_two_registries_share_nothing():
    one, two = Registry(environment={}), Registry(environment={})
    one.add(bare)
    one.block("cart")
    one.add_hooks(type("Hooks", (), {})())
    assert "bare" not in two.names()
    assert two.load("cart").name == "cart"
    assert one.plugin_manager is not two.plugin_manager
    assert one.plugin_manager.get_plugins() != set()
    assert two.plugin_manager.get_plugins() == set()


def test_an_empty_registry_finds_nothing_that_is_installed(site):
    site.distribution("dist-odd", extensions={"odd": "exploding_module:x"}, hooks={"odd": "exploding_module"})
    registry = Registry(entry_points=False, environment={})
    assert registry.list() == []
    assert registry.names() == []
    assert registry.plugin_manager.get_plugins() == set()
    with pytest.raises(UnknownExtensionError):
        registry.load("cart")


def test_load_uses_one_default_registry():
    assert default_registry() is default_registry()
    assert registry_of(socketify_ext.load("cart")) is default_registry()


def test_extensions_are_listed_by_name(site):
    site.distribution("dist-shop", extensions={"zoo": "shop_module:bare", "aid": "shop_module:bare"})
    registry = Registry(environment={})
    registry.add(bare)
    names = [listing.name for listing in registry.list()]
    assert names == sorted(names)
    assert registry.names() == sorted(names)


def test_a_plugin_without_a_summary_is_listed(site):
    site.distribution("dist-shop", extensions={"shop": "shop_module:shop"}, metadata=METADATA.partition("Summary")[0])
    assert listed(Registry(environment={}))["shop", "dist-shop"].summary == ""
