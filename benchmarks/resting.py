"""What does a server cost that has little to do, and how soon does it answer after a rest?

A few requests a second on one connection: CPU as a share of a core, and times that the server was woken. After a rest, the
first answer, beside a server of plain asyncio that writes the same bytes.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from contextlib import ExitStack

from peer_servers import commands
from question import FULL, Scale, interleave, main, median, rows, target
from serving import Server, app, server

RATES = (0, 1, 10, 20)
SUBJECTS = {"core": app("resting", which="core"), "ours": app("resting", which="ours"), "asyncio": app("bare_asyncio")}
PEER = "Elysia, Bun"


def share(one: Server, rate: int, seconds: float) -> dict[str, float]:
    """Send `rate` requests a second for so long; gives percent of a core (`value`)."""
    with one.running():
        one.ask("/")
        time.sleep(6 if rate == 0 else 0.2)
        connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=60)
        begin, before = time.monotonic(), one.cpu()
        for number in range(int(rate * seconds)):
            time.sleep(max(0.0, begin + number / rate - time.monotonic()))
            connection.request("GET", "/", headers={"token": "x"})
            connection.getresponse().read()
        time.sleep(max(0.0, begin + seconds - time.monotonic()))
        used = one.cpu() - before
        connection.close()
        return {"value": used / (time.monotonic() - begin) * 100}


def first_answer(one: Server, path: str, rest: float) -> dict[str, float]:
    """Rest, then ask once on a connection that is open; gives milliseconds."""
    with one.running():
        connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=60)
        connection.request("GET", path)
        connection.getresponse().read()
        time.sleep(rest)
        begin = time.perf_counter()
        connection.request("GET", path)
        connection.getresponse().read()
        taken = time.perf_counter() - begin
        connection.close()
        return {"value": taken * 1000}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Let each server rest in turn."""
    peers, _ = commands()
    seconds, rest = scale.pick(8, 4), scale.pick(10, 3)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(command)) for name, command in SUBJECTS.items()}
        if PEER in peers:
            servers[PEER] = stack.enter_context(server(peers[PEER]))

        def each(call: Callable[[Server], dict[str, float]], *names: str) -> dict[str, Callable[[], dict[str, float]]]:
            return {name: lambda one=one: call(one) for name, one in servers.items() if not names or name in names}

        found, targets = [], []
        for rate in RATES:
            taken = interleave(each(lambda one, rate=rate: share(one, rate, seconds)), scale.pick(2, 1), f"{rate}/s")
            group = f"{rate} requests/s, % of a core"
            found += [
                {"group": group, "case": name, "value": median([s["value"] for s in samples]), "cost": True}
                for name, samples in taken.items()
            ]
            ours = next(row["value"] for row in found if row["case"] == "ours" and row["group"] == group)
            targets.append(target(f"{rate} requests a second, % of a core", ours, "<=", 0.5))
        for path, what in (("/", "first answer after a rest"), ("/late", "the same, after an await")):
            cases = each(lambda one, path=path: first_answer(one, path, rest), "core", "ours", "asyncio")
            taken = interleave(cases, scale.pick(3, 2), what)
            part = rows(taken, "asyncio", cost=True, group=f"{what}, ms")
            found += part
            ratio = next(row["ratio"] for row in part if row["case"] == "ours")
            targets.append(target(f"{what}: time to plain asyncio's", ratio, "<=", 1.5))
    return {"unit": "", "rows": found, "targets": targets}


if __name__ == "__main__":
    main(measure)
