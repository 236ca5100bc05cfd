"""How many WebSocket messages a second: echoes on 32 connections, and publications to 1,000 subscribers."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack

from question import FULL, Scale, find, interleave, main, rows, target
from serving import HERE, Server, app, pinned, server

SERVERS = {
    "core": app("sockets", which="core"),
    "core, 20 members, pool": app("sockets", which="core", count=20),
    "ours": app("sockets", which="ours"),
    "ours, 20 members": app("sockets", which="ours", count=20),
}
LOADS = {"echo": ("echo, 32 connections", 32), "publish": ("publish to 1,000 subscribers", 1000)}


def load(one: Server, kind: str, connections: int, seconds: float) -> dict[str, float]:
    """Load one server; gives messages per second and microseconds of the server's CPU per message."""
    command = [sys.executable, str(HERE / "socket_load.py"), kind, str(one.port), str(connections), str(seconds)]
    with one.running():
        before = one.cpu()
        done = subprocess.run(pinned(1, command), capture_output=True, text=True, check=False, timeout=120)
        used = one.cpu() - before
    if done.returncode:
        raise RuntimeError(f"{kind}: {done.stderr}\n{one.log}")
    found = json.loads(done.stdout)
    return {"value": found["messages"] / found["seconds"], "cpu": used / found["messages"] * 1e6}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Load each server in turn, first with echoes, then with publications."""
    found = []
    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(command)) for name, command in SERVERS.items()}
        for kind, (label, connections) in LOADS.items():
            cases = {
                name: lambda one=one, a=kind, b=connections: load(one, a, b, scale.seconds)
                for name, one in servers.items()
            }
            found += rows(interleave(cases, scale.rounds, label), "core", cost=False, group=label)
    echo, publish = (find(found, "ours, 20 members", group=label) for label, _ in LOADS.values())
    targets = [
        target("WebSocket echo, 20 members, to the bare core", echo["ratio"], ">=", 1.5, echo["cpu_ratio"]),
        target("publish to 1,000 subscribers, to the bare core", publish["ratio"], ">=", 1, publish["cpu_ratio"]),
    ]
    return {"unit": "messages/s", "rows": found, "targets": targets}


if __name__ == "__main__":
    main(measure)
