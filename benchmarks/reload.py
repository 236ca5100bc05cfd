"""How long does `socketify-ext run --reload` take from the save of a file to its first answer?

A file is saved 20 times, each time with a stream and a WebSocket open. Then with an error, and the time of the save after it.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from question import FULL, Scale, main, median, say, target
from socket_load import connect

APP = """
import asyncio
import socketify_ext

app = socketify_ext.App()
app.register(socketify_ext.load("json"))
app.register(socketify_ext.load("msgpack"))
app.register(socketify_ext.load("inspector"))
app.get("/", lambda res, req: res.end("{text}"))


async def stream(res, req):
    async def parts():
        while True:
            yield "part"
            await asyncio.sleep(0.05)

    await res.stream(parts())


app.get("/stream", stream)
app.ws("/ws", {{"message": lambda ws, message, opcode: None}})
"""
PATIENCE = 30.0


class Program:
    """A program that serves a folder's `main.py` and reloads it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "main.py"
        self._text, self._written = "", threading.Condition()
        self.save("first")
        command = [
            sys.executable,
            "-m",
            "socketify_ext",
            "run",
            "main:app",
            "--reload",
            "--port",
            "0",
            "--access-log",
            "off",
        ]
        self._process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(self.wait_for(r" at http://127\.0\.0\.1:(\d+) "))

    def _read(self) -> None:
        for line in self._process.stderr or ():
            with self._written:
                self._text += line
                self._written.notify_all()

    def wait_for(self, pattern: str) -> str:
        """Wait until it has written something."""
        with self._written:
            if not self._written.wait_for(lambda: re.search(pattern, self._text), PATIENCE):
                raise RuntimeError(f"{pattern!r} is not in:\n{self._text}")
            return re.findall(pattern, self._text)[-1]

    def save(self, text: str, *, more: str = "") -> float:
        """Save the app with another answer; return when."""
        self._file.write_text(APP.format(text=text) + more)
        return time.monotonic()

    def wait_until_served(self, text: str) -> float:
        """Ask until an answer is the new one; return when."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(OSError, http.client.HTTPException):
                client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
                client.request("GET", "/", headers={"Connection": "close"})
                answer = client.getresponse().read().decode()
                client.close()
                if answer == text:
                    return time.monotonic()
            time.sleep(0.005)  # the old worker answers
        raise RuntimeError(f"{text} is not served; the program wrote:\n{self._text}")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold a stream and a WebSocket open."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as stream, connect(self.port, "/ws"):
            stream.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            stream.recv(1000)
            yield

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(PATIENCE)


def measure(scale: Scale = FULL) -> dict[str, Any]:
    """Save again and again; give seconds."""
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder))
        try:
            taken = []
            for number in range(scale.pick(20, 5)):
                with program.held():
                    saved = program.save(f"answer {number}")
                    taken.append(program.wait_until_served(f"answer {number}") - saved)
                say(f"  {taken[-1]:.3f} s")
            program.save("broken", more="\n1 / 0\n")
            program.wait_for("ZeroDivisionError[^$]*waiting for a change")
            saved = program.save("mended")
            mended = program.wait_until_served("mended") - saved
        finally:
            program.stop()
    values = {
        "median": median(taken),
        "worst": max(taken),
        "after an error in the code": mended,
    }
    found = [
        {"group": "from save to answer", "case": name, "value": value, "cost": True} for name, value in values.items()
    ]
    return {
        "unit": "s",
        "rows": found,
        "targets": [target(f"seconds from save to answer, {name}", value, "<=", 1) for name, value in values.items()],
    }


if __name__ == "__main__":
    main(measure)
