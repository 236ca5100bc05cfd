"""Read results.json and set its figures, for the table and for the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from question import saturated

HERE = Path(__file__).parent
MISSING = "-"
MARKS = {True: "✓", False: "✗", None: "?"}
UNSATURATED = "◦"
RESULTS = HERE / "results.json"

Record = dict[str, Any]


def read(path: Path = RESULTS) -> Record:
    """Read the results."""
    record: Record = json.loads(path.read_text())
    return record


def default_python(results: Record) -> str:
    """Return the version of the default interpreter, which is measured first."""
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
    """Return the record of a question by Python version."""
    return {
        version: entry["questions"][question]
        for version, entry in results["pythons"].items()
        if question in entry["questions"]
    }


def spread(row: Record, name: str, write: Callable[[float], str]) -> str:
    """Set a figure with the least and the greatest of all runs; what is missing is a dash."""
    if name not in row:
        return MISSING
    least, greatest = (write(value) for value in row.get("spread", {}).get(name, (row[name], row[name])))
    return write(row[name]) + (f" ({least}-{greatest})" if least != greatest else "")


def two_decimals(value: float) -> str:
    """Set a ratio."""
    return f"{value:.2f}"


def cells(row: Record, *, ratio: bool, cpu: bool, busy: bool) -> list[str]:
    """Set the figures of one row; ratios have their spread, or the figure itself where there is no ratio."""
    value = spread(row, "value", number) if not ratio else number(row["value"]) if "value" in row else MISSING
    found = [value if saturated(row) else f"{value} {UNSATURATED}"]
    if ratio:
        found.append(spread(row, "ratio", two_decimals))
    if cpu:
        found.append(number(row["cpu_us"]) if "cpu_us" in row else MISSING)
        found.append(spread(row, "cpu_ratio", two_decimals))
    if busy:
        found.append(f"{row['server']:.0%} / {row['client']:.0%}" if "server" in row else MISSING)
    return found


def key(row: Record) -> tuple[Any, Any, str]:
    """Return what tells a row from the others of its question."""
    return row.get("group"), row.get("x"), row["case"]


BASELINES = {
    "resting": "asyncio",
    "validated": "the plain POST",
    "files": "Starlette",
    "msgpack_codec": "the library",
    "backplane": "the client",
}  # elsewhere it is the core


def question_table(results: Record, question: str) -> str:
    """Write the rows of a question, with a group of columns for each interpreter."""
    records = asked(results, question)
    if not records:
        return "*Not measured.*"
    first = next(iter(records.values()))
    baseline = BASELINES.get(question, "the core")
    shown = {
        "ratio": any("ratio" in row for row in first["rows"]),
        "cpu": any("cpu_us" in row for row in first["rows"]) and question != "startup",
        "busy": any("server" in row for row in first["rows"]),
    }
    columns = first.get("columns")
    grouped = any("group" in row for row in first["rows"])
    head = [*(["what"] if grouped else []), "case"]
    for version in records:
        if columns:
            head += columns.values()
            continue
        head += [f"{first['unit']} ({version})".strip()]
        head += [f"to {baseline}"] if shown["ratio"] else []
        head += ["µs CPU", f"to {baseline}'s"] if shown["cpu"] else []
        head += ["busy: server / client"] if shown["busy"] else []
    body: list[list[str]] = []
    before = None
    for group, x, case in dict.fromkeys(key(row) for record in records.values() for row in record["rows"]):
        label = str(group) if x is None else f"{group}: {x}"
        line = [*([label if label != before else ""] if grouped else []), case]
        before = label
        for record in records.values():
            row = next((row for row in record["rows"] if key(row) == (group, x, case)), {})
            line += [spread(row, name, number) for name in columns] if columns else cells(row, **shown)
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
        line = [what, goal.replace(">", "more than").replace("<", "less than")]
        for version in versions:
            each = found.get(version)
            if each is None:
                line.append(MISSING)
                continue
            beside = f" ({number(each['by_cpu'])} by CPU)" if "by_cpu" in each else ""
            mark = "" if each.get("saturated", True) else f" {UNSATURATED}"
            line.append(f"{number(each['value'])}{beside} {MARKS[each['met']]}{mark}")
        body.append(line)
    return table(["figure", "goal", *versions], body)


def versions_table(results: Record) -> str:
    """Write what was measured in which version."""
    versions = list(results["pythons"])
    names = sorted({name for entry in results["pythons"].values() for name in entry["versions"]})
    body = [[name, *(results["pythons"][v]["versions"].get(name, MISSING) for v in versions)] for name in names]
    return table(["package", *(f"with Python {v}" for v in versions)], body)


def quoted_ratio(results: Record, question: str, case: str) -> float | None:
    """Return the least ratio of a case of ours, the greatest of another one, of all runs and interpreters.

    None where it was not measured.
    """
    ratios = [
        ratio
        for record in asked(results, question).values()
        for row in record["rows"]
        if row["case"] == case
        for ratio in row.get("spread", {}).get("ratio", [row["ratio"]])
    ]
    return (min if case.startswith("ours") else max)(ratios, default=None)


def taken(results: Record) -> str:
    """Return when and where the figures were taken, and in how many runs."""
    machine = results["machine"]
    records = [record for entry in results["pythons"].values() for record in entry["questions"].values()]
    count = max(len(record.get("runs", [None])) for record in records)
    times = f" in {count} runs" if count > 1 else ""
    text = (
        f"Taken {results['taken']}{times} on {machine['cores']} cores of {machine['processor']}, {machine['system']}."
    )
    return text + (
        f" **A quick look only, in short rounds: {', '.join(results['quick'])}.**" if results["quick"] else ""
    )
