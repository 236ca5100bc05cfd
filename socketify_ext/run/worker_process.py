"""A worker as its supervisor sees it: a process, what it tells, and its end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from .settings import RunSettings

Result = TypeVar("Result")

_MODULE: Final = f"{__package__}.worker"


@dataclass
class WorkerProcess:
    """One worker.

    Args:
        number: its place, from 1 on; a worker that replaces it has the same.
        settings: of the run.
        listening: the number of the listening socket.

    Attributes:
        told: what it has told when it was ready or had failed: {"ready": ...} or {"error": text}; {} if it only ended.
        ended: the exit code, once the process has ended.
        changed: is done when it has ended or asks to be replaced.
        is_stopping: whether the supervisor has asked it to stop.
    """

    number: int
    settings: RunSettings
    listening: int
    told: asyncio.Future[dict[str, Any]] = field(init=False)
    ended: asyncio.Future[int] = field(init=False)
    changed: asyncio.Future[None] = field(init=False)
    is_stopping: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.told, self.ended = self._loop.create_future(), self._loop.create_future()
        self.changed = self._loop.create_future()
        self.began = self._loop.time()
        self._unread = b""
        self._reader, writer = os.pipe()
        alive, self._alive = os.pipe()  # whose end tells the worker that its supervisor has gone
        os.set_blocking(self._reader, False)
        given = {"number": self.number, "listening": self.listening, "events": writer, "alive": alive}
        try:
            # In a session of its own: the terminal's Ctrl-C is the supervisor's.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", _MODULE, json.dumps(given), self.settings.to_json()],
                stdin=subprocess.DEVNULL,
                pass_fds=[self.listening, writer, alive],
                start_new_session=True,
            )
        finally:
            os.close(writer)
            os.close(alive)
        self._loop.add_reader(self._reader, self._read)

    @property
    def pid(self) -> int:
        """Return the number of its process."""
        return self._process.pid

    @property
    def age(self) -> float:
        """Return for how many seconds it has been there."""
        return self._loop.time() - self.began

    def _read(self) -> None:
        try:
            part = os.read(self._reader, 65536)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            self._loop.remove_reader(self._reader)
            return
        *lines, self._unread = (self._unread + part).split(b"\n")
        for line in lines:
            event = json.loads(line)
            if "rest" in event:
                _settle(self.changed, None)
            else:
                _settle(self.told, event)

    def note_end(self, code: int) -> None:
        """Note that the process has ended, as the system has reported."""
        self._process.returncode = code
        if not self.told.done():
            self._read()
        _settle(self.told, {})
        _settle(self.ended, code)
        _settle(self.changed, None)
        self._loop.remove_reader(self._reader)
        os.close(self._reader)
        os.close(self._alive)

    def send(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def stop(self) -> int:
        """Stop it: SIGTERM, and SIGKILL when its time is over; return the exit code."""
        self.is_stopping = True
        self.send(signal.SIGTERM)
        done, _ = await asyncio.wait({self.ended}, timeout=self.settings.stop_timeout)
        if not done:
            self.send(signal.SIGKILL)
        return await self.ended


def _settle(future: asyncio.Future[Result], result: Result) -> None:
    if not future.done():
        future.set_result(result)
