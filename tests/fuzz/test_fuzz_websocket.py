"""Frames that are not what they should be, sent to every kind of WebSocket of an app with everything."""

import random

import fuzz_apps
import pytest
import wire
from campaign import Health, corpus, describe, exchange, inputs, running
from frames import TEXT, frame, make_seeds, read_frames
from mutation import mutate, pieces, shrink
from wire_seeds import upgrade

SEEDS = make_seeds()
ROUTES = ("echo", "late", "chat", "unpack", "plain")


@pytest.fixture(scope="module")
def server():
    with running(fuzz_apps.everything) as serving:
        yield serving


class SocketHealth(Health):
    """A client with a WebSocket of its own, too."""

    def __init__(self, server):
        super().__init__(server)
        self.socket = wire.Wire(server.port, 20)
        self.socket.upgrade("/ws/echo?name=Canary")

    def fault(self):
        text = b"canary-%d" % self.number
        try:
            self.socket.socket.sendall(frame(TEXT, text))
            got = self.socket.read_until(text)
        except OSError as error:
            return f"the canary's WebSocket got {error!r}"
        if got != bytes([0x81, len(text)]) + text:
            return f"the canary's WebSocket got {got!r}"
        return super().fault()


@pytest.fixture
def health(server):
    health = SocketHealth(server)
    yield health
    health.canary.socket.close()
    health.socket.socket.close()


def make(source):
    data = mutate(source, SEEDS)
    return source.choice(ROUTES), data, pieces(source, data)


def fault(health, route, parts):
    """Return what is wrong after an input, an empty text where nothing is."""
    try:
        got = exchange(health, parts, prelude=upgrade(f"/ws/{route}?name=Ben"))
        head, _, rest = got.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            return f"the upgrade got {got!r}"
        if b"canary" in rest:
            return f"somebody else's token came: {rest!r}"
        read_frames(rest)
    except (OSError, ValueError, AssertionError) as error:
        return f"{error!r}; the server's exit code is {health.server.process.poll()}"
    return health.fault()


def fails_again(health, route, data):
    if not health.server.alive:
        return False
    health.settle()
    return bool(fault(health, route, [data]))


def check(health, route, data, parts, earlier=()):
    why = fault(health, route, parts)
    if not why:
        return
    # What came late in the log may be an earlier input's.
    both = next((one for one in ((route, data), *reversed(earlier)) if fails_again(health, *one)), None)
    if both is not None:
        route, data = both
        data = shrink(data, lambda shorter: fails_again(health, route, shorter))
    pytest.fail(f"{route}: {describe('websocket', data, why)}", pytrace=False)


def test_earlier_finds_harm_nobody(health):
    found = corpus("websocket")
    assert found
    for data in found:
        for route in ROUTES:
            check(health, route, data, [data])
            check(health, route, data, pieces(random.Random(len(data)), data))


def test_mutated_frames_harm_nobody(health):
    earlier = []
    for route, data, parts in inputs(make, share=0.2, number=400):
        check(health, route, data, parts, earlier)
        earlier = [*earlier[-20:], (route, data)]
