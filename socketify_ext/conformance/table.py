"""A report for people: a table of parts, then the findings, each with its fix, and the grade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..sdk.plural import counted
from .report import KINDS, Finding, Grade, PartReport, Report

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_STYLES: Final = {"passed": "green", "failed": "red", "skipped": "yellow"}
_SHOWN: Final = 3  # of what is missing for a rule


def print_report(report: Report, console: Console) -> None:
    """Print one report."""
    from rich.text import Text

    console.print(Text(f"{report.target}: {_summary(report)}", _STYLES[report.status]))
    if report.parts:
        _print_parts(console, report.parts)
    for finding in report.findings:
        _print_finding(console, report.target, finding)
    for part in report.parts:
        for finding in part.findings:
            _print_finding(console, part.name, finding)
    _print_places(console, report)
    if report.grade is not None and not report.reason:
        _print_grade(console, report.grade)


def _print_parts(console: Console, parts: list[PartReport]) -> None:
    from rich.table import Table

    table = Table("Part", "Called as", "Calls", "ns", "bytes", "Result", box=None, pad_edge=False)
    for column in (2, 3, 4):
        table.columns[column].justify = "right"
    for part in parts:
        if part.kind != "option" or part.findings:
            cost = (f"{part.cost.nanoseconds:,}", f"{part.cost.bytes:,}") if part.cost else ("", "")
            table.add_row(part.name, part.call, str(part.runs), *cost, _result(part))
    console.print(table)


def _print_places(console: Console, report: Report) -> None:
    """Print where the parts have run, and where not."""
    limited: dict[str, list[str]] = {}
    for part in report.parts:
        for limit in part.limits:
            limited.setdefault(limit, []).append(part.name)
    for limit, names in limited.items():
        console.print(f"not possible: {', '.join(names)}: {limit}")
    options = [f"{part.name.removeprefix('option ')} ({part.call})" for part in report.parts if part.kind == "option"]
    if options:
        console.print(f"options: {'; '.join(options)}")
    if report.settings:
        console.print(f"ran on: {'; '.join(report.settings)}")
    for setting, why in report.skipped.items():
        console.print(f"not on: {setting} ({why})")


def _result(part: PartReport) -> Text:
    from rich.text import Text

    result = Text(part.status, _STYLES[part.status])
    if part.reason:
        result.append(f": {part.reason}")
    elif part.runs and part.refused == part.runs:
        result.append(", refused each time")
    return result


def _summary(report: Report) -> str:
    if report.reason:
        return f"skipped: {report.reason}"
    if report.status == "skipped":
        return "skipped: nothing was called, so that nothing has passed"
    found = len(report.findings) + sum(len(part.findings) for part in report.parts)
    skipped = sum(1 for part in report.parts if part.status == "skipped")
    result = counted(found, "finding") if found else "passed"
    return f"{result}, {skipped} of {counted(len(report.parts), 'part')} skipped" if skipped else result


def _print_grade(console: Console, grade: Grade) -> None:
    from rich.text import Text

    console.print(Text(f"grade: {grade.level or 'none'}", "bold"))
    for rule in grade.rules:
        if rule.missing:
            more = f" (and {len(rule.missing) - _SHOWN} more)" if len(rule.missing) > _SHOWN else ""
            console.print(f"  {rule.level} asks for {rule.name}: {'; '.join(rule.missing[:_SHOWN])}{more}")


def _print_finding(console: Console, who: str, finding: Finding) -> None:
    from rich.text import Text

    where = f" ({finding.where})" if finding.where else ""
    place = f" at {finding.place}" if finding.place else ""
    console.print(Text.assemble((finding.kind, "bold red"), f" {who}{place}: {finding.problem}{where}"))
    console.print(f"  {KINDS[finding.kind][1]}")
