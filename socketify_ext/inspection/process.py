"""A child process of our own interpreter: it gets a request, and writes events until it ends, as JSON, one a line.

`Child` is the parent's side, `run_child` and `EventWriter` are the child's. What the child prints is not part of it. A
child may take commands too, and note what it runs, for a parent that asks what it hangs in or has ended in.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from json import dumps, loads  # by name: a target may replace those of the module
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NoReturn

from socketify_ext import errors

from .frames import location_of_error, location_of_trace

if TYPE_CHECKING:
    from ..testing.fork_server import ForkedProcess, ForkServer

_GRACE: Final = 5.0  # seconds for a process that can't even end itself
_POLL: Final = 0.1  # seconds between looks at a process whose forks still hold the pipe
_STACKS: Final = 2.0  # seconds for a process to write its stacks


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
        module: what it runs; the module calls `run_child`, and has `main(given, *descriptors)` where it is forked.
        request: for the child, in plain data.
        timeout: seconds that it gets for each event.
        output: where its standard output goes.
        error_output: where its standard error goes; by default to that of this process, of a fork where its output goes.
        fork_server: forks it from a process that has imported what it needs; by default it starts afresh.
        folder: where its modules are looked for first; by default the current one.
    """

    def __init__(
        self,
        module: str,
        request: Mapping[str, Any],
        timeout: float,
        *,
        output: IO[Any] | int = subprocess.DEVNULL,
        error_output: IO[Any] | None = None,
        fork_server: ForkServer | None = None,
        folder: Path | None = None,
    ) -> None:
        self.timeout = timeout
        self._trace = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        self._notes = tempfile.TemporaryFile()  # noqa: SIM115 - the same
        self._reader, events = os.pipe()
        commands, self._writer = os.pipe()
        self._unread = b""
        descriptors = [events, self._trace.fileno(), self._notes.fileno(), commands]
        self._mark = uuid.uuid4().hex.encode()  # of its own lines, since a target may write to any descriptor
        given = dumps(
            {
                "timeout": timeout,
                "mark": self._mark.decode(),
                "request": request,
                "folder": str(Path.cwd() if folder is None else folder.absolute()),
            }
        )
        self._process: subprocess.Popen[bytes] | ForkedProcess
        if fork_server is not None and not isinstance(output, int):
            self._process = fork_server.start(module, given, output.fileno(), *descriptors)
        else:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", module, given, *map(str, descriptors)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=error_output,
                pass_fds=descriptors,
                start_new_session=True,  # whatever it starts ends with it
            )
        os.close(events)
        os.close(commands)

    def read_event(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait for the next event.

        Args:
            timeout: seconds; by default those that the child gives itself, and some more.

        Raises:
            ExtensionError: the child has failed with it; `traceback` holds the child's own.
            GoneError: the child has ended.
            HungError: the child has written no event in time.
        """
        until = time.monotonic() + (self.timeout + _GRACE if timeout is None else timeout)
        while (line := self._next_line()) is None:
            try:
                part = self._read(until)
            except TimeoutError:
                raise HungError(self.stacks()) from None
            if not part:
                trace = self._written(self._trace)
                raise HungError(trace) if trace else GoneError(self.end())
            self._unread += part
        event: dict[str, Any] = loads(line)
        if "error" in event:
            raise rebuild_error(event["error"])
        return event

    def _next_line(self) -> bytes | None:
        """Return the next event that has come, without its mark; None where there is none."""
        while b"\n" in self._unread:
            line, _, self._unread = self._unread.partition(b"\n")
            _, mark, event = line.partition(self._mark)
            if mark:
                return event
        return None

    def send(self, **command: Any) -> None:
        """Send a command of plain data; one that has ended gets none."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._writer, dumps(command).encode() + b"\n")

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

    def stacks(self) -> str:
        """Return the stacks of the child's threads, where it is stuck; "" where it does not write them."""
        until = time.monotonic() + _STACKS
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGUSR1)
        while not (found := self._written(self._trace)) and self.is_running() and time.monotonic() < until:
            time.sleep(_POLL / 10)
        return found

    @property
    def notes(self) -> str:
        """Return what the child has noted last."""
        return self._written(self._notes)

    @staticmethod
    def _written(file: IO[bytes]) -> str:
        return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")

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
        for kill in (self._process.kill, lambda: os.killpg(self._process.pid, signal.SIGKILL)):  # its group may be new
            with contextlib.suppress(
                ProcessLookupError, PermissionError
            ):  # macOS says the latter of one that has ended
                kill()
        self._process.wait()
        os.close(self._reader)
        os.close(self._writer)
        self._trace.close()
        self._notes.close()


