"""Servers and their load, each pinned to a core of its own; a server that is not being timed is stopped (SIGSTOP)."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

HERE = Path(__file__).parent
HEADERS = {"token": "x"}
SPEEDUPS = ", speedups"
"""What the label of a server with the speedups ends with; all others run without."""
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
PINNED = len(CORES) > 1 and shutil.which("taskset") is not None


def pinned(core: int | None, command: Sequence[str]) -> list[str]:
    """Return the command that runs `command` on the first or second core that this process may use.

    None stands for all cores but the second, which is the load's, or for both where there are two.
    """
    if not PINNED:
        return list(command)
    several = CORES if len(CORES) == 2 else [CORES[0], *CORES[2:]]
    cores = several if core is None else [CORES[core]]
    return ["taskset", "-c", ",".join(map(str, cores)), *command]


def free_port() -> int:
    """Find a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def client_cpu() -> float:
    """Return the seconds of CPU of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Server:
    """A server process with its children; `cpu()` counts what all of them have used."""

    def __init__(self, command: Sequence[str], port: int, *, core: int | None = 0, **options: Any) -> None:
        self.port = port
        self.output = tempfile.TemporaryFile()  # noqa: SIM115  # closed in `stop`
        self.process = subprocess.Popen(
            pinned(core, command),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )

    @property
    def log(self) -> str:
        """Return what the server has written so far."""
        self.output.seek(0)
        return self.output.read().decode(errors="replace")[-2000:]

    def wait(self, seconds: float = 30) -> None:
        """Wait until the server accepts connections.

        Raises:
            RuntimeError: it ended, or accepts none in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.05)
        raise RuntimeError(f"the server does not listen; it wrote:\n{self.log}")

    def ask(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, str, bytes]:
        """Send one GET; gives status, content type and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers.get("content-type", ""), answer.read()
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        """Send one GET and decode the answer."""
        return json.loads(self.ask(path)[2])

    def _members(self) -> dict[int, list[str]]:
        """Return the fields of /proc/PID/stat from the third on, of each process of the session and of their children."""
        all_fields = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    all_fields[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
        found = {number for number, fields in all_fields.items() if int(fields[3]) == self.process.pid}
        while more := {number for number, fields in all_fields.items() if int(fields[1]) in found} - found:
            found |= more
        return {number: all_fields[number] for number in found}

    def cpu(self) -> float:
        """Return the seconds of CPU that the server has used, user and system."""
        return sum(self.cpu_by_process().values())

    def cpu_by_process(self) -> dict[int, float]:
        """Return the seconds of CPU that each process of the server has used."""
        used = {}
        for number in self._members():
            with contextlib.suppress(OSError):  # it has ended
                used[number] = time.clock_gettime((~number << 3) | 2)  # its clock, as clock_getcpuclockid(3) has it
        return used

    @contextlib.contextmanager
    def timed(self) -> Iterator[dict[str, float]]:
        """Measure a load: `used`, the server's seconds of CPU, and what share of the time the two sides were busy.

        The client is what ran as a child process and has ended. A server of several processes can be busy more than once.
        """
        found: dict[str, float] = {}
        used, waited, begin = self.cpu(), client_cpu(), time.perf_counter()
        yield found
        wall = time.perf_counter() - begin
        found["used"] = self.cpu() - used
        found |= {"server": found["used"] / wall, "client": (client_cpu() - waited) / wall}

    def resident(self) -> int:
        """Return the bytes of memory that the server holds."""
        return sum(int(fields[21]) for fields in self._members().values()) * os.sysconf("SC_PAGE_SIZE")

    def _signal(self, number: int) -> list[int]:
        members = list(self._members())
        for member in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, number)
        return members

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Let the server run for this long."""
        self._signal(signal.SIGCONT)
        try:
            yield
        finally:
            self._signal(signal.SIGSTOP)

    def stop(self) -> None:
        """End the server and its children."""
        self._signal(signal.SIGCONT)
        members = self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        for member in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        self.process.wait()
        self.output.close()


@contextlib.contextmanager
def server(command: Callable[[int], Sequence[str]], **options: Any) -> Iterator[Server]:
    """Run the server that `command(port)` starts; it stands still except inside `running()`."""
    one = start(command, **options)
    try:
        yield one
    finally:
        one.stop()


def start(command: Callable[[int], Sequence[str]], **options: Any) -> Server:
    """Start a server and stop it (SIGSTOP) once it listens.

    Raises:
        RuntimeError: it does not listen.
    """
    port = free_port()
    one = Server(command(port), port, **options)
    try:
        one.wait()
    except BaseException:
        one.stop()
        raise
    one._signal(signal.SIGSTOP)
    return one


