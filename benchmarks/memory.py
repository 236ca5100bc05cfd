"""What does an idle WebSocket connection hold, and what garbage does a request leave?"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager

from question import FULL, Scale, find, main, say, target
from serving import HERE, Server, app, pinned, pipelined, server

CONNECTIONS = 2000
REQUESTS = 10_000
SERVERS = {
    "core": {"which": "core"},
    "ours": {"which": "ours"},
    "ours, 20 members": {"which": "ours", "count": 20},
}


@contextmanager
def connections(one: Server, count: int):
    """Hold so many idle connections open."""
    command = [sys.executable, str(HERE / "socket_load.py"), "idle", str(one.port), str(count), "0"]
    with subprocess.Popen(pinned(1, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        try:
            json.loads(client.stdout.readline())
            yield
        finally:
            client.stdin.close()
            client.wait(20)


def idle(arguments: dict[str, object]) -> tuple[float, float]:
    """Return the bytes of Python memory and of resident memory that one idle connection takes."""
    with server(app("sockets", **arguments)) as one, one.running():
        with connections(one, 50):  # tables and caches reach their size
            pass
        before = one.resident()
        with connections(one, CONNECTIONS):
            resident = (one.resident() - before) / CONNECTIONS
    with server(app("sockets", **arguments)) as one, one.running():
        one.json("/trace")  # starts tracing
        with connections(one, 50):
            pass
        before = one.json("/trace")["bytes"]
        with connections(one, CONNECTIONS):
            traced = (one.json("/trace")["bytes"] - before) / CONNECTIONS
    return traced, resident


def garbage(which: str, path: str) -> float:
    """Return how many objects of the core or of ours the collector finds in cycles after many requests, per request."""
    with server(app("garbage", which=which)) as one, one.running():
        one.json("/garbage")
        pipelined(one, path, REQUESTS, 1)  # the core takes no request while one is open
        found = one.json("/garbage")
    return sum(found.values()) / REQUESTS


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Count memory and garbage; nothing here depends on time."""
    found = []
    for name, arguments in SERVERS.items():
        say(f"  {CONNECTIONS} idle connections: {name}")
        traced, resident = idle(arguments)
        for group, value in (("Python memory of an idle WebSocket", traced), ("resident memory of one", resident)):
            found.append({"group": f"{group}, bytes", "case": name, "value": round(value), "cost": True})
    for which in ("core", "ours"):
        for path, label in (("/", "request"), ("/suspended", "suspending request")):
            say(f"  garbage of {REQUESTS} requests: {which} {label}")
            row = {"group": f"cyclic garbage of a {label}, objects", "case": which, "cost": True}
            found.append({**row, "value": garbage(which, path)})
    memory = find(found, "ours, 20 members", group="Python memory of an idle WebSocket, bytes")["value"]
    left = sum(row["value"] for row in found if row["case"] == "ours" and "garbage" in row["group"])
    targets = [
        target("Python memory of an idle WebSocket connection, bytes", memory, "<=", 1024),
        target(f"objects of ours that gc.collect() finds after {REQUESTS:,} requests", left * REQUESTS, "<=", 0),
    ]
    return {"unit": "", "rows": found, "targets": targets}


if __name__ == "__main__":
    main(measure)