class EventWriter:
    """Write events to the parent; a child that writes none in time writes where it hangs, and ends.

    Args:
        descriptors: those that take the events, the stacks of a child that hangs or is asked for them by SIGUSR1, and the
            last note; and the one that gives the parent's commands.
        timeout: seconds until the next event.
        mark: begins each line.
    """

    def __init__(self, descriptors: Sequence[int], timeout: float, mark: str) -> None:
        events, trace, notes, commands = descriptors
        for each in descriptors:
            os.set_inheritable(each, False)
        self._file = os.fdopen(events, "wb")
        self._trace = trace
        self._notes = notes
        self.commands = commands
        self._timeout = timeout
        self._mark = mark.encode()
        self._is_finished = False
        self._process = os.getpid()
        faulthandler.register(signal.SIGUSR1, file=trace)
        self._watch()

    def __call__(self, **event: Any) -> None:
        """Write an event of plain data."""
        if self._is_fork():
            return
        self._file.write(self._mark + dumps(event).encode() + b"\n")
        self._file.flush()
        self._watch()

    def note(self, text: str) -> None:
        """Note something that the parent reads where this process hangs or has ended; it replaces what was noted."""
        if not self._is_fork():
            os.ftruncate(self._notes, 0)
            os.pwrite(self._notes, text.encode(errors="replace"), 0)

    def _watch(self) -> None:
        if self._is_finished:
            return
        faulthandler.dump_traceback_later(self._timeout, exit=True, file=self._trace)

    def _is_fork(self) -> bool:
        """Whether this is a process that the target has forked: the child alone writes, and has the watchdog."""
        return os.getpid() != self._process

    def finish(self, **event: Any) -> None:
        """Write an event, if any; from then on the child may take as long as it likes."""
        self._is_finished = True
        if event:
            self(**event)
        if not self._is_fork():
            faulthandler.cancel_dump_traceback_later()


def run_child(work: Callable[[dict[str, Any], EventWriter], object]) -> NoReturn:
    """Run this process as a child: get the request, work, and end. An error becomes an event.

    Args:
        work: gets the request, which names the `target` that it loads, and the writer of events.
    """
    given, *descriptors = sys.argv[1:]
    _run(work, given, *map(int, descriptors))


def run_fork(work: Callable[[dict[str, Any], EventWriter], object], given: str, *descriptors: int) -> NoReturn:
    """Run this process, which a fork server has forked, as `run_child` does."""
    os.setsid()  # whatever it starts ends with it
    if sys.path and sys.path[0] == str(Path.cwd()):  # the fork server's
        del sys.path[0]
    os.chdir(loads(given)["folder"])
    sys.argv[1:] = []
    _run(work, given, *descriptors)


def _run(work: Callable[[dict[str, Any], EventWriter], object], given: str, *descriptors: int) -> NoReturn:
    parts = loads(given)
    request = parts["request"]
    write_event = EventWriter(descriptors, parts["timeout"], parts["mark"])
    sys.path.insert(0, parts["folder"])
    try:
        with contextlib.redirect_stdout(sys.stderr):
            work(request, write_event)
    except BaseException as error:  # a target may raise anything, SystemExit too
        write_event(error={**error_parts(request["target"], error), "traceback": traceback.format_exc()})
    write_event.finish()
    with contextlib.suppress(OSError, ValueError):  # closed by the target
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
    try:
        text = str(error)
    except BaseException as second:  # its text is code, too
        text = f"<{type(second).__name__}>"
    return " ".join(f"{type(error).__name__}: {text}".split()) + (f" ({location})" if location else "")


def rebuild_error(parts: Mapping[str, Any]) -> errors.ExtensionError:
    """Make the error of the parts that a child has written."""
    kind: type[errors.ExtensionError] = getattr(errors, parts["kind"])
    return kind(**{name: value for name, value in parts.items() if name != "kind"})
