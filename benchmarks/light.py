"""What does a server cost that has little to do, and how soon does it answer: 1, 20, 200 and 2,000 requests a second?

The share of a core, and the median and the 99th percentile of the time from when a request was due until its answer came.
At one request a second all servers but the core, which polls, are measured together, and the 99th percentile is the worst of
a few.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

from peer_servers import started
from question import FULL, Sample, Scale, interleave, main, median, target
from serving import SPEEDUPS, Server, app, paced, runnable, server

OURS = 'ours, load("json")'
SUBJECTS = {
    "core": app("bare"),
    OURS: app("our_members_json"),
    f"{OURS}{SPEEDUPS}": app("our_members_json", speedups=True),
}
PEERS = (
    "Starlette, uvicorn",
    "BlackSheep, uvicorn",
    "Granian",
    "FastPySGI",
    "Fastify",
    "uWebSockets.js",
    "Elysia, Bun",
)
RATES = {1: 8, 20: 3, 200: 2, 2000: 1}  # and for how many seconds each
TOGETHER = 1
COLUMNS = {"share": "% of a core", "p50": "p50, ms", "p99": "p99, ms"}


def together(servers: dict[str, Server], seconds: float) -> dict[str, list[Sample]]:
    """Load the core, and then all others at once."""
    taken = {}
    for names in (["core"], [name for name in servers if name != "core"]):
        found = paced([servers[name] for name in names], TOGETHER, seconds, 1)
        taken |= {name: [sample] for name, sample in zip(names, found, strict=True)}
    return taken


def alone(one: Server, rate: int, seconds: float) -> Sample:
    """Load one server; on several connections only where none of them rests for long, which its server may end."""
    return paced([one], rate, seconds, 1 if rate <= 20 else 4)[0]


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each server with each rate."""
    found, targets = [], []
    subjects, missing = runnable(SUBJECTS)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(command)) for name, command in subjects.items()}
        peers, left_out = started(stack, only=PEERS)
        servers |= peers
        for one in servers.values():
            paced([one], 2000, 0.5, 4)  # JIT compilers and caches warm up
        for rate, seconds in RATES.items():
            if rate == TOGETHER:
                taken = together(servers, seconds)
            else:
                taken = interleave(
                    {name: partial(alone, one, rate, seconds) for name, one in servers.items()}, 1, f"{rate:,} a second"
                )
            for name, samples in taken.items():
                figures = {column: median([sample[column] for sample in samples]) for column in COLUMNS}
                found.append({"group": f"{rate:,} a second", "case": name, **figures})
            if rate <= 20:
                share = median([sample["share"] for sample in taken[OURS]])
                targets.append(target(f"{rate} requests a second, % of a core", share, "<=", 0.5))
    return {"unit": "", "columns": COLUMNS, "rows": found, "targets": targets, "left_out": missing | left_out}


if __name__ == "__main__":
    main(measure)
