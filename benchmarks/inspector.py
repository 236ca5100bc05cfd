"""What does the inspector cost: registered with nobody looking, and with somebody looking?

CPU of a request under load, of servers that are started anew each round: to an app without it, and with a viewer to the same
server without one. And the share of a core with few requests, each of which is counted then.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

from question import FULL, Scale, main, median, say, target
from resting import paced, share
from serving import Server, app, server, wrk
from socket_load import HANDSHAKE

CONNECTIONS = 64
RATE = 400  # a second, fewer than those of which a part is counted


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


def a_round(seconds: int, *, is_odd: bool) -> dict[str, float]:
    """Start both servers, and measure each case, those that are compared right after each other."""
    with server(app("inspected", shown=False)) as plain, server(app("inspected", shown=True)) as shown:
        for one in (plain, shown):
            loaded(one, 1)  # to warm up
        cases = {
            "without": lambda: loaded(plain, seconds),
            "nobody looks": lambda: loaded(shown, seconds),
            "somebody looks": lambda: watched(shown, seconds),
            "few, nobody looks": lambda: share(shown, RATE, seconds)["value"],
            "few, somebody looks": lambda: watched_share(shown, seconds),
        }
        names = list(cases)
        return {name: cases[name]() for name in (names[::-1] if is_odd else names)}


def measure(scale: Scale = FULL) -> dict[str, Any]:
    """Take rounds of fresh servers, and compare within each."""
    rounds, seconds = scale.pick(15, 3), scale.pick(3, 1)
    taken: list[dict[str, float]] = []
    for number in range(rounds):
        taken.append(a_round(seconds, is_odd=bool(number % 2)))
        say(f"  round {number + 1} of {rounds}: " + ", ".join(f"{name} {each:.2f}" for name, each in taken[-1].items()))
    found, ratios = [], {}
    for group, names, baseline in (
        ("CPU a request, us", ("without", "nobody looks", "somebody looks"), "without"),
        (f"{RATE} requests/s, % of a core", ("few, nobody looks", "few, somebody looks"), "few, nobody looks"),
    ):
        for name in names:
            values = [each[name] for each in taken]
            ratio = median([each[name] / each[baseline] for each in taken])
            spread = {"low": min(values), "high": max(values)}
            found.append(
                {"group": group, "case": name, "value": median(values), **spread, "ratio": ratio, "cost": True}
            )
    for name, baseline in (("nobody looks", "without"), ("somebody looks", "nobody looks")):
        each_round = sorted(each[name] / each[baseline] for each in taken)
        ratios[name] = median(each_round)
        say(f"  {name}, to {baseline}: {ratios[name]:.3f} ({each_round[0]:.3f} to {each_round[-1]:.3f})")
    more = median([each["few, somebody looks"] - each["few, nobody looks"] for each in taken])
    return {
        "unit": "",
        "rows": found,
        "targets": [
            target("CPU a request with nobody looking, to an app without it", ratios["nobody looks"], "<=", 1.0),
            target("CPU a request with somebody looking, to nobody", ratios["somebody looks"], "<=", 1.02),
            target(f"{RATE} requests/s: % of a core that somebody's looks add", more, "<=", 2),
        ],
    }


if __name__ == "__main__":
    main(measure)
