"""Load and faults: `make soak` runs these at full size, `make test` in short."""

import asyncio
import json
import os
import random
import socket
import struct
from pathlib import Path

import httpx2
import pytest
import soak_apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socketify_ext.testing import serve

FULL = bool(os.environ.get("SOCKETIFY_EXT_SOAK"))
REQUESTS = 100_000 if FULL else 4_000
SOCKETS = 2_000 if FULL else 200
EXAMPLES = 2_000 if FULL else 60
CONNECTIONS = 50


@pytest.fixture(scope="module")
def server():
    with serve(soak_apps.make) as serving:
        yield serving
        assert serving.alive


def resident_kib(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def is_well(server):
    return httpx2.get(f"{server.url}/sync", headers={"token": "health"}).json()["token"] == "health"


class Client:
    """One connection, opened again whenever it was given up."""

    def __init__(self, port, number):
        self.port = port
        self.random = random.Random(number)
        self.reader = self.writer = None

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    def give_up(self):
        """Leave with a reset, as a client that crashes does."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.close()
        self.writer = None

    async def answer(self):
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        return int(head.split(b" ", 2)[1]), json.loads(await self.reader.readexactly(length))

    async def request(self, token):
        if self.writer is None:
            await self.open()
        kind = self.random.choice(["sync", "suspending", "slow", "spawned", "failing", "body", "abort"])
        path = {"abort": "/slow?q=x", "slow": f"/slow?q={token}"}.get(kind, f"/{kind}")
        data = json.dumps(token).encode() if kind == "body" else b""
        head = f"{'POST' if data else 'GET'} {path} HTTP/1.1\r\nhost: x\r\ntoken: {token}\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(data)}\r\n" if data else ""
        self.writer.write(head.encode() + b"\r\n" + data)
        if kind == "abort":
            await self.writer.drain()
            self.give_up()
            return
        got = await asyncio.wait_for(self.answer(), 30)
        wanted = (418, {"detail": token}) if kind == "failing" else (200, {"token": token, "seen": [token]})
        assert got == wanted, kind


def test_every_answer_is_its_own_clients_and_memory_stays_flat(server):
    async def client(number, count):
        one = Client(server.port, number)
        for index in range(count):
            await one.request(f"t-{number}-{index}")
        if one.writer is not None:
            one.writer.close()

    async def half(offset):
        await asyncio.gather(*(client(offset + n, REQUESTS // 2 // CONNECTIONS) for n in range(CONNECTIONS)))

    asyncio.run(half(0))
    before = resident_kib(server)
    asyncio.run(half(1000))
    assert is_well(server)
    assert resident_kib(server) < before * 1.05
    assert "ERROR" not in server.log


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
)


def text_frame(text):
    data, mask = text.encode(), b"\x01\x02\x03\x04"
    return bytes([0x81, 0x80 | len(data)]) + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


async def echo_frame(reader):
    while True:  # pokes come in between
        _, length = await reader.readexactly(2)
        text = (await reader.readexactly(length)).decode()
        if text != "poke":
            return text


def test_stored_sockets_are_written_to_while_clients_vanish(server):
    async def visit(number):
        one = Client(server.port, number)
        await one.open()
        one.writer.write(HANDSHAKE)
        assert (await one.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        one.writer.write(text_frame(f"m{number}"))
        assert await asyncio.wait_for(echo_frame(one.reader), 30) == f"m{number}"
        one.give_up() if number % 2 else one.writer.close()

    async def poke(client, visits):
        written = 0
        while not visits.done():
            written += (await client.get("/poke")).json()["written"]
        return written

    async def run():
        async with httpx2.AsyncClient(base_url=server.url, timeout=30) as client:
            written = 0
            for start in range(0, SOCKETS, 100):
                visits = asyncio.gather(*(visit(number) for number in range(start, start + 100)))
                written += await poke(client, visits)
                await visits
            while (await client.get("/poke")).json()["written"]:
                pass  # until the server has noticed that all have left
            return written, (await client.get("/poke")).json()

    written, last = asyncio.run(run())
    assert written > 0
    assert last == {"written": 0, "refused": 0}
    assert is_well(server)
    assert "ERROR" not in server.log


def exchange(server, *parts):
    """Send raw bytes, and read what comes until the server has had enough or the client closes its side."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        try:
            for part in parts:
                client.sendall(part)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except OSError:
            pass  # a reset is an answer too


fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
methods = st.sampled_from([b"GET", b"POST", b"HEAD", b"PRI", b"get", b"", b"\x00", b"CONNECT"])
targets = st.sampled_from([b"/sync", b"/body", b"*", b"", b"/%", b"/%00", b"//", b"/sync?\xff", b"/" + b"a" * 5000])
header = st.tuples(
    st.sampled_from([b"token", b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"", b" x", b"\xff"]),
    st.sampled_from([b"1", b"-1", b"99999999999999999999", b"chunked", b"100-continue", b"websocket", b"\x00", b"\xff"])
    | st.binary(max_size=20),
)


@fuzz
@given(st.binary(max_size=300))
def test_random_bytes_leave_the_server_answering(server, data):
    exchange(server, data)
    assert is_well(server)


@fuzz
@given(methods, targets, st.lists(header, max_size=6), st.binary(max_size=50))
def test_malformed_requests_leave_the_server_answering(server, method, target, headers, body):
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    exchange(server, method + b" " + target + b" HTTP/1.1\r\nhost: x\r\n" + lines + b"\r\n" + body)
    assert is_well(server)


@fuzz
@given(st.binary(max_size=100), st.booleans())
def test_malformed_frames_leave_the_server_answering(server, data, after_a_good_one):
    exchange(server, HANDSHAKE, text_frame("hi") if after_a_good_one else b"", data)
    assert is_well(server)
