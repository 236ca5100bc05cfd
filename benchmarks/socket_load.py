"""A WebSocket client that costs less than any server: frames made in advance, answers counted by their bytes.

`socket_load.py echo|publish|idle PORT CONNECTIONS SECONDS` prints one line of JSON; `echo` and `publish` say "ready" before
it, once they are connected, and wait for a line.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT = b"Hello, World! This is a message."  # 32 bytes, as what is published
FRAME = bytes([0x81, 0x80 | len(TEXT), 0, 0, 0, 0]) + TEXT  # masked with zeros
ANSWER = 2 + len(TEXT)
BATCH = 50  # messages that one connection has under way


def connect(port: int, path: str) -> socket.socket:
    """Open a WebSocket."""
    one = socket.create_connection(("127.0.0.1", port), 20)
    one.sendall(HANDSHAKE.format(path=path).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += one.recv(1)
    if b" 101 " not in head:
        raise SystemExit(f"no WebSocket: {head!r}")
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one


def take(one: socket.socket, size: int) -> bytes:
    """Read exactly so many bytes."""
    data = b""
    while len(data) < size:
        part = one.recv(size - len(data))
        if not part:
            raise SystemExit("the server has closed a connection")
        data += part
    return data


def begin() -> tuple[float, float]:
    """Report that all are connected and wait for the start; return its time and the CPU time of this process."""
    print("ready", flush=True)
    sys.stdin.readline()
    return time.perf_counter(), time.process_time()


def done(messages: int, start: float, cpu: float) -> dict[str, float]:
    """Return what was reached since `begin`, and what share of the time this process was busy."""
    seconds = time.perf_counter() - start
    return {"messages": messages, "seconds": seconds, "client": (time.process_time() - cpu) / seconds}


def echo(port: int, connections: int, seconds: float) -> dict[str, float]:
    """Send batches on every connection and wait for all of their echoes."""
    sockets = [connect(port, "/echo") for _ in range(connections)]
    sockets[0].sendall(FRAME)
    if take(sockets[0], ANSWER) != b"\x81" + bytes([len(TEXT)]) + TEXT:
        raise SystemExit("the echo is not what was sent")
    batch, size, messages = FRAME * BATCH, ANSWER * BATCH, 0
    start, cpu = begin()
    while time.perf_counter() - start < seconds:
        for one in sockets:
            one.sendall(batch)
        for one in sockets:
            take(one, size)
        messages += BATCH * connections
    return done(messages, start, cpu)


def publish(port: int, connections: int, seconds: float) -> dict[str, float]:
    """Ask for a few publications at a time and wait until every subscriber has them."""
    sockets = {one.fileno(): one for one in (connect(port, "/listen") for _ in range(connections))}
    asking = socket.create_connection(("127.0.0.1", port), 20)
    at_once = 4
    request = f"GET /publish?count={at_once} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    poll = select.epoll()
    for number in sockets:
        poll.register(number, select.EPOLLIN)
    messages = 0
    start, cpu = begin()
    while time.perf_counter() - start < seconds:
        asking.sendall(request)
        missing = at_once * ANSWER * connections
        while missing > 0:
            for number, _ in poll.poll(10) or sys.exit("a publication did not arrive"):
                missing -= len(os.read(number, 65536))
        asking.recv(65536)
        messages += at_once * connections
    return done(messages, start, cpu)


def idle(port: int, connections: int, seconds: float) -> dict[str, float]:
    """Open connections, say so, and keep them until standard input closes."""
    sockets = [connect(port, "/listen") for _ in range(connections)]
    print(json.dumps({"connected": len(sockets)}), flush=True)
    sys.stdin.read()
    return {"seconds": seconds}


if __name__ == "__main__":
    kind, port, connections, seconds = sys.argv[1:5]
    print(json.dumps(globals()[kind](int(port), int(connections), float(seconds))))
