"""What do two and four workers of `socketify-ext run` bring, and how evenly do they share the requests?

The workers have all cores but the client's. Where there are only two cores they have both, beside the client: then the CPU
time of a request and the shares of the workers can be compared, and the requests a second tell little.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack

from question import FULL, Scale, find, interleave, main, median, rows, target
from serving import HERE, SPEEDUPS, Server, runnable, server, without_speedups, wrk

COUNTS = (1, 2, 4)
CONNECTIONS = 64
COLUMNS = {
    "value": "requests/s",
    "ratio": "to one worker",
    "cpu_us": "µs CPU",
    "cpu_ratio": "to one worker's",
    "server": "cores busy",
    "busiest": "busiest worker, % of the work",
}


def label(workers: int) -> str:
    """Return what so many workers are called."""
    return f"{workers} worker{'s' * (workers > 1)}"


def command(workers: int, *, speedups: bool = False) -> Callable[[int], list[str]]:
    """Return the command of so many workers."""
    run = [sys.executable, "-m", "socketify_ext", "run", "apps:our_members_json", "--workers", str(workers)]
    run = run if speedups else without_speedups(run)
    return lambda port: [*run, "--port", str(port), "--log-level", "warning"]


SUBJECTS = {label(count): command(count) for count in COUNTS}
SUBJECTS |= {f"{label(count)}{SPEEDUPS}": command(count, speedups=True) for count in COUNTS}


def load(one: Server, seconds: int) -> dict[str, float]:
    """Load all workers; gives also the share of the busiest."""
    with one.running():
        before = one.cpu_by_process()
        found = wrk(one, seconds=seconds, connections=CONNECTIONS)
        used = [cpu - before.get(number, 0) for number, cpu in one.cpu_by_process().items()]
    return {**found, "busiest": 100 * max(used) / sum(used)}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load one, two and four workers in turn."""
    subjects, left_out = runnable(SUBJECTS)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(run, core=None, cwd=HERE)) for name, run in subjects.items()}
        for one in servers.values():
            load(one, 2)  # all workers have started then
        cases = {name: lambda one=one: load(one, scale.seconds) for name, one in servers.items()}
        taken = interleave(cases, scale.rounds)
    found = rows(taken, label(1), cost=False)
    for row in found:
        row["busiest"] = median([sample["busiest"] for sample in taken[row["case"]]])
    cpu = find(found, label(4))["cpu_ratio"]
    goal = target("four workers: CPU of a request, to one worker's", cpu, "<=", 1.2)
    return {"unit": "requests/s", "columns": COLUMNS, "rows": found, "targets": [goal], "left_out": left_out}


if __name__ == "__main__":
    main(measure)
