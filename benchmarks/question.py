"""What every benchmark has in common: interleaved rounds, medians, ratios to the bare core, and a record as JSON."""

from __future__ import annotations

import argparse
import json
import operator
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conditions import Elsewhere, moment

Sample = Mapping[str, float]


@dataclass(frozen=True)
class Scale:
    """How much to measure: rounds, seconds of load in each, and whether this is a quick look."""

    rounds: int
    seconds: int
    quick: bool

    def pick(self, full: Any, quick: Any) -> Any:
        """Choose between a full run's value and a quick look's."""
        return quick if self.quick else full


FULL, QUICK = Scale(2, 1, quick=False), Scale(1, 1, quick=True)
SATURATED = 0.9  # of the time of a load: a server that was less busy waited for its clients


def say(text: str) -> None:
    """Write a progress line."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def interleave(cases: Mapping[str, Callable[[], Sample]], rounds: int, label: str = "") -> dict[str, list[Sample]]:
    """Take a sample of each case in turn, round after round, each round beginning with another case."""
    taken: dict[str, list[Sample]] = {name: [] for name in cases}
    names = list(cases)
    for index in range(rounds):
        say(f"  {label} round {index + 1} of {rounds}".replace("  ", " "))
        turn = index % len(names)
        for name in names[turn:] + names[:turn]:
            taken[name].append(cases[name]())
    return taken


def median(values: list[float]) -> float:
    """Return the median, to six digits."""
    return float(f"{statistics.median(values):.6g}")


def rows(
    taken: Mapping[str, list[Sample]], baseline: str, *, cost: bool, inverse: bool = False, **more: Any
) -> list[dict[str, Any]]:
    """Summarise samples as rows: medians, medians of each round's ratio to the baseline, and how busy both sides were.

    Args:
        taken: samples by case.
        baseline: the case that ratios refer to.
        cost: whether a smaller value is better.
        inverse: whether the ratio of a cost is given as a speed, the baseline's value over the case's.
        more: what each row shall hold besides.
    """
    found = []
    for name, samples in taken.items():
        pairs = list(zip((s["value"] for s in samples), (s["value"] for s in taken[baseline]), strict=True))
        row: dict[str, Any] = {
            **more,
            "case": name,
            "value": median([s["value"] for s in samples]),
            "low": median([min(s["value"] for s in samples)]),
            "high": median([max(s["value"] for s in samples)]),
            "ratio": median([base / value if inverse else value / base for value, base in pairs]),
            "cost": cost,
        }
        row |= {side: median([s[side] for s in samples]) for side in ("server", "client") if side in samples[0]}
        if "cpu" in samples[0]:
            row["cpu_us"] = median([s["cpu"] for s in samples])
            if all(s["cpu"] for s in taken[baseline]):
                pairs = list(zip((s["cpu"] for s in samples), (s["cpu"] for s in taken[baseline]), strict=True))
                row["cpu_ratio"] = median([value / base for value, base in pairs])
        found.append(row)
    return found


VERDICT = {True: "met", False: "MISSED", None: "open"}
COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def saturated(*rows: Sample) -> bool:
    """Check whether the servers of some rows or samples were busy; one that does not say counts as busy."""
    return all(row.get("server", 1) >= SATURATED for row in rows)


def target(
    what: str, value: float, sign: str, goal: float, cpu: float | None = None, *, busy: bool = True
) -> dict[str, Any]:
    """Compare a figure, to two decimals as it is shown, with what it should be.

    Args:
        what: what the figure is of.
        value: the figure.
        sign: how it should compare.
        goal: with what.
        cpu: the same figure as a cost by CPU time, where it is known. Where the two disagree about the goal, the
            machine was busy with other things, and the record says that nothing is known: `met` is None.
        busy: whether the servers were saturated; where one was not, CPU time alone decides.
    """
    shown = round(value, 2)
    met = COMPARE[sign](shown, goal)
    found: dict[str, Any] = {"what": what, "value": shown, "goal": f"{sign} {goal:g}", "met": met}
    if cpu is not None:
        found["by_cpu"] = round(1 / cpu, 2)
        by_cpu = COMPARE[sign](found["by_cpu"], goal)
        found["met"] = met if met == by_cpu else None
        if not busy:
            found |= {"met": by_cpu, "saturated": False}
    return found


def versus(what: str, mine: list[Sample], theirs: list[Sample], sign: str, goal: float) -> dict[str, Any]:
    """Compare the samples of two servers, round by round: what one does in a second, and its CPU time for it."""
    pairs = list(zip(mine, theirs, strict=True))
    ratio, cpu = (median([one[key] / other[key] for one, other in pairs]) for key in ("value", "cpu"))
    return target(what, ratio, sign, goal, cpu, busy=all(saturated(*pair) for pair in pairs))


def cost(what: str, mine: list[Sample], theirs: list[Sample], goal: float) -> dict[str, Any]:
    """Compare the CPU time of two servers, round by round, with what it should be at most."""
    return target(what, median([a["cpu"] / b["cpu"] for a, b in zip(mine, theirs, strict=True)]), "<=", goal)


def find(found: list[dict[str, Any]], case: str, **group: Any) -> dict[str, Any]:
    """Find the row of a case, in a group where there are several."""
    return next(row for row in found if row["case"] == case and group.items() <= row.items())


def main(measure: Callable[[Scale], dict[str, Any]]) -> None:
    """Run one benchmark as a program: `--quick` for a short look, `--json FILE` to write the record."""
    parser = argparse.ArgumentParser(description=measure.__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", type=Path, help="where to write the record; else it is printed")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped
    if len(os.sched_getaffinity(0)) > 1:  # servers have the first core for themselves
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[1]})
    before, elsewhere, begin = moment(), Elsewhere(), time.monotonic()
    record = measure(QUICK if arguments.quick else FULL)
    run = {"before": before, "seconds": round(time.monotonic() - begin), "elsewhere": elsewhere.share()}
    record["runs"] = [{**run, "after": moment()}]
    if arguments.json:
        arguments.json.write_text(json.dumps(record))
        return
    for row in record["rows"]:
        group = " ".join(str(row[key]) for key in ("group", "x") if key in row)
        if "columns" in record:
            written = (f"{row[key]:12.4g} {label}" for key, label in record["columns"].items() if key in row)
            print(f"{group:28s} {row['case']:34s} {' '.join(written)}")
            continue
        cpu = f"{row['cpu_us']:9.1f} us CPU ({row.get('cpu_ratio', 0):.2f})" if "cpu_us" in row else ""
        ratio = f"{row['ratio']:6.2f}" if "ratio" in row else ""
        busy = "" if saturated(row) else f"server busy {row['server']:.0%}"
        print(f"{group:28s} {row['case']:34s} {row['value']:12.4g} {record['unit']} {ratio} {cpu} {busy}")
    for each in record["targets"]:
        verdict, beside = VERDICT[each["met"]], each.get("by_cpu", "")
        print(f"{verdict:6s} {each['what']}: {each['value']} ({each['goal']}) {beside}")
    for name, reason in record.get("left_out", {}).items():
        print(f"left out: {name}: {reason}")
