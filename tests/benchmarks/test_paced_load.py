"""benchmarks/paced_load.py sends what is due, and counts what a server makes it wait."""

import itertools
import socket
import sys
import threading

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it waits with epoll")

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def paced_load(script):
    return script("paced_load")


@pytest.fixture
def serve():
    """Return a function that answers with some bytes, so many times a connection; gives the port."""
    listening = []

    def answer(connection, parts, times):
        with connection:
            for _ in range(times):
                if not connection.recv(65536):
                    return
                for part in parts:
                    connection.sendall(part)

    def start(*parts, times=10**9):
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def accept():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection, parts, times), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return server.getsockname()[1]

    yield start
    for server in listening:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def close(targets):
    for target in targets:
        for one in target.idle:
            one.close()


def test_times_are_the_same_for_every_server(paced_load):
    assert paced_load.arrivals(100, 2, 0) == paced_load.arrivals(100, 2, 0)
    assert 100 < len(paced_load.arrivals(100, 2, 0)) < 300


def test_no_connection_rests_for_longer_than_servers_bear(paced_load):
    times = [0.0, *paced_load.arrivals(0.1, 100, 0)]
    assert max(b - a for a, b in itertools.pairwise(times)) == pytest.approx(paced_load.LONGEST)


def test_every_request_is_answered_once_on_every_server(paced_load, serve):
    targets = [paced_load.open_connections(serve(ANSWER), 2) for _ in range(2)]
    late = paced_load.load(targets, 200, 0.2)
    assert [len(target.times) for target in targets] == [len(paced_load.arrivals(200, 0.2, seed)) for seed in (0, 1)]
    assert all(len(target.idle) == 2 for target in targets)
    assert 0 <= late <= sum(len(target.times) for target in targets)
    close(targets)


def test_an_answer_in_two_parts_is_one(paced_load, serve):
    target = paced_load.open_connections(serve(ANSWER[:20], ANSWER[20:]), 1)
    paced_load.load([target], 100, 0.2)
    assert len(target.times) == len(paced_load.arrivals(100, 0.2, 0))
    close([target])


def test_an_answer_that_is_an_error_ends_it(paced_load, serve):
    with pytest.raises(RuntimeError, match="500"):
        paced_load.open_connections(serve(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), 1)


def test_a_server_that_closes_ends_it(paced_load, serve):
    target = paced_load.open_connections(serve(ANSWER, times=1), 1)
    with pytest.raises((SystemExit, OSError)):
        paced_load.load([target], 100, 0.2)
