"""A child process of our own interpreter: it gets a request, and writes events until it ends, as JSON, one a line.

`Child` is the parent's side, `run_child` and `EventWriter` are the child's. What the child prints is not part of it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, Any, Final, NoReturn

from socketify_ext import errors

from .frames import location_of_error, location_of_trace

_GRACE: Final = 5.0  # seconds for a process that can't even end itself
_POLL: Final = 0.1  # seconds between looks at a process whose forks still hold the pipe


class HungError(Exception):
    """The process has not answered in time.

    Args:
        trace: the stacks of its threads; "" where they are not known.
    """

    def __init__(self, trace: str = "") -> None:
        self.trace = trace
        self.location = location_of_trace(trace)
        super().__init__(self.location)


class GoneError(Exception):
    """The process has ended."""


class Child:
    """A child process, until `close`.

    Args:
        module: what it runs; the module calls `run_child`.
        request: for the child, in plain data.
        timeout: seconds that it gets for each event.
        output: where its standard output goes.
        error_output: where its standard error goes; by default to that of this process.
    """

    def __init__(
        self,
        module: str,
        request: Mapping[str, Any],
        timeout: float,
        *,
        output: IO[Any] | int = subprocess.DEVNULL,
        error_output: IO[Any] | None = None,
    ) -> None:
        self.timeout = timeout
        self._trace = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        self._reader, writer = os.pipe()
        self._unread = b""
        files = {"events": writer, "trace": self._trace.fileno()}
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", module, json.dumps({**files, "timeout": timeout, "request": request})],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=error_output,
            pass_fds=list(files.values()),
            start_new_session=True,  # whatever it starts ends with it
        )
        os.close(writer)

    def read_event(self) -> dict[str, Any]:
        """Wait for the next event.

        Raises:
            ExtensionError: the child has failed with it; `traceback` holds the child's own.
            GoneError: the child has ended.
            HungError: the child has written no event in time.
        """
        until = time.monotonic() + self.timeout + _GRACE
        while b"\n" not in self._unread:
            try:
                part = self._read(until)
            except TimeoutError:
                raise HungError(self._stacks()) from None
            if not part:
                trace = self._stacks()
                raise HungError(trace) if trace else GoneError(self.end())
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        event: dict[str, Any] = json.loads(line)
        if "error" in event:
            raise rebuild_error(event["error"])
        return event

    def _read(self, until: float) -> bytes:
        """Read what there is, b"" at the end."""
        while True:
            left = until - time.monotonic()
            ended = not self.is_running()  # before the look: what it has written by then is in the pipe
            if wait([self._reader], 0 if ended else max(0.0, min(left, _POLL))):
                return os.read(self._reader, 65536)
            if ended:
                return b""
            if left <= 0:
                raise TimeoutError

    def _stacks(self) -> str:
        """Return what the child has written of its threads, where it hung."""
        self._trace.seek(0)
        return self._trace.read().decode(errors="replace")

    def is_running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    def end(self) -> str:
        """Report how the process has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(1)
            with contextlib.suppress(ValueError):  # a signal without a name
                return f"its process was killed by {signal.Signals(-code).name}"
            return f"its process ended with exit code {code}"
        return "its process no longer answers"

    def close(self) -> None:
        """End the process and whatever it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of one that has ended
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._reader)
        self._trace.close()


class EventWriter:
    """Write events to the parent; a child that writes none in time writes where it hangs, and ends.

    Args:
        file: a descriptor that takes the events.
        trace: a descriptor that takes the stacks of a child that hangs.
        timeout: seconds until the next event.
    """

    def __init__(self, file: int, trace: int, timeout: float) -> None:
        for each in (file, trace):
            os.set_inheritable(each, False)
        self._file = os.fdopen(file, "wb")
        self._trace = trace
        self._timeout = timeout
        self._process = os.getpid()
        self._watch()

    def __call__(self, **event: Any) -> None:
        """Write an event of plain data."""
        if self._is_fork():
            return
        self._file.write(json.dumps(event).encode() + b"\n")
        self._file.flush()
        self._watch()

    def _watch(self) -> None:
        faulthandler.dump_traceback_later(self._timeout, exit=True, file=self._trace)

    def _is_fork(self) -> bool:
        """Whether this is a process that the target has forked: the child alone writes, and has the watchdog."""
        return os.getpid() != self._process

    def finish(self, **event: Any) -> None:
        """Write the last event, if any; from then on the child may take as long as it likes."""
        if event:
            self(**event)
        if not self._is_fork():
            faulthandler.cancel_dump_traceback_later()


def run_child(work: Callable[[dict[str, Any], EventWriter], object]) -> NoReturn:
    """Run this process as a child: get the request, work, and end. An error becomes an event.

    Args:
        work: gets the request, which names the `target` that it loads, and the writer of events.
    """
    given = json.loads(sys.argv[1])
    request = given["request"]
    write_event = EventWriter(given["events"], given["trace"], given["timeout"])
    sys.path.insert(0, str(Path.cwd()))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            work(request, write_event)
    except BaseException as error:  # a target may raise anything, SystemExit too
        write_event(error={**error_parts(request["target"], error), "traceback": traceback.format_exc()})
    write_event.finish()
    sys.stderr.flush()
    os._exit(0)  # no thread of the target keeps the process


def error_parts(target: str, error: BaseException) -> dict[str, Any]:
    """Return an error in plain data; one that is not of this package becomes a `TargetError`."""
    if not isinstance(error, errors.ExtensionError):
        error = errors.TargetError(
            f"target {target!r}",
            "can't be loaded",
            one_line(error),
            "Correct that; --traceback shows where it came from",
        )
    parts = {name: getattr(error, name) for name in ("who", "what", "why", "fix")}
    location = location_of_error(error.__cause__) if error.__cause__ is not None else ""
    if location and location not in parts["why"]:
        parts["why"] += f" ({location})"
    kind = next(each.__name__ for each in type(error).__mro__ if hasattr(errors, each.__name__))  # a plugin's own too
    return {"kind": kind, **parts, "target": target}


def one_line(error: BaseException) -> str:
    """Return an error's type and text in one line, with the line of the target that it came from."""
    location = location_of_error(error)
    return " ".join(f"{type(error).__name__}: {error}".split()) + (f" ({location})" if location else "")


def rebuild_error(parts: Mapping[str, Any]) -> errors.ExtensionError:
    """Make the error of the parts that a child has written."""
    kind: type[errors.ExtensionError] = getattr(errors, parts["kind"])
    return kind(**{name: value for name, value in parts.items() if name != "kind"})
