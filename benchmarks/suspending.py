"""What does a handler cost that suspends once and reads the request afterwards?

The core's needs `req.preserve()`; ours needs nothing.
"""

from __future__ import annotations

from contextlib import ExitStack

from question import FULL, Scale, find, interleave, main, rows, target
from serving import SPEEDUPS, Server, app, runnable, server, wrk

FAST = f"ours{SPEEDUPS}"
SUBJECTS = {
    "core": app("suspending", which="core"),
    "ours": app("suspending", which="ours"),
    FAST: app("suspending", speedups=True, which="ours"),
}
CASES = {
    "core, preserve()": ("core", "/"),
    "core, preserve() and cork": ("core", "/corked"),
    "ours": ("ours", "/"),
    FAST: (FAST, "/"),
    "ours, preserve() and cork": ("ours", "/corked"),
    "core, async without suspending": ("core", "/straight"),
    "ours, async without suspending": ("ours", "/straight"),
    f"ours, async without suspending{SPEEDUPS}": (FAST, "/straight"),
}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each handler in turn."""

    def load(one: Server, path: str) -> dict[str, float]:
        with one.running():
            return wrk(one, path, seconds=scale.seconds)

    subjects, _ = runnable(SUBJECTS)
    wanted, left_out = runnable(CASES)
    with ExitStack() as stack:
        servers = {which: stack.enter_context(server(command)) for which, command in subjects.items()}
        cases = {name: lambda one=servers[which], path=path: load(one, path) for name, (which, path) in wanted.items()}
        taken = interleave(cases, scale.rounds)
    found = rows(taken, "core, preserve()", cost=False)
    ours = find(found, "ours")
    what = "a handler that suspends once, to the core's with preserve()"
    goal = target(what, ours["ratio"], ">=", 1, ours["cpu_ratio"])
    return {"unit": "requests/s", "rows": found, "targets": [goal], "left_out": left_out}


if __name__ == "__main__":
    main(measure)
