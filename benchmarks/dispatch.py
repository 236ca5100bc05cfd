"""What does one dispatch cost, in process, with how many members?

The native callbacks are called directly, without sockets and without an answer, ours and the core's interleaved.
"""

from __future__ import annotations

import gc
import time

from native_callbacks import REQ, RES, core, floor, ours
from question import FULL, Scale, find, interleave, main, rows, target

COUNTS = (0, 10, 50, 500)


def timed(route, calls: int) -> dict[str, float]:
    """Return the nanoseconds of one dispatch."""
    callback, user_data, _app = route
    numbers = range(calls)
    wall, used = time.perf_counter(), time.process_time()
    for _ in numbers:
        callback(RES, REQ, user_data)
    used = time.process_time() - used
    return {"value": (time.perf_counter() - wall) / calls * 1e9, "cpu": used / calls * 1e6}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Call each callback in turn."""
    routes = {"an empty native callback": floor(), "core": core(), "core, 50+50 members": core(50)}
    routes["core, 50+50 members, pool"] = core(50, request_response_factory_max_items=10)
    for count in COUNTS:
        routes[f"ours, {count}+{count} members" if count else "ours"] = ours(count)
    gc.collect()
    calls = scale.pick(3000, 1500)
    cases = {name: lambda route=route: timed(route, calls) for name, route in routes.items()}
    for case in cases.values():
        case()
    found = rows(interleave(cases, scale.pick(21, 15)), "core", cost=True)
    value = {count: find(found, f"ours, {count}+{count} members" if count else "ours")["low"] for count in COUNTS}
    spread = (max(value.values()) / min(value.values()) - 1) * 100
    targets = [
        target("dispatch with 50+50 members, to the bare core", find(found, "ours, 50+50 members")["ratio"], "<=", 0.5),
        target("dispatch with 0, 10, 50 and 500 members differs by, %", spread, "<=", 3),
    ]
    return {"unit": "ns", "rows": found, "targets": targets}


if __name__ == "__main__":
    main(measure)
