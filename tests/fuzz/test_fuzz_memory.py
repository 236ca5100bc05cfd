"""Memory: what serves requests for days does not grow with them."""

import contextlib
import subprocess
from pathlib import Path

import fuzz_apps
import pytest
import wire
from campaign import SECONDS, running
from frames import TEXT, frame
from wire_seeds import BODIES, ORDER, request

WARM, REQUESTS = (10_000, 50_000) if SECONDS else (200, 1_000)
CONNECTIONS = 50
GROWTH = 4 * 1024  # KiB that may be the allocator's


def body(path, data):
    return request("POST", path, f"content-length: {len(data)}", body=data)


KINDS = {
    "plain": request("GET", "/echo"),
    "read": request("GET", "/read/a/b?q=1"),
    "suspending": request("GET", "/late/a"),
    "hook": request("GET", "/hooked/a"),
    "refused by a hook": request("GET", "/hooked/a").replace(b"mine", b"nobody"),
    "json": body("/body/json", BODIES["json"]),
    "form": body("/body/form", BODIES["form"]),
    "msgpack": body("/body/order", ORDER),
    "malformed": body("/body/order", b"\xc1"),
    "cookies": request("GET", "/cookie", "cookie: a=1; b=2"),
    "cart": request("GET", "/cart"),
    "error": request("GET", "/failing"),
}


@pytest.fixture(scope="module")
def server():
    with running(fuzz_apps.counted) as serving:
        yield serving


@pytest.fixture
def connections(server):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(wire.wire(server.port)) for _ in range(CONNECTIONS)]


def resident_kib(server):
    status = Path(f"/proc/{server.process.pid}/status")
    if status.exists():
        return int(status.read_text().split("VmRSS:")[1].split()[0])
    ps = ["/bin/ps", "-o", "rss=", "-p", str(server.process.pid)]
    return int(subprocess.run(ps, capture_output=True, check=True).stdout)


def measure(server):
    with wire.wire(server.port) as one:
        return resident_kib(server), int(one.ask("GET", "/objects").body)


def check_growth(server, load):
    load(WARM)
    before, objects = measure(server)
    load(REQUESTS - WARM)
    after, objects_after = measure(server)
    print(f"{before} to {after} KiB, {objects} to {objects_after} objects")
    assert objects_after - objects < 100
    assert after - before < GROWTH


@pytest.mark.parametrize("kind", KINDS)
def test_requests_leave_nothing_behind(server, connections, kind):
    data = KINDS[kind]
    if kind == "cart":  # always the same client's: those of others are kept until they expire
        connections[0].socket.sendall(data)
        cookie = dict(connections[0].answer().headers)["set-cookie"].partition(";")[0]
        data = request("GET", "/cart", f"cookie: {cookie}")

    def load(number):
        for _ in range(number // CONNECTIONS):
            for one in connections:
                one.socket.sendall(data)
            for one in connections:
                one.answer()

    check_growth(server, load)


def test_messages_leave_nothing_behind(server, connections):
    for one in connections:
        one.upgrade("/ws/late?name=Ann")

    def load(number):
        for _ in range(number // CONNECTIONS):
            for one in connections:
                one.socket.sendall(frame(TEXT, b"hello"))
            for one in connections:
                one.read_until(b"hello")

    check_growth(server, load)


def test_connections_leave_nothing_behind(server):
    def load(number):
        for _ in range(number // CONNECTIONS):
            with contextlib.ExitStack() as stack:
                opened = [stack.enter_context(wire.wire(server.port)) for _ in range(CONNECTIONS)]
                for one in opened[::3]:
                    one.upgrade("/ws/echo?name=Ben")
                for one in opened[1::3]:
                    one.send("GET", "/late/a")
                for one in opened[2::3]:
                    one.send("GET", "/nowhere")
                    one.answer()

    check_growth(server, load)