def without_speedups(command: Sequence[str]) -> list[str]:
    """Return the command that runs `command` without the speedups, which are found where they are installed."""
    return ["env", "SOCKETIFY_EXT_SPEEDUPS=0", *command]


def missing_speedups() -> str | None:
    """Return why this interpreter has no speedups; None where it has them."""
    from socketify_ext.runtime import compiled  # run.py imports this module where the package is not installed

    module, why = compiled.find()
    return None if module else why


Case = TypeVar("Case")


def runnable(cases: Mapping[str, Case]) -> tuple[dict[str, Case], dict[str, str]]:
    """Return the cases that can be measured with this interpreter, and for each other one, of the speedups, the reason."""
    why = missing_speedups()
    left_out = {} if why is None else {label: why for label in cases if label.endswith(SPEEDUPS)}
    return {label: case for label, case in cases.items() if label not in left_out}, left_out


def app(kind: str, *, speedups: bool = False, **arguments: Any) -> Callable[[int], list[str]]:
    """Return the command of one of the servers in `apps.py`; it runs without the speedups unless it is asked for them."""

    def command(port: int) -> list[str]:
        run = [sys.executable, str(HERE / "apps.py"), kind, str(port), json.dumps(arguments)]
        return run if speedups else without_speedups(run)

    return command


def wrk(
    one: Server,
    path: str = "/",
    *,
    seconds: int,
    connections: int = 32,
    headers: Mapping[str, str] = HEADERS,
    script: Path | None = None,
) -> dict[str, float]:
    """Load a running server; gives requests per second (`value`) and microseconds of CPU per request (`cpu`).

    `server` and `client` say what share of the time each of them was busy.

    A script says what else wrk sends than a GET.

    Raises:
        RuntimeError: an answer was an error, or a connection failed.
    """
    one.ask(path, dict(headers))  # wakes a loop that has gone idle
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    lines = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    scripted = [] if script is None else ["-s", str(script)]
    command = pinned(1, [*command, *lines, *scripted, f"http://127.0.0.1:{one.port}{path}"])
    for _ in range(5):  # a machine that was busy elsewhere all the time gets another chance
        with one.timed() as found:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise RuntimeError(f"wrk met errors at {path}:\n{done.stdout}\n{one.log}")
        requests = re.search(r"(\d+) requests in", done.stdout)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
        if requests and rate and int(requests[1]):
            return {"value": float(rate[1]), "cpu": found.pop("used") / int(requests[1]) * 1e6, **found}
    raise RuntimeError(f"wrk got no answer at {path}:\n{done.stdout}{done.stderr}\n{one.log}")


def paced(servers: Sequence[Server], rate: float, seconds: float, connections: int) -> list[dict[str, float]]:
    """Send each of some servers so many requests a second, all at once; see `paced_load.py`.

    Returns:
        For each the milliseconds until an answer came (`p50`, `p90`, `p99`), the percentage of requests that were sent
        `late`, and the percentage of a core that the server used (`share`).

    Raises:
        RuntimeError: a server answered with an error, or closed a connection.
    """
    ports = ",".join(str(one.port) for one in servers)
    script, pipe = str(HERE / "paced_load.py"), subprocess.PIPE
    command = pinned(1, [sys.executable, script, ports, str(rate), str(seconds), str(connections)])
    with contextlib.ExitStack() as stack:
        for one in servers:
            stack.enter_context(one.running())
        client = stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        ready = client.stdout.readline()
        used = [stack.enter_context(one.timed()) for one in servers]
        written, errors = client.communicate("\n" if ready else "", timeout=seconds + 60)
    if client.returncode:
        raise RuntimeError(errors.strip().splitlines()[-1] if errors.strip() else "the client of paced_load.py failed")
    return [{**found, "share": each["server"] * 100} for found, each in zip(json.loads(written), used, strict=True)]


def pipelined(one: Server, path: str, requests: int, batch: int = 32) -> None:
    """Send so many requests to a running server on one connection, some at a time.

    Raises:
        RuntimeError: an answer was no success.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nToken: x\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n".encode() * batch
    with socket.create_connection(("127.0.0.1", one.port), 30) as connection:
        for _ in range(-(-requests // batch)):
            connection.sendall(request)
            answers, data = 0, b""
            while answers < batch or not complete(data):
                part = connection.recv(262144)
                if not part:
                    raise RuntimeError(f"the server closed the connection at {path}:\n{one.log}")
                data += part
                answers = data.count(b"HTTP/1.1 2")


def complete(data: bytes) -> bool:
    """Check whether the last of several answers with a Content-Length is whole."""
    head, end, body = data[data.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return bool(end) and length is not None and len(body) >= int(length[1])
