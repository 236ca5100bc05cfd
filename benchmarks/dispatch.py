"""What does one dispatch cost, in process, with how many members?

The native callbacks are called directly, without sockets and without an answer, ours and the core's interleaved;
what that call itself takes is not counted.
"""

from __future__ import annotations

from contextlib import ExitStack

from dispatcher import dispatcher
from question import FULL, Scale, find, interleave, main, rows, target
from serving import SPEEDUPS, runnable

COUNTS = (0, 10, 50, 500)


def label(count: int) -> str:
    """Return what ours with so many members is called."""
    return f"ours, {count}+{count} members" if count else "ours"


ROUTES = {
    "an empty native callback": ("floor", {}),
    "core": ("core", {}),
    "core, 50+50 members": ("core", {"members": 50}),
    "core, 50+50 members, pool": ("core", {"members": 50, "request_response_factory_max_items": 10}),
    **{label(count): ("ours", {"members": count}) for count in COUNTS},
    **{f"{label(count)}{SPEEDUPS}": ("ours", {"members": count}) for count in (0, 50)},
}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Call each callback in turn."""
    routes, left_out = runnable(ROUTES)
    with ExitStack() as stack:
        # All that is timed without speedups shares a process, and the other one waits meanwhile.
        processes = {
            speedups: stack.enter_context(dispatcher(speedups=speedups))
            for speedups in {name.endswith(SPEEDUPS) for name in routes}
        }
        calls = scale.pick(3000, 1500)
        cases = {
            name: processes[name.endswith(SPEEDUPS)](kind, calls, **arguments)
            for name, (kind, arguments) in routes.items()
        }
        for case in cases.values():
            case()
        found = rows(interleave(cases, scale.pick(21, 15)), "core", cost=True)
    value = [find(found, label(count))["low"] for count in COUNTS]
    what, members = "dispatch with 50+50 members", label(50)
    targets = [
        target(f"{what}, to the bare core", find(found, members)["ratio"], "<=", 0.5),
        target("dispatch with 0, 10, 50 and 500 members differs by, %", (max(value) / min(value) - 1) * 100, "<=", 3),
    ]
    if f"{members}{SPEEDUPS}" in routes:
        fast = find(found, f"{members}{SPEEDUPS}")["ratio"]
        targets.append(target(f"{what}{SPEEDUPS}, to the bare core", fast, "<=", 0.15))
    return {"unit": "ns", "rows": found, "targets": targets, "left_out": left_out}


if __name__ == "__main__":
    main(measure)
