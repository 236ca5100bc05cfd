"""benchmarks/serving.py starts, measures and ends servers."""

import sys
from contextlib import closing
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")

# A server whose worker is in a session of its own, as those of `socketify-ext run` are.
SUPERVISOR = """
import socket, subprocess, sys
worker = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection = server.accept()[0]
    connection.recv(100)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
    connection.close()
"""


@pytest.fixture
def supervised(script):
    serving = script("serving")
    server = serving.start(lambda port: [sys.executable, "-c", SUPERVISOR, str(port)])
    server.worker = next(number for number in server.cpu_by_process() if number != server.process.pid)
    with closing(server.output):
        yield server
        if server.process.poll() is None:
            server.stop()


def state(process):
    """Return the letter of a process's state, Z where it has ended and nobody has asked how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def wait_until(process, letter):
    while state(process) != letter:
        pass


def test_a_server_stands_still_with_its_workers_until_it_is_timed(supervised):
    wait_until(supervised.worker, "T")
    with supervised.running():
        assert supervised.ask("/")[2] == b"ok"
        wait_until(supervised.worker, "R")
    wait_until(supervised.worker, "T")


def test_what_workers_use_is_counted(supervised):
    with supervised.running(), supervised.timed() as found:
        before = supervised.cpu_by_process()[supervised.worker]
        while supervised.cpu_by_process()[supervised.worker] < before + 0.01:
            pass
    assert found["used"] >= 0.01
    assert found["server"] > 0
    assert found["client"] >= 0


def test_workers_end_with_their_server(supervised):
    supervised.stop()
    wait_until(supervised.worker, "Z")
