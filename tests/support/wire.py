"""A plain connection for tests that look at the bytes of HTTP/1.1 themselves."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """One answer: its status line, its headers in order, and its body."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        """Decode the body."""
        return json.loads(self.body)


class Wire:
    """A connection that keeps what comes after an answer for the next one."""

    def __init__(self, port: int, timeout: float) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.rest = b""

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        """Send a request."""
        lines = [f"{method} {path} HTTP/1.1", "host: test", *(f"{key}: {value}" for key, value in headers.items())]
        if body:
            lines.append(f"content-length: {len(body)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def read_until(self, end: bytes) -> bytes:
        """Read up to and with `end`.

        Raises:
            ConnectionError: the connection ended first.
        """
        while end not in self.rest:
            self._more()
        found, _, self.rest = self.rest.partition(end)
        return found + end

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError(f"the server has closed the connection after {self.rest!r}")
        self.rest += data

    def answer(self, bodiless: bool = False) -> Answer:
        """Read one answer with a Content-Length; `bodiless` for one to HEAD."""
        head = self.read_until(b"\r\n\r\n").decode("latin-1")
        status, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        if not status.startswith("HTTP/1.1 "):
            raise ValueError(f"no answer begins like this: {status!r}")
        headers = [(key.lower(), value) for key, _, value in (line.partition(": ") for line in lines)]
        length = 0 if bodiless else int(dict(headers).get("content-length", 0))
        while len(self.rest) < length:
            self._more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return Answer(status.removeprefix("HTTP/1.1 "), headers, body)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send a request and read its answer."""
        self.send(method, path, body, **headers)
        return self.answer(bodiless=method == "HEAD")

    def read_to_end(self) -> bytes:
        """Read what comes until the server closes or resets the connection."""
        with contextlib.suppress(ConnectionError):
            while True:
                self._more()
        return self.rest

    def upgrade(self, path: str) -> None:
        """Become a WebSocket."""
        self.send(
            "GET",
            path,
            **{
                "upgrade": "websocket",
                "connection": "Upgrade",
                "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
                "sec-websocket-version": "13",
            },
        )
        self.read_until(b"\r\n\r\n")

    def reset(self) -> None:
        """Leave with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@contextlib.contextmanager
def wire(port: int, timeout: float = 10.0) -> Iterator[Wire]:
    """Open a plain connection."""
    connection = Wire(port, timeout)
    try:
        yield connection
    finally:
        connection.socket.close()


def gather(port: int, requests: Sequence[tuple[str, Mapping[str, str]]], timeout: float = 10.0) -> list[Answer]:
    """Send GET requests, each a path and its headers, 50 at a time, and give their answers."""
    answers: list[Answer] = []
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(wire(port, timeout)) for _ in range(50)]
        for start in range(0, len(requests), 50):
            batch = requests[start : start + 50]
            for connection, (path, headers) in zip(connections, batch, strict=False):
                connection.send("GET", path, **headers)
            answers += [connection.answer() for connection, _ in zip(connections, batch, strict=False)]
    return answers
