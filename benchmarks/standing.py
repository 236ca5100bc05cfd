"""What the figures stand on, as text: the interpreters, and under which conditions each question was asked."""

from __future__ import annotations

from figures import UNSATURATED, Record, number, table
from question import saturated

STARVED = 1.3  # times the best time of a step in memory: neighbours had the cache
BUILDS = {True: "optimised with profiles", False: "built without profiles", None: "its build does not say how"}
NOT_RECORDED = "*Not recorded.*"


def interpreters(results: Record) -> str:
    """Write how each interpreter was built, and with which speedups ours was measured, as a list."""
    lines = []
    for version, entry in results["pythons"].items():
        about = entry.get("interpreter")
        if about is None:
            lines.append(f"- Python {version}: not recorded.")
            continue
        build = f"{BUILDS[about['optimised']]}, {'with' if about['lto'] else 'no'} link-time optimisation"
        turn = f"a turn of a plain loop takes {number(about['loop_ns'])} ns"
        speedups = f"; speedups {entry['speedups']}" if "speedups" in entry else ""
        lines.append(f"- Python {version}: {about['implementation']}, {about['compiler']}, {build}; {turn}{speedups}.")
    return "\n".join(lines)


def moments(results: Record) -> dict[tuple[str, str], list[Record]]:
    """Return what was noted before and after each run, by question and Python version."""
    return {
        (question, version): [each for run in record["runs"] for each in (run["before"], run["after"])]
        for version, entry in results["pythons"].items()
        for question, record in entry["questions"].items()
        if "runs" in record
    }


def slowdowns(results: Record) -> dict[tuple[str, str], float]:
    """Return the slowest step in memory around each question, over the fastest of all."""
    noted = moments(results)
    best = min((each["walk_ns"] for some in noted.values() for each in some), default=1)
    return {which: max(each["walk_ns"] for each in some) / best for which, some in noted.items()}


def summary(results: Record) -> str:
    """Write in a sentence how busy the machine was, and whether its neighbours had the cache."""
    noted = moments(results)
    if not noted:
        return NOT_RECORDED
    loads = [each["load"] for some in noted.values() for each in some]
    slow = sum(by > STARVED for by in slowdowns(results).values())
    others = [elsewhere(results["pythons"][version]["questions"][question]) for question, version in noted]
    return (
        f"The load of the machine was between {min(loads):.1f} and {max(loads):.1f}, of which the benchmarks make two; other "
        f"processes and the host took up to {max(others):.0%} of it while a question was asked, and the cache was starved "
        f"around {slow} of {len(noted)} questions."
    )


def elsewhere(record: Record) -> float:
    """Return the most that others took of the machine in any run of a question."""
    return max(run["elsewhere"] for run in record["runs"])


def conditions(results: Record) -> str:
    """Write a table of the questions: runs, seconds, load, the time of a step in memory, servers that waited."""
    body = []
    slowest = slowdowns(results)
    for (question, version), some in moments(results).items():
        record = results["pythons"][version]["questions"][question]
        loads = [each["load"] for each in some]
        slow = slowest[question, version]
        waiting = 0 if "columns" in record else sum(not saturated(row) for row in record["rows"])
        body.append(
            [
                question,
                version,
                str(len(record["runs"])),
                str(sum(run["seconds"] for run in record["runs"])),
                f"{min(loads):.1f}-{max(loads):.1f}",
                f"{elsewhere(record):.0%}",
                f"{slow:.2f}{' (starved)' if slow > STARVED else ''}",
                str(waiting),
            ]
        )
    memory = "step in memory, to the best"
    head = ["question", "Python", "runs", "seconds", "load", "others' CPU", memory, f"rows with {UNSATURATED}"]
    return table(head, body) if body else NOT_RECORDED
