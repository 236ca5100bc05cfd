"""The versions that an extension was tested with: stated, checked when they are declared, and compared when it is loaded."""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version

import pytest
from fake_distributions import Site

import socketify_ext
from socketify_ext.errors import DeclarationError, UntestedVersionWarning
from socketify_ext.registry import compatibility
from socketify_ext.registry.compatibility import running_version, untested
from socketify_ext.registry.registry import Registry

PYTHON = ".".join(map(str, sys.version_info[:3]))
SHOP = """
    import socketify_ext

    @socketify_ext.extension("shop", tested_with=["socketify-ext<0.1", "socketify==0.0.1", "python>=3,<4"])
    def shop(request, response, ws):
        '''Sell.'''

    @socketify_ext.extension("bakery", requires=["shop"])
    def bakery(request, response, ws):
        '''Bake.'''
"""


@pytest.fixture
def registry(tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(site.folder))
    site.module("shop_module", SHOP)
    site.distribution("dist-shop", "1.2", extensions={"shop": "shop_module:shop", "bakery": "shop_module:bakery"})
    yield Registry(environment={})
    site.forget()


def declared(*tested_with):
    @socketify_ext.extension("shop", tested_with=tested_with)
    def shop(request, response, ws):
        """Sell."""

    return shop


def test_outside_of_what_was_tested_load_warns_with_both_versions(registry):
    with pytest.warns(UntestedVersionWarning) as caught:
        registry.load("shop")
    (warning,) = caught
    assert str(warning.message) == (
        "extension 'shop' (dist-shop 1.2, shop_module.py:4) was not tested with "
        f"socketify-ext {socketify_ext.__version__} and socketify {version('socketify')}: "
        "its author names socketify-ext<0.1 and socketify==0.0.1. "
        "Upgrade dist-shop, or test it here with `socketify-ext check shop`."
    )
    assert warning.filename == __file__


def test_it_warns_once_whatever_else_is_loaded(registry):
    with pytest.warns(UntestedVersionWarning) as caught:
        found = [registry.load(name).name for name in ("shop", "bakery", "dist-shop:shop", "shop")]
    assert (found, len(caught)) == (["shop", "bakery", "shop", "shop"], 1)


def test_a_requirement_that_is_loaded_by_itself_warns_the_line_that_registers(registry):
    app = socketify_ext.App(registry=registry)
    with pytest.warns(UntestedVersionWarning, match="'shop'") as caught:
        app.register(registry.load("bakery"))
    assert [each.filename for each in caught] == [__file__]


def test_to_look_at_an_extension_warns_nobody(registry):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert registry.find("shop").tested_with == ("socketify-ext<0.1", "socketify==0.0.1", "python>=3,<4")
        registry.list()


@pytest.mark.parametrize(
    "tested_with",
    [(), ("python>=3.10",), (f"socketify-ext=={socketify_ext.__version__}", f"socketify=={version('socketify')}")],
)
def test_inside_of_what_was_tested_nothing_is_said(tested_with):
    registry = Registry(entry_points=False, environment={})
    registry.add(declared(*tested_with))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registry.load("shop")


@pytest.mark.parametrize(
    ("running", "stated", "tested"),
    [
        ((3, 15, 0, "alpha", 1), "python>=3.10,<3.15", False),
        ((3, 14, 2, "final", 0), "python>=3.10,<3.15", True),
        ((3, 14, 2, "final", 0), "python==3.14.*", True),
        ((3, 9, 9, "final", 0), "python>=3.10,<3.15", False),
    ],
)
def test_versions_are_compared_as_pep_440_says(monkeypatch, running, stated, tested):
    monkeypatch.setattr(sys, "version_info", running)
    assert (not list(untested(declared(stated).tested_versions))) is tested


def test_a_development_version_of_the_sdk_is_compared_too(monkeypatch):
    monkeypatch.setattr(compatibility, "__version__", "0.2.0.dev3")
    assert [*untested(declared("socketify-ext>=0.1,<0.3").tested_versions)] == []
    assert [*untested(declared("socketify-ext<=0.1.9").tested_versions)] == [("socketify-ext", "0.2.0.dev3", "<=0.1.9")]


def test_what_a_program_without_metadata_can_not_know_is_not_compared(monkeypatch, tmp_path):
    assert running_version("socketify") == version("socketify")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert running_version("socketify") is None
    assert list(untested(declared("socketify==9", "python>=3").tested_versions)) == []


@pytest.mark.parametrize(
    "stated", ["socketify", "redis>=5", "pyton>=3.10", "python>=3.10; extra == 'x'", "python >> 3", "", 3]
)
def test_a_statement_that_can_not_be_compared_is_refused_where_it_is_declared(stated):
    with pytest.raises(DeclarationError, match=r"extension 'shop' .* is malformed"):
        declared(stated)


def test_one_text_in_place_of_a_list_is_refused():
    with pytest.raises(DeclarationError, match=r'Write tested_with=\["python>=3\.10"\]'):
        socketify_ext.extension("shop", tested_with="python>=3.10")(lambda request, response, ws: None)


def test_the_statement_stays_with_the_extension_however_it_is_adjusted():
    shop = declared("python>=3.10")
    assert shop.configured().renamed().only().tested_with == ("python>=3.10",)
    assert [str(each) for each in shop.declare().spec.tested_with] == ["python>=3.10"]
