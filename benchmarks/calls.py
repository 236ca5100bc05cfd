"""What does one call of the request or the response cost, ours beside the core's same call?

Each request makes the call once, with a clock around it; the figure is the mean of the middle half of all calls of a
round, so each finds a fresh request, as in real use, and no cache of the one before.
"""

from __future__ import annotations

from contextlib import ExitStack

from question import FULL, Scale, find, interleave, main, rows, target
from serving import SPEEDUPS, Server, app, pipelined, runnable, server

FAST = f"ours{SPEEDUPS}"
SUBJECTS = {
    "core": app("calls", which="core"),
    "ours": app("calls", which="ours"),
    FAST: app("calls", speedups=True, which="ours"),
    "native": app("native_calls"),
}
CALLS = {
    "read a header": ("header", "/header"),
    "read a query value": ("query", "/query?page=1&name=Ann"),
    "read a route parameter": ("parameter", "/parameter/4711"),
    "read the url": ("url", "/url"),
    "status, two headers, answer": ("head", "/head"),
    "answer bytes": ("bytes", "/bytes"),
    "answer text": ("text", "/text"),
    "answer JSON": ("json", "/json"),
}
SPEEDS = {"status, two headers, answer": 2, "answer bytes": 3, "answer text": 3}  # of the speedups, to the core's


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load all servers with each call in turn."""
    requests = scale.pick(6400, 3200)

    def load(one: Server, name: str, path: str) -> dict[str, float]:
        with one.running():
            pipelined(one, path, requests)
            return {"value": one.json("/results")[name]}

    found, targets, faster = [], [], []
    subjects, left_out = runnable(SUBJECTS)
    with ExitStack() as stack:
        servers = {which: stack.enter_context(server(command)) for which, command in subjects.items()}
        for call, (name, path) in CALLS.items():
            cases = {which: lambda one=one, a=name, b=path: load(one, a, b) for which, one in servers.items()}
            taken = interleave(cases, 3, call)
            part = rows(taken, "core", cost=True, inverse=True, group=call)
            found += part
            targets.append(target(f"{call}: speed to the core's", find(part, "ours")["ratio"], ">=", 1.5))
            if FAST in subjects and call == "read a header":
                faster.append(target(f"{call}{SPEEDUPS}, ns", find(part, FAST)["value"], "<", 150))
            if FAST in subjects and call in SPEEDS:
                what, speed = f"{call}{SPEEDUPS}: speed to the core's", find(part, FAST)["ratio"]
                faster.append(target(what, speed, ">=", SPEEDS[call]))
    return {"unit": "ns a call", "rows": found, "targets": [*targets, *faster], "left_out": left_out}


if __name__ == "__main__":
    main(measure)
