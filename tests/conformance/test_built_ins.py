"""The built-in extensions, with options and stores, pass `check` and have its highest grade."""

from __future__ import annotations

import pytest
from engines import valkey

import socketify_ext
from socketify_ext.conformance.matrix import check_target
from socketify_ext.conformance.places import SETTINGS

SECRET = "at least 16 characters"
PLAIN = {
    "auth": ({"tokens": '{"secret": {"name": "Ann"}}'}, {"authorization": "Bearer secret"}),
    "backplane": ({}, {}),
    "cart": ({}, {}),
    "json": ({}, {}),
    "msgpack": ({}, {}),
    "inspector": ({}, {}),
    "pm": ({}, {}),
    "schema": ({}, {}),
}
NEED_HOOKS = ("inspector", "schema")  # which a stock app has not
ON_APPS_ALONE = ("backplane", "json")  # what they do concerns a whole app, and a stock app has no way to do it


@pytest.fixture(scope="module")
def engine():
    with valkey() as running:
        yield running


def check(name, options, headers=None):
    report = check_target(name, options={"": options}, headers=headers, timeout=30, costs=False)
    parts = {part.name: part for part in report.parts}
    assert report.findings == []
    assert {part.status for part in report.parts} == {"passed"}, report
    assert report.status == "passed"
    assert (report.grade.level, [rule for rule in report.grade.rules if rule.missing]) == ("platinum", [])
    return report, parts


def test_all_built_ins_are_here():
    assert set(PLAIN) == {
        each.name for each in socketify_ext.Registry(environment={}).list() if each.source == "builtin"
    }


@pytest.mark.parametrize("name", PLAIN)
def test_a_built_in_is_platinum(name):
    report, _ = check(name, *PLAIN[name])
    wanted = ["installed"] if name in ON_APPS_ALONE else list(SETTINGS)
    assert report.settings == (["installed", "scope"] if name in NEED_HOOKS else wanted)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cart", {"secret": SECRET, "store": "{sqlite}"}),
        ("cart", {"secret": SECRET, "store": "{redis}"}),
        ("pm", {"inbox": "{sqlite}"}),
        ("backplane", {"url": "{redis}"}),
    ],
    ids=["cart-sqlite", "cart-redis", "pm-sqlite", "backplane-redis"],
)
def test_a_built_in_with_its_store_is_platinum(name, options, tmp_path, engine):
    places = {"sqlite": f"sqlite:///{tmp_path}/kept.db", "redis": engine.url}
    given = {key: value.format(**places) for key, value in options.items()}
    _, parts = check(name, given)
    ended = [part for part in parts.values() if part.kind == "lifecycle"]
    assert ended
    assert all(part.runs for part in ended)


def test_what_the_core_makes_impossible_on_a_stock_app_is_told_with_the_reason():
    _, parts = check("msgpack", {"fast": "false"})
    late, pooled = parts["response.get_msgpack"].limits
    assert late.startswith("stock, late: BodyError: [EXT506] get_data comes too late")
    assert "socketify_ext.install(app)" in late
    assert pooled.startswith("stock, http pool, sync: the core reuses the response")
    assert parts["response.get_msgpack"].call == "get_msgpack() with MessagePack"
