"""How many WebSocket messages a second: echoes on 32 connections, and publications to 1,000 subscribers; and beside peers."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack

from peer_servers import started
from question import FULL, Scale, find, interleave, main, rows, target, versus
from serving import HERE, SPEEDUPS, Server, app, pinned, runnable, server

OURS = "ours, 20 members"
FAST = f"{OURS}{SPEEDUPS}"
SUBJECTS = {
    "core": app("sockets", which="core"),
    "core, 20 members, pool": app("sockets", which="core", count=20),
    "ours": app("sockets", which="ours"),
    OURS: app("sockets", which="ours", count=20),
    FAST: app("sockets", speedups=True, which="ours", count=20),
}
LOADS = {"echo": ("echo, 32 connections", 32), "publish": ("publish to 1,000 subscribers", 1000)}


def load(one: Server, kind: str, connections: int, seconds: float) -> dict[str, float]:
    """Load one server; gives messages per second, microseconds of the server's CPU per message, and who was busy."""
    command = [sys.executable, str(HERE / "socket_load.py"), kind, str(one.port), str(connections), str(seconds)]
    pipe = subprocess.PIPE
    with one.running(), subprocess.Popen(pinned(1, command), stdin=pipe, stdout=pipe, stderr=pipe, text=True) as client:
        ready = client.stdout.readline()
        with one.timed() as busy:
            written, errors = client.communicate("\n" if ready else "", timeout=120)
    if client.returncode:
        raise RuntimeError(f"{kind}: {errors}\n{one.log}")
    found = json.loads(written)
    return {
        "value": found["messages"] / found["seconds"],
        "cpu": busy["used"] / found["messages"] * 1e6,
        "server": busy["server"],
        "client": found["client"],
    }


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each server in turn, first with echoes, then with publications."""
    found, beside = [], []
    subjects, missing = runnable(SUBJECTS)
    with ExitStack() as stack:
        peers, left_out = started(stack, "sockets")
        servers = {name: stack.enter_context(server(command)) for name, command in subjects.items()} | peers
        for kind, (label, connections) in LOADS.items():
            cases = {
                name: lambda one=one, a=kind, b=connections: load(one, a, b, scale.seconds)
                for name, one in servers.items()
            }
            taken = interleave(cases, scale.rounds, label)
            found += rows(taken, "core", cost=False, group=label)
            beside += [
                versus(f"{label}, 20 members{SPEEDUPS}, to {peer}", taken[FAST], taken[peer], ">=", 1)
                for peer in peers
                if FAST in taken
            ]
    echo, publish = (find(found, OURS, group=label) for label, _ in LOADS.values())
    targets = [
        target("WebSocket echo, 20 members, to the bare core", echo["ratio"], ">=", 1.5, echo["cpu_ratio"]),
        target("publish to 1,000 subscribers, to the bare core", publish["ratio"], ">=", 1, publish["cpu_ratio"]),
        *beside,
    ]
    return {"unit": "messages/s", "rows": found, "targets": targets, "left_out": missing | left_out}


if __name__ == "__main__":
    main(measure)
