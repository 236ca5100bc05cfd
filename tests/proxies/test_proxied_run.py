"""nginx and HAProxy as docs/deploy.md configures them, in front of `socketify-ext run` with two workers.

`make proxies` installs both and runs this; the default run leaves this folder out.
"""

import asyncio
import http.client
import re
import signal
import threading
from pathlib import Path
from typing import NamedTuple

import pytest
import websockets
from proxy_programs import block, free_port, running
from run_program import Running

APP = """
import os
import socketify_ext

app = socketify_ext.App()
app.get("/", lambda res, req: res.end("served"))
app.get("/process", lambda res, req: res.end(str(os.getpid())))


async def echo(res, req):
    res.end((await res.get_data()).getvalue())


def forwarded(res, req):
    res.end(req.get_header("x-forwarded-for") + " " + req.get_header("x-forwarded-proto"))


app.post("/echo", echo)
app.get("/forwarded", forwarded)
app.ws("/ws", {"message": lambda ws, message, opcode: ws.send(message, opcode)})
"""
SOCKET = "/run/app/app.sock"  # as the page has it


class Proxied(NamedTuple):
    """A proxy and the program behind it."""

    port: int
    program: Running


def configuration(name, place, folder, port):
    """Return the configuration of the pages: with the address, or with the lines for a Unix socket in their place."""
    text = block("docs/proxies.md", name)
    if place == "port":
        return text.replace("127.0.0.1:3000", f"127.0.0.1:{port}")
    lines = block("docs/deploy.md", name)
    replaced = {"nginx": r" *upstream app \{.*?\}\n", "haproxy": r" *server app1 [^\n]*\n"}[name]
    text, times = re.subn(replaced, lambda _: lines, text, flags=re.DOTALL)
    assert times == 1
    assert SOCKET in text
    return text.replace(SOCKET, str(folder / "app.sock"))


@pytest.fixture(scope="module", params=["nginx port", "nginx socket", "haproxy port", "haproxy socket"])
def proxied(request, tmp_path_factory):
    name, place = request.param.split()
    folder, port = tmp_path_factory.mktemp(name), free_port()
    (folder / "main.py").write_text(APP)
    where = ("--port", "0") if place == "port" else ("--uds", "app.sock")
    program = Running(folder, ("run", "main:app", "--workers", "2", *where), {})
    try:
        program.wait_for(r"main:app at ")
        if place == "port":
            program.wait_until_ready()
        with running(name, configuration(name, place, folder, program.port), port, folder):
            yield Proxied(port, program)
        assert program.stop() == 0
    finally:
        program.process.kill()


class Client(http.client.HTTPConnection):
    """A client that keeps its connection until the proxy says that it closes it.

    Attributes:
        connections: how many it has made.
    """

    def __init__(self, port):
        super().__init__("127.0.0.1", port, timeout=10)
        self.connections = 0

    def connect(self):
        super().connect()
        self.connections += 1

    def ask(self, method="GET", path="/", body=None, headers=None):
        self.request(method, path, body, headers or {})
        answer = self.getresponse()
        return f"{answer.status} {answer.read().decode()}"


@pytest.fixture
def client(proxied):
    made = Client(proxied.port)
    yield made
    made.close()


def connections_to(port):
    """Count the connections to a port of this machine, those that were closed lately too."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[2].endswith(f":{port:04X}") for line in lines)


def test_connections_are_kept_on_both_sides(proxied, client):
    assert {client.ask() for _ in range(60)} == {"200 served"}
    assert client.connections == 1
    if proxied.program.port:
        assert 0 < connections_to(proxied.program.port) < 20


def test_the_server_sees_the_client_s_address_and_not_what_it_writes(client):
    assert client.ask(path="/forwarded", headers={"X-Forwarded-For": "1.1.1.1"}) == "200 127.0.0.1 http"


def test_a_websocket_passes(proxied):
    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{proxied.port}/ws", proxy=None) as connection:
            await connection.send("hello")
            return await connection.recv()

    assert asyncio.run(talk()) == "hello"


def test_no_request_through_the_proxy_fails_while_the_workers_are_replaced(proxied):
    before = set(proxied.program.workers())
    answers, failures, stop = [], [], threading.Event()

    def load():
        client = Client(proxied.port)
        while not stop.is_set():
            try:
                answers.append(client.ask())
                answers.append(client.ask("POST", "/echo", b"served"))
            except Exception as error:  # a failure, whichever
                failures.append(repr(error))
                client.close()
        client.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        proxied.program.process.send_signal(signal.SIGHUP)
        proxied.program.wait_for("replaced 2 workers")
        new = set()
        with_new = Client(proxied.port)
        while not new:
            new = {int(with_new.ask(path="/process").split()[1])} - before
        with_new.close()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert set(answers) == {"200 served"}
    assert not before & set(proxied.program.workers())
