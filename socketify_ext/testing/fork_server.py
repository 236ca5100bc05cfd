"""A process that has imported what servers need and forks them, so that a server starts in a tenth of the time.

It has no threads and no loop, and it imports the core but not the runtime: a forked server is as one that starts afresh.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import wait

_ALWAYS = ("asyncio", "cloudpickle", "pluggy", "pydantic", "socketify", "socketify_ext.testing.child")
_SIZE = 4  # bytes of a number that the processes tell each other
_MOST = 8  # descriptors that a process gets
_CHANGING = "PYTEST_CURRENT_TEST"  # pytest's, another for each test

_preloaded: list[str] = []
_lock = threading.Lock()
_running: dict[tuple[str, ...], ForkServer] = {}  # by the modules that each has imported beside those of tests


def preload(*modules: str) -> None:
    """Import modules once for all servers that `serve` starts from now on, in the process that forks them.

    Args:
        modules: names of modules that the apps' modules import, such as "httpx". They must start no threads.
    """
    with _lock:
        _preloaded.extend(modules)
        while _running:
            _running.popitem()[1].close()


def fork_server(*modules: str) -> ForkServer | None:
    """Return the fork server for processes of this environment, or None where each process must start afresh.

    Args:
        modules: names of modules that it has imported beside those of tests.
    """
    if sys.platform != "linux":
        return None
    with _lock:
        if modules in _running and _running[modules].has_ended():
            _running.pop(modules).close()
        if modules not in _running:
            _running[modules] = ForkServer([*_ALWAYS, *_preloaded, *modules])
        return _running[modules] if _running[modules].environment == _lasting() else None


def _lasting() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != _CHANGING}


class ForkServer:
    """The handle of a process that forks others; it ends with this process.

    Args:
        modules: what it imports before.
    """

    def __init__(self, modules: list[str]) -> None:
        self.environment = _lasting()
        self._connection, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), *modules],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        atexit.register(self.close)

    def start(self, module: str, given: str, output: int, *descriptors: int) -> ForkedProcess:
        """Fork a process that runs `main(given, *descriptors)` of a module.

        Args:
            module: its name.
            given: what the process gets, such as the file that holds more.
            output: the descriptor of its standard output and error.
            descriptors: further ones, which it gets by other numbers.

        Raises:
            OSError: the fork server has ended.
        """
        reader, status = socket.socketpair()
        message = json.dumps([module, given]).encode()
        with status, _lock:
            socket.send_fds(self._connection, [message], [output, status.fileno(), *descriptors])
        pid = reader.recv(_SIZE)
        if not pid:
            raise OSError("the fork server has ended")
        return ForkedProcess(int.from_bytes(pid, sys.byteorder), reader)

    def has_ended(self) -> bool:
        """Check whether the process has ended, killed by someone."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End the process; the servers go on."""
        atexit.unregister(self.close)
        self._connection.close()
        self._process.wait()


class ForkedProcess:
    """A process that the fork server has forked, with the methods of `subprocess.Popen` that a server needs."""

    def __init__(self, pid: int, status: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal that killed it, or None while it runs."""
        if self.returncode is None and wait([self._status], 0):
            code = self._status.recv(_SIZE)  # empty if the process that waits for it was killed
            self.returncode = int.from_bytes(code, sys.byteorder, signed=True) if code else -signal.SIGKILL
            self._status.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return the exit code.

        Raises:
            TimeoutExpired: it still runs after `timeout` seconds.
        """
        if self.returncode is None:
            wait([self._status], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(f"the server process {self.pid}", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def main(connection: int, modules: list[str]) -> None:
    """Fork a server for each message, until the other side has closed; return in the servers, when they have ended."""
    for name in modules:
        with contextlib.suppress(ImportError):  # whoever needs it says so
            importlib.import_module(name)
    gc.freeze()  # else the servers' first collection copies all pages
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait for the servers
    with socket.socket(fileno=connection) as messages:
        while True:
            message, descriptors, _, _ = socket.recv_fds(messages, 65536, _MOST)
            if not message:
                return
            if os.fork() == 0:
                break
            for descriptor in descriptors:
                os.close(descriptor)
    _run(*json.loads(message), *descriptors)


def _run(module: str, given: str, output: int, status: int, *descriptors: int) -> None:
    """Fork the server, and report its process and its exit code; return in the server."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid:
        for descriptor in (output, *descriptors):
            os.close(descriptor)
        os.write(status, pid.to_bytes(_SIZE, sys.byteorder))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(status, code.to_bytes(_SIZE, sys.byteorder, signed=True))
        os._exit(0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.close(status)
    for standard in (1, 2):
        os.dup2(output, standard)
    os.close(output)
    importlib.import_module(module).main(given, *descriptors)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
