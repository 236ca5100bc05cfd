"""A client that sends requests at random times, whatever the server does: `paced_load.py PORTS RATE SECONDS CONNECTIONS`.

So many requests a second to each port, as a Poisson process with the same times for every server. The time of an answer
counts from when its request was due, so that a server that makes requests wait pays for it. Prints one line of JSON: a list
with the figures of each port, times in milliseconds. `late` is the percentage of requests that were sent a millisecond after
they were due: this client was behind, or all connections were in use.
"""

from __future__ import annotations

import json
import random
import re
import select
import socket
import sys
import time
from dataclasses import dataclass, field

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\ntoken: x\r\n\r\n"
LONGEST = 4.0  # seconds between requests: some servers end a connection that rests for five
LATE = 0.001


@dataclass(slots=True)
class Target:
    """A server: its connections, how long its answer is, and what was measured."""

    port: int
    size: int = 0
    idle: list[socket.socket] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def open_connections(port: int, connections: int) -> Target:
    """Connect, and ask once on each connection to learn how long an answer is.

    Raises:
        RuntimeError: an answer has no length, or is an error.
    """
    target = Target(port)
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", port), 20)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.sendall(REQUEST)
        data = b""
        while b"\r\n\r\n" not in data:
            data += one.recv(65536) or sys.exit(f"port {port} has closed a connection")
        head = data.partition(b"\r\n\r\n")[0]
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if length is None or not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"port {port} answers {head!r}")
        target.size = len(head) + 4 + int(length[1])
        while len(data) < target.size:
            data += one.recv(65536)
        target.idle.append(one)
    return target


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Return random times, so many a second."""
    chance, found, now = random.Random(seed), [], 0.0  # noqa: S311  # the same each time
    while (now := now + min(chance.expovariate(rate), LONGEST)) < seconds:
        found.append(now)
    return found


def load(targets: list[Target], rate: float, seconds: float) -> int:
    """Send the requests and note the times of the answers; gives how many were sent late."""
    arriving = sorted((at, seed) for seed in range(len(targets)) for at in arrivals(rate, seconds, seed))
    poll, clock = select.epoll(), time.perf_counter
    # By descriptor: what receives, where it belongs, since when its request is due, how many bytes are missing.
    receive, owner, due, missing = {}, {}, {}, {}
    for target in targets:
        for one in target.idle:
            poll.register(one.fileno(), select.EPOLLIN)
            receive[one.fileno()], owner[one.fileno()] = one.recv, (target, one)
    index, late, count, begin = 0, 0, len(arriving), clock()
    while index < count or due:
        now = clock() - begin
        while index < count and arriving[index][0] <= now:
            at, number = arriving[index]
            target = targets[number]
            if not target.idle:
                break
            one = target.idle.pop()
            one.send(REQUEST)
            due[one.fileno()], missing[one.fileno()] = at, target.size
            late += now - at > LATE
            index += 1
        wait = arriving[index][0] - now if index < count else 1
        # The system wakes a sleeper late: close to the time it is not asked to.
        for number, _ in poll.poll(wait - 0.002 if wait > 0.003 else 0):
            size = len(receive[number](4096))
            if not size or number not in due:
                sys.exit("a server has closed a connection")
            missing[number] -= size
            if missing[number] <= 0:
                target, one = owner[number]
                target.times.append(clock() - begin - due.pop(number))
                target.idle.append(one)
    return late


def main() -> None:
    """Load what the command line names."""
    ports, rate, seconds, connections = sys.argv[1].split(","), *map(float, sys.argv[2:5])
    targets = [open_connections(int(port), int(connections)) for port in ports]
    print("ready", flush=True)
    sys.stdin.readline()
    late = load(targets, rate, seconds)
    sent = sum(len(target.times) for target in targets)
    found = []
    for target in targets:
        times = sorted(target.times)
        figures = {f"p{number}": times[len(times) * number // 100] * 1000 for number in (50, 90, 99)}
        found.append(figures | {"late": 100 * late / sent})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
