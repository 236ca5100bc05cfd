"""A report for people: a table of members, then the findings, each with its fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..sdk.plural import counted
from .report import KINDS, Finding, Report

if TYPE_CHECKING:
    from rich.console import Console

_STYLES: Final = {"passed": "green", "failed": "red", "skipped": "yellow"}


def print_report(report: Report, console: Console) -> None:
    """Print one report."""
    from rich.table import Table
    from rich.text import Text

    console.print(Text(f"{report.target}: {_summary(report)}", "green" if report.passed else "bold red"))
    if report.members:
        table = Table("Member", "Called as", "Calls", "ns", "bytes", "Result", box=None, pad_edge=False)
        for column in (2, 3, 4):
            table.columns[column].justify = "right"
        for member in report.members:
            cost = (f"{member.cost.nanoseconds:,}", f"{member.cost.bytes:,}") if member.cost else ("", "")
            result = Text(member.status, _STYLES[member.status])
            if member.reason:
                result.append(f": {member.reason}")
            table.add_row(member.name, member.call, str(member.runs), *cost, result)
        console.print(table)
    for finding in report.findings:
        _print_finding(console, report.target, finding)
    for member in report.members:
        for finding in member.findings:
            _print_finding(console, member.name, finding)
    if report.settings:
        console.print(f"ran on: {'; '.join(report.settings)}")
    for setting, why in report.skipped.items():
        console.print(f"not on: {setting} ({why})")


def _summary(report: Report) -> str:
    if report.reason:
        return f"skipped: {report.reason}"
    found = len(report.findings) + sum(len(member.findings) for member in report.members)
    skipped = sum(1 for member in report.members if member.status == "skipped")
    result = counted(found, "finding") if found else "passed"
    return f"{result}, {skipped} of {counted(len(report.members), 'member')} skipped" if skipped else result


def _print_finding(console: Console, who: str, finding: Finding) -> None:
    from rich.text import Text

    where = f" ({finding.where})" if finding.where else ""
    place = f" at {finding.place}" if finding.place else ""
    console.print(Text.assemble((finding.kind, "bold red"), f" {who}{place}: {finding.problem}{where}"))
    console.print(f"  {KINDS[finding.kind][1]}")
