"""How long do answers take at half of what a server can do at most?

Each server is saturated first; then a client sends half as many requests a second, at random times, on 100 connections.
"""

from __future__ import annotations

from contextlib import ExitStack

from peer_servers import started
from question import FULL, Scale, interleave, main, median
from serving import SPEEDUPS, Server, app, paced, runnable, server, wrk

OURS = 'ours, 20+20 members, load("json")'
SUBJECTS = {
    "core": app("bare"),
    OURS: app("our_members_json"),
    f"{OURS}{SPEEDUPS}": app("our_members_json", speedups=True),
}
PEERS = ("Starlette, uvicorn", "Granian", "FastPySGI", "Fastify", "uWebSockets.js", "Elysia, Bun")
CONNECTIONS = 100
COLUMNS = {
    "rate": "requests/s",
    "p50": "p50, ms",
    "p90": "p90, ms",
    "p99": "p99, ms",
    "share": "% of a core",
    "late": "% sent late",
}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Saturate each server, and halve the load."""

    def most(one: Server) -> float:
        with one.running():
            return wrk(one, seconds=1, connections=CONNECTIONS)["value"]

    def half(one: Server) -> dict[str, float]:
        rate = most(one) / 2
        return {"rate": rate, **paced([one], rate, scale.seconds, CONNECTIONS)[0]}

    subjects, missing = runnable(SUBJECTS)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(command)) for name, command in subjects.items()}
        peers, left_out = started(stack, only=PEERS)
        servers |= peers
        for one in servers.values():
            most(one)  # JIT compilers and caches warm up
        taken = interleave({name: lambda one=one: half(one) for name, one in servers.items()}, scale.rounds)
    found = [
        {"case": name, **{column: median([sample[column] for sample in samples]) for column in COLUMNS}}
        for name, samples in taken.items()
    ]
    return {"unit": "", "columns": COLUMNS, "rows": found, "targets": [], "left_out": missing | left_out}


if __name__ == "__main__":
    main(measure)
