"""`socketify-ext run` in a process of its own, in a folder with modules."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

SECONDS = 30.0


class Running:
    """A running program.

    Attributes:
        port: at which it listens; 0 for a Unix socket.
    """

    def __init__(
        self,
        folder: Path,
        arguments: tuple[str, ...],
        environment: dict[str, str],
        program: tuple[str, ...] = ("socketify_ext",),
        python: str = sys.executable,
    ) -> None:
        self._changed = threading.Condition()
        self._text = ""
        self.process = subprocess.Popen(
            [python, "-m", *program, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = 0

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._text += line
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def output(self) -> str:
        """What it has written so far."""
        with self._changed:
            return self._text

    def wait_for(self, pattern: str, times: int = 1) -> str:
        """Wait until the output has a pattern so many times, and return the last match."""
        with self._changed:
            found = self._changed.wait_for(lambda: len(re.findall(pattern, self._text)) >= times, SECONDS)
            assert found, f"{pattern!r} is not in:\n{self._text}"
            match = list(re.finditer(pattern, self._text))[times - 1]
            return match[1] if match.groups() else match[0]

    def wait_until_ready(self) -> None:
        """Wait until it serves."""
        self.port = int(self.wait_for(r" at \S+?:(\d+) \("))

    def get(self, path: str = "/", *, tls: bool = False) -> str:
        """Return the answer's status line and body, on a connection of its own."""
        with self.connect(tls=tls) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return read_answer(client)

    def connect(self, *, tls: bool = False) -> socket.socket:
        """Connect to it."""
        client = socket.create_connection(("127.0.0.1", self.port), SECONDS)
        if not tls:
            return client
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(client)

    def workers(self) -> list[int]:
        """The processes of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return sorted(map(int, children.split()))

    def wait(self) -> int:
        """Wait for its end, and return the exit code."""
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        self.process.send_signal(number)
        return self.wait()


def read_answer(client: socket.socket) -> str:
    """Read one answer of a connection: its status code and its body."""
    reader = client.makefile("rb")
    status = reader.readline().split()[1].decode()
    length = 0
    while (line := reader.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return f"{status} {reader.read(length).decode()}"


class Runner:
    """Write modules and run them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[Running] = []

    def write(self, code: str, name: str = "main.py") -> Path:
        """Write a file; modules are compiled anew each time, even within a second."""
        path = self.folder / name
        path.write_text(dedent(code))
        return path

    def start(self, *arguments: str, **environment: str) -> Running:
        """Start `socketify-ext run` on a free port."""
        running = Running(self.folder, ("run", *arguments), {"SOCKETIFY_EXT_RUN_PORT": "0", **environment})
        self._running.append(running)
        return running

    def serve(self, *arguments: str, **environment: str) -> Running:
        """Start it, and wait until it serves."""
        running = self.start(*arguments, **environment)
        running.wait_until_ready()
        return running

    def close(self) -> None:
        """End what still runs."""
        for running in self._running:
            if running.process.poll() is None:
                running.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.wait()
            running.process.kill()


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    made = Runner(tmp_path)
    try:
        yield made
    finally:
        made.close()
