"""Requests that are not what they should be, sent to an app with everything."""

import random

import fuzz_apps
import pytest
from campaign import Health, corpus, describe, exchange, inputs, running
from mutation import mutate, pieces, shrink
from wire_seeds import make_seeds

SEEDS = make_seeds()
BEGINNING = b"HTTP/1.1 "


@pytest.fixture(scope="module")
def server():
    with running(fuzz_apps.everything) as serving:
        yield serving


@pytest.fixture
def health(server):
    health = Health(server)
    yield health
    health.canary.socket.close()


def make(source):
    data = mutate(source, SEEDS)
    return data, pieces(source, data)


def fault(health, parts):
    """Return what is wrong after an input, an empty text where nothing is."""
    before = health.number
    try:
        got = exchange(health, parts)
    except (OSError, ValueError, AssertionError) as error:
        return f"the canary got {error!r}; the server's exit code is {health.server.process.poll()}"
    if not BEGINNING.startswith(got[: len(BEGINNING)]) or b" 500 " in got[:13]:
        return f"the answer begins with {got[:200]!r}"
    if any(b"canary-%d" % number in got for number in range(before, health.number + 1)):
        return f"somebody else's token came: {got!r}"
    return health.fault()


def fails_again(health, data):
    if not health.server.alive:
        return False
    health.settle()
    return bool(fault(health, [data]))


def check(health, data, parts, earlier=()):
    why = fault(health, parts)
    if not why:
        return
    # What came late in the log may be an earlier input's.
    blamed = next((one for one in (data, *reversed(earlier)) if fails_again(health, one)), None)
    if blamed is not None:
        data = shrink(blamed, lambda shorter: fails_again(health, shorter))
    pytest.fail(describe("wire", data, why), pytrace=False)


def test_earlier_finds_harm_nobody(health):
    found = corpus("wire")
    assert found
    for data in found:
        check(health, data, [data])
        check(health, data, pieces(random.Random(len(data)), data))


def test_mutated_requests_harm_nobody(health):
    earlier = []
    for data, parts in inputs(make, share=0.3, number=700):
        check(health, data, parts, earlier)
        earlier = [*earlier[-20:], data]
