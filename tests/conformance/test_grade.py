"""The grade of an extension: each rule, its level, and what is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from socketify_ext.conformance.grade import RULES, grade_of
from socketify_ext.conformance.report import KINDS, LEVELS, Finding, PartReport, Report

PAGE = (Path(__file__).parents[2] / "docs" / "quality.md").read_text()
BELOW = {level: ([None, *LEVELS])[number] for number, level in enumerate(LEVELS)}


def graded(*parts, findings=(), reason="", **facts):
    """Return the level, and what is missing by rule."""
    report = Report("greet", findings=list(findings), parts=list(parts), reason=reason)
    grade = grade_of(report, facts)
    return grade.level, {rule.name: rule.missing for rule in grade.rules if rule.missing}


def called(kind="method", *findings, **values):
    return PartReport("request.greet", kind, runs=1, findings=list(findings), **values)


def test_an_extension_with_nothing_missing_has_the_highest_level():
    assert graded(called()) == ("platinum", {})


@pytest.mark.parametrize("rule", [name for name in RULES if name != "findings"])
def test_a_fact_that_is_missing_costs_the_level_of_its_rule(rule):
    level, missing = graded(called(), **{rule: ["this is missing"]})
    assert level == BELOW[RULES[rule][0]]
    assert missing[rule] == ["this is missing"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_finding_belongs_to_a_rule(kind):
    stated = {"docs": "documented", "types": "typed", "options": "options", "patches": "hooks"}
    level, missing = graded(called("method", Finding(kind, "it is so")))
    rule = stated.get(kind, "sound")
    assert set(missing) == {rule, "findings"}
    assert missing[rule] == [f"{kind} request.greet: it is so"]
    assert level == BELOW[RULES[rule][0]]


@pytest.mark.parametrize("kind", ["hook", "route", "event", "lifecycle", "serializer", "backplane", "route option"])
def test_a_defect_of_what_is_no_member_belongs_to_another_rule(kind):
    assert set(graded(called(kind, Finding("raises", "it does")))[1]) == {"hooks", "findings"}


def test_an_extension_that_can_not_be_registered_has_no_grade():
    level, missing = graded(findings=[Finding("register", "it fails")])
    assert level is None
    assert missing["sound"] == ["register greet: it fails", "nothing was called: it has nothing to call"]


def test_an_extension_of_which_nothing_was_called_has_no_grade_and_the_reason_is_told():
    level, missing = graded(reason="it needs options")
    assert (level, missing) == (None, {"sound": ["nothing was called: it needs options"]})


def test_what_was_skipped_or_refused_each_time_was_not_tested():
    skipped = PartReport("request.item", "method", reason="no value can be made up")
    level, missing = graded(called(), skipped, called("route", refused=1))
    assert level == "silver"
    assert missing == {
        "places": [
            "request.item was skipped: no value can be made up",
            "request.greet refused every call: give what it takes by --with or --header",
        ]
    }


def test_a_level_asks_for_all_rules_of_the_levels_below():
    level, missing = graded(called(), documented=["no docstring"], manifest=["no manifest"])
    assert level == "bronze"
    assert set(missing) == {"documented", "manifest"}


def test_a_grade_reaches_its_own_level_and_those_below():
    gold = grade_of(Report("greet", parts=[called()]), {"manifest": ["none"]})
    assert [gold.reaches(level) for level in LEVELS] == [True, True, True, False]
    none = grade_of(Report("greet"), {})
    assert not any(none.reaches(level) for level in LEVELS)


def test_the_page_publishes_the_rules():
    rows = re.findall(r"^\| (\w+) \| `([\w-]+)` \| (.*?) \|$", PAGE, re.MULTILINE)
    assert [(name, (level, asks)) for level, name, asks in rows] == list(RULES.items())
    assert all(f"| {level} |" in PAGE for level in LEVELS)
