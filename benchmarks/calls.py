"""What does one call of the request or the response cost, ours beside the core's same call?

Each request makes the call once, with a clock around it; the figure is the median of all calls of a round, so each
finds a fresh request, as in real use, and no cache of the one before.
"""

from __future__ import annotations

from contextlib import ExitStack

from question import FULL, Scale, interleave, main, rows, target
from serving import Server, app, pipelined, server

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


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load both servers with each call in turn."""
    requests = scale.pick(6400, 3200)

    def load(one: Server, name: str, path: str) -> dict[str, float]:
        with one.running():
            pipelined(one, path, requests)
            return {"value": one.json("/results")[name]}

    found, targets = [], []
    with ExitStack() as stack:
        servers = {which: stack.enter_context(server(app("calls", which=which))) for which in ("core", "ours")}
        servers["native"] = stack.enter_context(server(app("native_calls")))
        for call, (name, path) in CALLS.items():
            cases = {which: lambda one=one, a=name, b=path: load(one, a, b) for which, one in servers.items()}
            taken = interleave(cases, 3, call)
            part = rows(taken, "core", cost=True, inverse=True, group=call)
            found += part
            targets.append(target(f"{call}: speed to the core's", part[1]["ratio"], ">=", 1.5))
    return {"unit": "ns a call", "rows": found, "targets": targets}


if __name__ == "__main__":
    main(measure)
