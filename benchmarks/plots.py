"""Draw docs/plots/*.svg from results.json; needs matplotlib."""

from __future__ import annotations

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
from figures import HERE, Record, asked, default_python, read

PLOTS = HERE.parent / "docs" / "plots"
OURS, FAST, CORE, PEER = "#1f7a4d", "#0f4a6b", "#b5543a", "#9aa3ad"


def save(figure: plt.Figure, name: str) -> None:
    """Write a plot without a date, so that the same figures give the same file."""
    PLOTS.mkdir(exist_ok=True)
    figure.tight_layout()
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def growth(results: Record) -> None:
    """Draw cost against members, extensions, connections and size."""
    found = asked(results, "growth").get(default_python(results))
    if found is None:
        return
    groups = list(dict.fromkeys(row["group"] for row in found["rows"]))
    figure, axes = plt.subplots(2, 2, figsize=(10, 7))
    for group, axis in zip(groups, axes.flat, strict=False):
        for case, colour in (("core", CORE), ("ours", OURS)):
            points = [(row["x"], row["value"]) for row in found["rows"] if (row["group"], row["case"]) == (group, case)]
            axis.plot(*zip(*points, strict=True), marker="o", color=colour, label=case)
        what, _, unit = group.partition(", ")
        axis.set_xlabel(what)
        axis.set_ylabel(unit)
        axis.set_xscale("symlog", linthresh=1)
        if "dispatch" in unit:
            axis.set_yscale("log")
        else:
            axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend()
    save(figure, "growth")


def colour(case: str) -> str:
    """Return the colour of a case: ours with the speedups and without, the core, or a peer."""
    if case.startswith("ours"):
        return FAST if case.endswith("speedups") else OURS
    return CORE if case.startswith("core") else PEER


def bars(results: Record, question: str, key: str, label: str) -> None:
    """Draw a figure of each case as a bar."""
    found = asked(results, question).get(default_python(results))
    if found is None:
        return
    cases = sorted((row for row in found["rows"] if key in row), key=lambda row: row[key])
    figure, axis = plt.subplots(figsize=(9, 0.4 * len(cases) + 1))
    names = [row["case"] for row in cases]
    drawn = axis.barh(names, [row[key] for row in cases], color=[colour(name) for name in names])
    axis.bar_label(drawn, fmt="%.2f", padding=3)
    axis.margins(x=0.1)
    axis.set_xlabel(label)
    save(figure, question)


if __name__ == "__main__":
    matplotlib.rcParams["svg.hashsalt"] = "socketify-ext"
    record = read()
    bars(record, "members", "ratio", "requests per second, to the bare core")
    bars(record, "ladder", "cpu_us", "µs of CPU per request")
    bars(record, "suspending", "ratio", "requests per second, to the core's handler with preserve()")
    growth(record)
