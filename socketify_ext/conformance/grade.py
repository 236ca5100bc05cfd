"""The grade of an extension, by published rules: see docs/quality.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from .report import LEVELS, Finding, Grade, PartReport, Report, Rule

# rule -> the level that asks for it, and what it asks for
RULES: Final[dict[str, tuple[str, str]]] = {
    "sound": ("bronze", "Members are called, and none crashes, hangs, leaks, blocks or raises."),
    "hooks": (
        "bronze",
        "Hooks, routes, start-up and shutdown are run and do no harm, nor does the extension patch others.",
    ),
    "documented": ("silver", "The extension and each method have a docstring."),
    "options": ("silver", "Each option is described, fits its type, and is not shown where it is a secret."),
    "typed": ("gold", "Members have complete types, and the package has a file `py.typed`."),
    "places": ("gold", "Every part is called; nothing is skipped."),
    "manifest": ("platinum", "The distribution carries a manifest, which is up to date."),
    "compatibility": ("platinum", "The distribution states the versions that it was tested with."),
    "findings": ("platinum", "There is no finding of any kind."),
}
_STATED: Final[dict[str, str]] = {"docs": "documented", "types": "typed", "options": "options"}
_MEMBERS: Final = ("method", "property")


def grade_of(report: Report, facts: Mapping[str, Iterable[str]]) -> Grade:
    """Grade an extension.

    Args:
        report: of all calls.
        facts: what is missing beside, by the rule that asks for it.
    """
    missing = {rule: list(facts.get(rule, ())) for rule in RULES}
    for who, part, finding in _findings(report):
        rule = _STATED.get(finding.kind) or ("sound" if part is None or part.kind in _MEMBERS else "hooks")
        if finding.kind == "patches":
            rule = "hooks"
        missing[rule].append(f"{finding.kind} {who}: {finding.problem}")
        missing["findings"].append(f"{finding.kind} {who}: {finding.problem}")
    if not any(part.runs for part in report.parts):
        missing["sound"].append(f"nothing was called: {report.reason or 'it has nothing to call'}")
    missing["places"] += [
        f"{part.name} was skipped: {part.reason}" for part in report.parts if part.status == "skipped"
    ]
    missing["places"] += [
        f"{part.name} refused every call: give what it takes by --with or --header"
        for part in report.parts
        if part.runs and part.runs == part.refused
    ]
    rules = [Rule(name, level, missing[name]) for name, (level, _) in RULES.items()]
    level = None
    for each in LEVELS:
        if any(rule.missing for rule in rules if rule.level == each):
            break
        level = each
    return Grade(level, rules)


def _findings(report: Report) -> Iterator[tuple[str, PartReport | None, Finding]]:
    for finding in report.findings:
        yield report.target, None, finding
    for part in report.parts:
        for finding in part.findings:
            yield part.name, part, finding
