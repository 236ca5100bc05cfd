from __future__ import annotations

import sys

import pytest
from fake_distributions import Site

from socketify_ext.registry import discovery
from socketify_ext.registry.discovery import Candidate, candidates, canonical, disabled_names, winner


@pytest.fixture
def site(tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(str(site.folder))
    yield site
    site.forget()


def plugins(group=discovery.GROUP):
    return {candidate.name: candidate for candidate in candidates(group) if candidate.source == "plugin"}


def make(value="module:attribute", name="shop", distribution="dist-shop"):
    return Candidate(name=name, value=value, distribution=distribution, version="1.0", summary="")


def test_the_built_ins_are_entry_points_of_our_own_distribution():
    found = {candidate.name: candidate for candidate in candidates() if candidate.source == "builtin"}
    assert sorted(found) == ["auth", "backplane", "cart", "inspector", "json", "msgpack", "pm", "schema"]
    assert all(candidate.defect() == "" for candidate in found.values())


def test_a_candidate_has_what_metadata_tells(site):
    site.distribution("Dist_Shop", "1.2", extensions={"shop": "shop_module:shop"})
    candidate = plugins()["shop"]
    assert candidate == Candidate("shop", "shop_module:shop", "dist-shop", "1.2", "About Dist_Shop")
    assert candidate.qualified_name == "dist-shop:shop"
    assert str(candidate) == "dist-shop 1.2"


def test_nothing_is_imported_to_list_or_to_look_for_defects(site):
    site.module("loud_package.__init__", "raise AssertionError('imported')")
    site.module("loud_package.inner", "raise AssertionError('imported')")
    site.distribution("dist-loud", extensions={"loud": "loud_package.inner:extension"})
    assert plugins()["loud"].defect() == ""
    assert "loud_package" not in sys.modules


def test_the_groups_are_kept_apart(site):
    site.distribution("dist-shop", extensions={"shop": "a:b"}, hooks={"audit": "c:d"})
    assert list(plugins()) == ["shop"]
    assert list(plugins(discovery.HOOK_GROUP)) == ["audit"]


def test_the_first_copy_of_a_distribution_on_the_path_counts(site, tmp_path, monkeypatch):
    site.distribution("dist-shop", "1.0", extensions={"shop": "a:b"})
    earlier = Site(tmp_path / "earlier")
    monkeypatch.syspath_prepend(str(earlier.folder))
    earlier.distribution("dist-shop", "2.0", extensions={"shop": "a:b"})
    found = [candidate.version for candidate in candidates() if candidate.name == "shop"]
    assert found == ["2.0"]


@pytest.mark.parametrize(
    "broken",
    [
        {"entry_points": "[socketify_ext]\nno equals sign\n"},
        {"entry_points": "[other]\nno equals sign\n"},
        {"entry_points": b"[socketify_ext]\nshop\xe9 = a:b\n"},
        {"extensions": {"odd": "a b c"}},
        {"extensions": {"odd": "a:b"}, "metadata": None},
        {"extensions": {"odd": "a:b"}, "metadata": b"Name: dist-odd\nSummary: \xe9\n"},
        {"extensions": {"odd": "a:b"}, "metadata": ""},
    ],
)
def test_broken_metadata_does_not_stop_the_others(site, broken):
    site.distribution("dist-odd", **broken)
    site.distribution("dist-shop", "1.0", extensions={"shop": "a:b"})
    assert plugins()["shop"].version == "1.0"
    assert len(list(candidates())) >= 5


def test_unreadable_entry_points_are_one_broken_candidate(site):
    site.distribution("dist-odd", "1.0", entry_points="[socketify_ext]\nno equals sign\n")
    candidate = plugins()["dist-odd"]
    assert (candidate.distribution, candidate.version) == ("dist-odd", "1.0")
    assert "can't be read" in candidate.defect()


def test_a_distribution_without_metadata_has_the_name_and_version_of_its_folder(site):
    site.distribution("dist-odd", "3.1", extensions={"odd": "a:b"}, metadata=None)
    found = plugins()["odd"]
    assert (found.distribution, found.version, found.summary) == ("dist-odd", "3.1", "")


@pytest.mark.parametrize("value", ["", "a b", ":attribute", "module:", "module:a b", "module:a:b"])
def test_a_malformed_entry_point_is_a_defect(value):
    assert "is not of the form module:attribute" in make(value).defect()


def test_an_extension_is_an_attribute_of_a_module():
    assert make("json").defect() == "entry point 'json' names no attribute of a module"


@pytest.mark.parametrize("value", ["no_such_module:a", "socketify_ext.no_such:a", "json.decoder.deeper:a", "a..b:c"])
def test_a_module_that_is_not_there_is_a_defect(value):
    assert "does not exist" in make(value).defect()


@pytest.mark.parametrize("value", ["json:dumps", "json.decoder:JSONDecoder", "json : dumps", "json:dumps [extra]"])
def test_a_sound_entry_point_has_no_defect(value):
    assert make(value).defect() == ""


def test_a_namespace_package_has_no_defect(site):
    site.module("name_space.inner.module", "")
    assert make("name_space.inner.module:a").defect() == ""


def test_load_imports_the_attribute(site):
    site.module("shop_module", "class Shop:\n    extension = 'the extension'")
    assert make("shop_module:Shop.extension").load() == "the extension"


@pytest.mark.parametrize("name", ["Dist_Shop", "dist.shop", "DIST--shop", "dist-shop"])
def test_a_distribution_s_name_is_normalised(name):
    assert canonical(name) == "dist-shop"


def test_disabled_names_stand_between_commas():
    assert disabled_names(" a, dist:b,,c ") == ("a", "dist:b", "c")
    assert disabled_names("") == ()


def test_the_only_provider_wins_and_a_built_in_wins_over_all():
    one, two = make(distribution="one"), make(distribution="two")
    builtin = make(distribution="socketify-ext")
    assert winner([one]) is one
    assert winner([one, builtin, two]) is builtin
    assert winner([one, two]) is None
    assert winner([]) is None
