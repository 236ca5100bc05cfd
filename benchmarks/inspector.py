"""What does the inspector cost: registered with nobody looking, and with somebody looking?

CPU of a request under load, in pairs of samples right after each other: to an app without the inspector, with servers that are
started anew each round; and of one server with a viewer, to the same one without. And the share of a core that looks add where
few requests come.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from question import FULL, Scale, main, median, say, target
from resting import paced, share
from serving import Server, app, server, wrk
from socket_load import HANDSHAKE

CONNECTIONS = 64
RATE = 400  # requests a second, where they are few
NOBODY, SOMEBODY = "nobody looks, to without", "somebody looks, to nobody"
FEW = f"{RATE} requests/s, somebody looks"

Pair = tuple[float, float]


@contextlib.contextmanager
def viewer(one: Server) -> Iterator[None]:
    """Look at a running server; begin once it measures, and end once it does no more."""
    host = f"127.0.0.1:{one.port}"
    head = HANDSHAKE.format(path="/_extensions/live").replace("Host: x", f"Host: {host}\r\nOrigin: http://{host}")
    with socket.create_connection(("127.0.0.1", one.port), 20) as connection:
        connection.sendall(head.encode())
        data = b""
        while b"lag" not in data:  # the first figures
            part = connection.recv(65536)
            if not part or (data and b" 101 " not in data[:20]):
                raise RuntimeError(f"the server shows no figures: {data!r}")
            data += part
        if one.json("/hooks") != 1:
            raise RuntimeError("the server does not measure")
        yield
    while one.json("/hooks"):
        time.sleep(0.05)


def loaded(one: Server, seconds: int) -> float:
    """Load a server; gives microseconds of CPU a request."""
    with one.running():
        return wrk(one, seconds=seconds, connections=CONNECTIONS)["cpu"]


def watched(one: Server, seconds: int) -> float:
    """Load a server while somebody looks."""
    with one.running(), viewer(one):
        return wrk(one, seconds=seconds, connections=CONNECTIONS)["cpu"]


def watched_share(one: Server, seconds: int) -> float:
    """Send few requests while somebody looks; gives percent of a core."""
    with one.running(), viewer(one):
        return paced(one, RATE, seconds)


def pair(case: Callable[[], float], baseline: Callable[[], float], *, is_odd: bool) -> Pair:
    """Take a sample of both, every other time the other way round."""
    if is_odd:
        value = case()
        return value, baseline()
    base = baseline()
    return case(), base


def measure(scale: Scale = FULL) -> dict[str, Any]:
    """Take pairs, in rounds of fresh servers."""
    rounds, pairs, seconds = scale.pick(6, 2), scale.pick(6, 2), scale.pick(2, 1)
    taken: dict[str, list[Pair]] = {NOBODY: [], SOMEBODY: [], FEW: []}
    for number in range(rounds):
        say(f"  round {number + 1} of {rounds}")
        with server(app("inspected", shown=False)) as plain, server(app("inspected", shown=True)) as shown:

            def nobody(one: Server = shown) -> float:
                return loaded(one, seconds)

            def somebody(one: Server = shown) -> float:
                return watched(one, seconds)

            for one in (plain, shown):
                loaded(one, 1)  # to warm up
            for turn in range(pairs):
                is_odd = bool(turn % 2)
                taken[NOBODY].append(pair(nobody, lambda one=plain: loaded(one, seconds), is_odd=is_odd))
                taken[SOMEBODY].append(pair(somebody, nobody, is_odd=is_odd))
            few = pair(
                lambda one=shown: watched_share(one, seconds),
                lambda one=shown: share(one, RATE, seconds)["value"],
                is_odd=bool(number % 2),
            )
            taken[FEW].append(few)
    found = [
        {
            "group": "% of a core" if name == FEW else "CPU a request, us",
            "case": name,
            "value": median([value for value, _ in samples]),
            "low": min(value for value, _ in samples),
            "high": max(value for value, _ in samples),
            "ratio": median([value / base for value, base in samples]),
            "cost": True,
        }
        for name, samples in taken.items()
    ]
    for row in found:
        each = sorted(value / base for value, base in taken[row["case"]])
        middle = f"half of them from {each[len(each) // 4]:.3f} to {each[-1 - len(each) // 4]:.3f}"
        say(f"  {row['case']}: {row['ratio']:.3f} ({each[0]:.3f} to {each[-1]:.3f}, {middle}, {len(each)} pairs)")
    ratios = {row["case"]: row["ratio"] for row in found}
    return {
        "unit": "",
        "rows": found,
        "targets": [
            target(f"CPU a request, {NOBODY}", ratios[NOBODY], "<=", 1),
            target(f"CPU a request, {SOMEBODY}", ratios[SOMEBODY], "<=", 1.02),
            target(f"{FEW}: % of a core more", median([value - base for value, base in taken[FEW]]), "<=", 2),
        ],
    }


if __name__ == "__main__":
    main(measure)
