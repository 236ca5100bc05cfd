"""What does a server cost that has little to do, and how soon does it answer after a rest?

Without requests, and with ten a second on one connection: CPU as a share of a core, and how often the server was woken with none. After a
rest, and 20 times a second: the time of an answer, also after an await, on a new connection, and of a publication; beside a
server of plain asyncio that writes the same bytes.
"""

from __future__ import annotations

import re
import socket
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from peer_servers import commands
from question import FULL, Scale, interleave, main, median, say, target
from serving import Server, app, server
from socket_load import ANSWER, connect, take

RATES = (0, 10)
SUBJECTS = {"core": app("resting", which="core"), "ours": app("resting", which="ours"), "asyncio": app("bare_asyncio")}
PEER = "Elysia, Bun"
PACE = 0.05  # seconds from one request to the next, for each server


class Client:
    """A connection that costs little, and a WebSocket that listens where the server has one."""

    def __init__(self, port: int, *, listens: bool = False) -> None:
        self.port = port
        self.connection = socket.create_connection(("127.0.0.1", port), 60)
        self.socket: Any = connect(port, "/listen") if listens else None

    def ask(self, path: str = "/") -> None:
        """Ask for an answer."""
        self.connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\ntoken: x\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.connection.recv(65536) or self._closed()
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        take(self.connection, int(length[1]) - len(body) if length else 0)

    def _closed(self) -> bytes:
        raise RuntimeError(f"the server on port {self.port} has closed a connection")

    def connect_and_ask(self) -> None:
        """Ask on a connection of its own."""
        one = Client(self.port)
        one.ask()
        one.connection.close()

    def publish(self) -> None:
        """Ask for a publication, and wait for it."""
        self.connection.sendall(b"GET /publish HTTP/1.1\r\nHost: x\r\n\r\n")
        take(self.socket, ANSWER)

    def finish_publication(self) -> None:
        """Take the answer to the request for it."""
        while not self.connection.recv(65536).endswith(b'"Test"}'):
            pass

    def close(self) -> None:
        """Close both."""
        self.connection.close()
        if self.socket is not None:
            self.socket.close()


CALLS: dict[str, Callable[[Client], None]] = {
    "an answer": Client.ask,
    "an answer after an await": lambda client: client.ask("/late"),
    "an answer on a new connection": Client.connect_and_ask,
    "a publication": Client.publish,
}


def share(one: Server, rate: int, seconds: float) -> dict[str, float]:
    """Send `rate` requests a second for so long; gives percent of a core (`value`)."""
    with one.running():
        return {"value": paced(one, rate, seconds)}


def paced(one: Server, rate: int, seconds: float) -> float:
    """Send `rate` requests a second to a running server for so long; return percent of a core."""
    client = Client(one.port)
    client.ask()
    time.sleep(6 if rate == 0 else 0.2)
    begin, before = time.monotonic(), one.cpu()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        client.ask()
    time.sleep(max(0.0, begin + seconds - time.monotonic()))
    used = one.cpu() - before
    client.close()
    return used / (time.monotonic() - begin) * 100


def wakes(one: Server, seconds: float) -> float:
    """Count how often a server without clients goes to sleep again, a second."""
    status = Path(f"/proc/{one.process.pid}/status")

    def count() -> int:
        found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.MULTILINE)
        return int(found[1]) if found else 0

    with one.running():
        time.sleep(1)
        before = count()
        time.sleep(seconds)
        return (count() - before) / seconds


def timed(call: Callable[[Client], None], client: Client) -> float:
    """Call once; gives milliseconds."""
    begin = time.perf_counter()
    call(client)
    taken = time.perf_counter() - begin
    if call is Client.publish:
        client.finish_publication()
    return taken * 1000


def latencies(
    servers: Mapping[str, Server], call: Callable[[Client], None], count: int, pause: float
) -> dict[str, list[float]]:
    """Let servers rest together, and call each in turn after it, again and again; gives milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in servers}
    with ExitStack() as stack:
        clients = {}
        for name, one in servers.items():
            stack.enter_context(one.running())
            clients[name] = Client(one.port, listens=call is Client.publish)
            stack.callback(clients[name].close)
            timed(call, clients[name])
        names = list(clients)
        for number in range(count):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                time.sleep(pause / len(names))
                taken[name].append(timed(call, clients[name]))
    return taken


def compare(taken: Mapping[str, list[float]], what: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Summarise latencies: rows and targets of their medians and their 90th percentiles, to asyncio's."""
    found, targets = [], []
    for kind, of in (("median", statistics.median), ("p90", lambda each: statistics.quantiles(each, n=10)[8])):
        values = {name: of(each) for name, each in taken.items()}
        for name, value in values.items():
            ratio = {} if name == "core" else {"ratio": value / values["asyncio"]}
            found.append({"group": f"{what}, {kind}, ms", "case": name, "value": value, **ratio, "cost": True})
        targets.append(target(f"{what}, {kind}: to plain asyncio's", values["ours"] / values["asyncio"], "<=", 1.5))
    return found, targets


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Let each server rest in turn."""
    peers, _ = commands()
    seconds = scale.pick(3, 2)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(command)) for name, command in SUBJECTS.items()}
        if PEER in peers:
            servers[PEER] = stack.enter_context(server(peers[PEER]))
        found, targets = [], []
        for rate in RATES:
            cases = {name: lambda one=one, rate=rate: share(one, rate, seconds) for name, one in servers.items()}
            taken = interleave(cases, 1, f"{rate}/s")
            group = f"{rate} requests/s, % of a core"
            values = {name: median([s["value"] for s in samples]) for name, samples in taken.items()}
            found += [{"group": group, "case": name, "value": value, "cost": True} for name, value in values.items()]
            targets.append(target(f"{rate} requests a second, % of a core", values["ours"], "<=", 0.5))
        for name, one in servers.items():
            count = wakes(one, scale.pick(8, 4))
            found.append({"group": "woken a second, at rest", "case": name, "value": count, "cost": True})
        both = {name: servers[name] for name in ("ours", "asyncio")}
        rest = scale.pick(10, 2)
        for what, call, count, pause in (
            # uWebSockets has ended an idle connection by then.
            (f"an answer on a new connection after {rest} s of rest", Client.connect_and_ask, scale.pick(5, 3), rest),
            *((f"{what}, 20 a second", call, scale.pick(100, 20), PACE) for what, call in CALLS.items()),
        ):
            say(f"  {what}")
            some, others = compare(latencies(both, call, count, pause), what)
            found += some
            targets += others
    return {"unit": "", "rows": found, "targets": targets}


if __name__ == "__main__":
    main(measure)
