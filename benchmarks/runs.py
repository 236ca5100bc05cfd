"""Several runs of one question as one record: medians, and the least and the greatest of each figure."""

from __future__ import annotations

import statistics
from typing import Any

from figures import Record, key

FIGURES = ("value", "ratio", "cpu_us", "cpu_ratio", "server", "client")


def median(values: list[float]) -> float:
    """Return the median, to six digits."""
    return float(f"{statistics.median(values):.6g}")


def merge_rows(rows: list[Record], names: list[str]) -> Record:
    """Merge the rows of one case."""
    merged = {name: value for name, value in rows[0].items() if name not in {"low", "high", *names}}
    spread = {}
    for name in names:
        values = [row[name] for row in rows if name in row]
        if values:
            merged[name] = median(values)
            spread[name] = [min(values), max(values)]
    return merged | ({"spread": spread} if len(rows) > 1 else {})


def merge_targets(targets: list[Record]) -> Record:
    """Merge what was reached of one goal: it is met or missed where all runs say so, and open where they differ."""
    merged = dict(targets[0])
    verdicts = {each["met"] for each in targets}
    merged["met"] = verdicts.pop() if len(verdicts) == 1 else None
    for name in ("value", "by_cpu"):
        if all(name in each for each in targets):
            merged[name] = round(median([each[name] for each in targets]), 2)
    if any(not each.get("saturated", True) for each in targets):
        merged["saturated"] = False
    return merged


def merge(records: list[Record]) -> Record:
    """Merge the records of several runs; a case that one run left out has the figures of the others."""
    first = records[0]
    rows: dict[Any, list[Record]] = {}
    targets: dict[str, list[Record]] = {}
    for record in records:
        for row in record["rows"]:
            rows.setdefault(key(row), []).append(row)
        for each in record["targets"]:
            targets.setdefault(each["what"], []).append(each)
    names = [*FIGURES, *first.get("columns", {})]
    merged = first | {
        "rows": [merge_rows(some, names) for some in rows.values()],
        "targets": [merge_targets(some) for some in targets.values()],
        "runs": [run for record in records for run in record["runs"]],
    }
    if "left_out" in first:
        reasons = {name: why for record in records for name, why in record["left_out"].items()}
        measured = {row["case"] for row in merged["rows"]}
        merged["left_out"] = {name: why for name, why in reasons.items() if name not in measured}
    return merged
