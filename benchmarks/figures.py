"""Read results.json and set its figures, for the table and for the page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MISSING = "-"
RESULTS = HERE / "results.json"

Record = dict[str, Any]


def read(path: Path = RESULTS) -> Record:
    """Read the results."""
    record: Record = json.loads(path.read_text())
    return record


def default_python(results: Record) -> str:
    """Give the version of the default interpreter, which is measured first."""
    return next(iter(results["pythons"]))


def number(value: float) -> str:
    """Set a figure with three or four digits."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    """Write a Markdown table, all columns but the first set right."""
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(lines)


def asked(results: Record, question: str) -> dict[str, Record]:
    """Give the record of a question by Python version."""
    return {
        version: entry["questions"][question]
        for version, entry in results["pythons"].items()
        if question in entry["questions"]
    }


def question_table(results: Record, question: str) -> str:
    """Write the rows of a question, with a group of columns for each interpreter."""
    records = asked(results, question)
    if not records:
        return "*Not measured.*"
    first = next(iter(records.values()))
    with_cpu = any("cpu_us" in row for row in first["rows"]) and question != "startup"
    with_ratio = any("ratio" in row for row in first["rows"])
    with_group = any("group" in row for row in first["rows"])
    head = [*(["what"] if with_group else []), "case"]
    for version in records:
        head += [f"{first['unit']} ({version})".strip()]
        head += ["to the core"] if with_ratio else []
        head += ["µs CPU"] if with_cpu else []
    keys: list[tuple[Any, Any, str]] = []
    for record in records.values():
        for row in record["rows"]:
            key = row.get("group"), row.get("x"), row["case"]
            if key not in keys:
                keys.append(key)
    body = []
    shown = None
    for key in keys:
        group, x, case = key
        label = f"{group}: {x}" if x is not None else str(group)
        line = [*([label if label != shown else ""] if with_group else []), case]
        shown = label
        for record in records.values():
            row = next((r for r in record["rows"] if (r.get("group"), r.get("x"), r["case"]) == key), {})
            line += [number(row["value"]) if "value" in row else MISSING]
            line += [f"{row['ratio']:.2f}" if "ratio" in row else MISSING] if with_ratio else []
            line += [number(row["cpu_us"]) if "cpu_us" in row else MISSING] if with_cpu else []
        body.append(line)
    written = table(head, body)
    for version, record in records.items():
        for name, reason in record.get("left_out", {}).items():
            written += f"\n\nLeft out on Python {version}: {name}: {reason}."
    return written


def targets_table(results: Record) -> str:
    """Write what was aimed at and what was reached, on each interpreter."""
    versions = list(results["pythons"])
    wanted: dict[str, dict[str, Record]] = {}
    for version, entry in results["pythons"].items():
        for record in entry["questions"].values():
            for each in record["targets"]:
                wanted.setdefault(each["what"], {})[version] = each
    body = []
    for what, found in wanted.items():
        goal = next(iter(found.values()))["goal"].replace(">=", "at least").replace("<=", "at most")
        line = [what, goal.replace(">", "more than")]
        for version in versions:
            each = found.get(version)
            line.append(MISSING if each is None else f"{number(each['value'])} {'✓' if each['met'] else '✗'}")
        body.append(line)
    return table(["figure", "goal", *versions], body)


def versions_table(results: Record) -> str:
    """Write what was measured in which version."""
    versions = list(results["pythons"])
    names = sorted({name for entry in results["pythons"].values() for name in entry["versions"]})
    body = [[name, *(results["pythons"][v]["versions"].get(name, MISSING) for v in versions)] for name in names]
    return table(["package", *(f"with Python {v}" for v in versions)], body)


def taken(results: Record) -> str:
    """Tell when and where the figures were taken."""
    machine = results["machine"]
    text = f"Taken {results['taken']} on {machine['cores']} cores of {machine['processor']}, {machine['system']}."
    return text + (" **A quick look: short rounds, nothing to rely on.**" if results["quick"] else "")
