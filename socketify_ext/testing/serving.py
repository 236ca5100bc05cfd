"""Serve an app in a process of its own, for tests that talk to it over real sockets."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO, Any, TypeAlias

from .. import errors
from .fork_server import ForkedProcess, fork_server

# Whether this is a served process that still makes its app.
making_app: ContextVar[bool] = ContextVar("making_app", default=False)


Process: TypeAlias = "subprocess.Popen[bytes] | ForkedProcess"


class Serving:
    """A server process: `port`, `url` and `ws_url` to reach it, `log` for its output."""

    def __init__(self, process: Process, port: int, output: Path) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.ws_url = f"ws://127.0.0.1:{port}"
        self._output = output

    @property
    def log(self) -> str:
        """Return the standard output and error of the process so far."""
        return self._output.read_text(errors="replace")

    def wait_for_log(self, text: str, timeout: float = 15.0) -> str:
        """Wait for a text in the log, which a process may write after its answer.

        Returns:
            The log.

        Raises:
            TimeoutError: it is not there in time, or the process has ended without it.
        """
        end = time.monotonic() + timeout
        while True:
            may_come = self.alive and time.monotonic() < end
            log = self.log
            if text in log:
                return log
            if not may_come:
                raise TimeoutError(f"{text!r} is not in the log:\n{log}")
            time.sleep(0.01)

    @property
    def alive(self) -> bool:
        """Return whether the process still runs."""
        return self.process.poll() is None

    def stop(self, number: int = signal.SIGTERM, timeout: float = 15.0) -> int:
        """Send a signal and wait for the end.

        Returns:
            The exit code, negative for a signal that killed it.

        Raises:
            TimeoutExpired: it did not end in time, and was killed.
        """
        if self.alive:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@contextlib.contextmanager
def serve(
    factory: Callable[..., Any],
    /,
    *,
    environment: Mapping[str, str] | None = None,
    timeout: float = 30.0,
    **arguments: Any,
) -> Iterator[Serving]:
    """Serve the app that `factory(**arguments)` makes, in a child process on a free loopback port.

    Args:
        factory: returns an app that does not listen yet; any function, a lambda or a closure too.
        environment: variables added to the process's own. It starts afresh for them; without, on Linux, it is forked
            from one that has imported the core, which takes a tenth of the time.
        timeout: seconds until the server must listen.
        arguments: passed to the factory.

    Raises:
        ServeError: the factory can't be sent to another process, or the process ended or did not listen in time;
            `log` holds its output.
        MissingExtraError: cloudpickle is not installed.
    """
    if making_app.get():  # each process would start the next, for ever
        raise errors.ServeError(
            f"serve({_name(factory)})",
            "can't start",
            "the served process imports the module that calls it",
            'Write the call below if __name__ == "__main__": or in a test function',
        )
    payload = _packed(factory, arguments)
    with tempfile.TemporaryDirectory(prefix="socketify-ext-") as folder:
        given, output = Path(folder, "factory.pickle"), Path(folder, "output.txt")
        given.write_bytes(payload)
        reader, writer = os.pipe()
        try:
            with output.open("wb") as stream:
                process = _start(given, stream, writer, environment)
        finally:
            os.close(writer)
        try:
            ready = wait([reader], timeout)
            port = os.read(reader, 16) if ready else b""
            if not port:
                raise _silent(process, factory, output, f"did not listen within {timeout:g} s" if not ready else "")
            yield Serving(process, int(port), output)
        finally:
            os.close(reader)
            _end(process)


def _start(given: Path, output: IO[bytes], writer: int, environment: Mapping[str, str] | None) -> Process:
    """Start the process that serves: forked, or afresh where its environment is another."""
    forks = None if environment else fork_server()
    if forks is not None:
        return forks.start(f"{__package__}.child", str(given), output.fileno(), writer)
    return subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.child", str(given), str(writer)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=[writer],
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
    )


def _silent(process: Process, factory: Any, output: Path, why: str) -> errors.ServeError:
    if why:
        process.kill()
    code = process.wait()
    log = output.read_text(errors="replace")
    return errors.ServeError(
        f"the server of {_name(factory)}",
        "did not start",
        f"{why or f'its process ended with code {code}'}; it wrote:\n{log.rstrip()}\n",
        "Return the app from the factory, without listen() and run()",
        log=log,
    )


def _end(process: Process) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _packed(factory: Any, arguments: dict[str, Any]) -> bytes:
    """Pack a factory for a fresh process: by name where it has one there, else by its code."""
    who = f"serve({_name(factory)})"
    if not callable(factory):
        fix = "Give a function that makes the app: serve(make), or serve(lambda: extension_app(greet))"
        raise errors.ServeError(who, "can't start", f"a {type(factory).__name__} is not a function", fix)
    errors.require_extra("cloudpickle", "testing", who)
    import cloudpickle

    try:
        call = cloudpickle.dumps((factory, arguments))
    except Exception as error:  # an object's own pickling may raise anything
        raise errors.ServeError(
            who,
            "can't be sent to the server's process",
            f"{type(error).__name__}: {error}",
            "Make what can't be sent, such as an app or a connection, inside the factory",
        ) from error
    module = sys.modules.get(getattr(factory, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    sources = {module.__name__: str(Path(file).resolve())} if module is not None and file else {}
    return pickle.dumps({"folder": Path.cwd(), "path": sys.path, "sources": sources, "call": call})


def _name(factory: Any) -> str:
    return getattr(factory, "__qualname__", None) or type(factory).__name__
