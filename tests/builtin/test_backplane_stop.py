"""Stopping a backplane: it ends at once by itself, whatever the engine does and whenever the stop comes."""

import asyncio
import math

import backplane_apps
import engines
import pytest
import virtual_clock
from test_backplane import ask, connected, synced, until_received

from socketify_ext.builtin.backplane.relay import CLOSING, FAREWELL, SETTLING, TRIES, Relay
from socketify_ext.sdk.deadline import AGAIN, ATTEMPTS
from socketify_ext.testing import serve

STAGES = ["connect", "run", "subscribe", "unsubscribe", "publish", "close"]
TIMEOUT = 5.0
LONGEST = FAREWELL + CLOSING + 2 * AGAIN * ATTEMPTS  # an engine that hangs in every way, and ignores cancellations


class Engine:
    """An engine that answers at once, but for the stage that `hold` names: that one waits for `answer`.

    With `ignores`, the stage ignores so many cancellations; with `loses`, it loses one that comes when its answer is
    there, as `asyncio.wait_for` did before Python 3.12.
    """

    name = "fake://"
    max_frame = 1000

    def __init__(self, hold="", ignores=0, loses=False):
        self.hold, self.ignores, self.loses = hold, ignores, loses
        self.reached = asyncio.Event()
        self.frames, self.topics, self.connections, self.closed = [], set(), 0, 0
        self.refuses, self.poison = {}, None

    async def _stage(self, name):
        if name != self.hold:
            return
        self.answer = asyncio.get_running_loop().create_future()
        self.reached.set()
        while True:
            try:
                await asyncio.shield(self.answer)
            except asyncio.CancelledError:
                if self.loses and self.answer.done():
                    return
                if not self.ignores:
                    raise
                self.ignores -= 1
            else:
                return

    async def connect(self, receive):
        await self._stage("connect")
        self.connections += 1
        self.receive = receive
        self.lost = asyncio.get_running_loop().create_future()

    async def run(self):
        await self._stage("run")
        await self.lost

    async def subscribe(self, topics):
        await self._stage("subscribe")
        self.topics.update(topics)

    async def unsubscribe(self, topics):
        await self._stage("unsubscribe")
        self.topics.difference_update(topics)

    async def publish(self, frames):
        await self._stage("publish")
        if any(self.poison in frame for _, frame in frames if self.poison):
            raise ConnectionError("the connection was closed")
        self.frames += frames
        return [(number, "no") for number, (topic, _) in enumerate(frames) if topic in self.refuses]

    async def close(self):
        self.closed += 1
        await self._stage("close")


async def reach(engine, relay):
    """Bring a relay to the stage where its engine holds it."""
    starting = asyncio.ensure_future(relay.start(lambda *_: None))
    relay.subscribe(b"kept")
    if engine.hold == "connect":
        await engine.reached.wait()
        return starting
    await starting
    if engine.hold == "unsubscribe":
        await relay.synced(1)
        relay.unsubscribe(b"kept")
    if engine.hold == "publish":
        await relay.synced(1)
        relay.publish(b"kept", b"x", 1, False)
    if engine.hold == "close":
        await relay.synced(1)
        engine.lost.set_exception(ConnectionError("gone"))
    await engine.reached.wait()
    return starting


def relay_on(engine):
    return Relay(engine, 100, 10_000, TIMEOUT)


@pytest.mark.parametrize("ignores", [0, 1, ATTEMPTS - 1, 1_000_000])
@pytest.mark.parametrize("stage", STAGES)
def test_it_ends_while_the_engine_hangs(stage, ignores, caplog):
    async def scenario():
        engine = Engine(stage, ignores)
        relay = relay_on(engine)
        await reach(engine, relay)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await relay.stop()
        assert loop.time() - before <= LONGEST
        assert engine.closed
        assert relay.queued == relay.dropped

    virtual_clock.run(scenario())
    assert "did not end" not in caplog.text


@pytest.mark.parametrize("loses", [False, True])
@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("stage", STAGES)
def test_it_ends_when_the_stop_comes_at_the_moment_of_the_answer(stage, turns, loses, caplog):
    async def scenario():
        engine = Engine(stage, loses=loses)
        relay = relay_on(engine)
        await reach(engine, relay)
        loop = asyncio.get_running_loop()
        before = loop.time()
        engine.hold = ""
        engine.answer.set_result(None)
        for _ in range(turns):
            await asyncio.sleep(0)
        await relay.stop()
        assert loop.time() - before <= 2 * AGAIN  # a cancellation that is lost is made up for
        assert engine.closed == engine.connections or stage in ("connect", "close")

    virtual_clock.run(scenario())
    assert "did not end" not in caplog.text


@pytest.mark.parametrize("stage", ["connect", "close"])
def test_an_interrupted_start_leaves_no_connection(stage):
    async def scenario():
        engine = Engine(stage)
        relay = relay_on(engine)
        starting = asyncio.ensure_future(relay.start(print))
        if stage == "close":
            engine.hold = "connect"
        await engine.reached.wait()
        starting.cancel()
        await asyncio.wait({starting})
        assert starting.cancelled()
        assert engine.closed == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtual_clock.run(scenario())


def test_what_waits_after_an_outage_is_sent_without_settling():
    async def scenario():
        engine = Engine()
        relay = relay_on(engine)
        await relay.start(print)
        await relay.synced(1)
        engine.lost.set_exception(ConnectionError("gone"))
        while relay.connected:  # noqa: ASYNC110 - a property tells
            await asyncio.sleep(0)
        relay.publish(b"a", b"x", 1, False)
        while engine.connections < 2 or not relay.connected:  # noqa: ASYNC110 - properties tell
            await asyncio.sleep(0.001)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await relay.stop()
        assert loop.time() - before < SETTLING / 2
        assert (len(engine.frames), relay.dropped) == (1, 0)

    virtual_clock.run(scenario())


@pytest.mark.parametrize("stage", ["connect", "subscribe", "unsubscribe", "publish"])
def test_an_engine_that_hangs_at_a_stage_is_lost_in_time_and_found_again(stage):
    async def scenario():
        engine = Engine(stage)
        relay = relay_on(engine)
        starting = await reach(engine, relay)
        while not relay.outages:  # noqa: ASYNC110 - a counter tells
            await asyncio.sleep(0.01)
        engine.hold = ""
        await starting
        await relay.synced(10)
        assert (relay.connected, relay.dropped) == (True, 0)
        await relay.stop()

    virtual_clock.run(scenario())


def test_an_engine_that_always_closes_soon_is_one_outage_with_growing_pauses(caplog):
    async def scenario():
        engine = Engine("run")
        relay = relay_on(engine)
        relay.subscribe(b"a")
        await relay.start(print)
        for _ in range(20):
            await engine.reached.wait()
            engine.reached.clear()
            engine.answer.set_exception(ConnectionError("closed \x1b[2J\n" + "x" * 10_000))
        await asyncio.sleep(0.01)
        assert relay.outages == 1
        assert asyncio.get_running_loop().time() > 20 * 0.25
        engine.hold = ""
        await asyncio.sleep(2 + SETTLING)
        await relay.stop()

    virtual_clock.run(scenario())
    texts = [record.getMessage() for record in caplog.records]
    assert [" is away: " in text for text in texts] == [True, False]
    assert " is back after " in texts[1]
    assert all(text.isprintable() and len(text) < 500 for text in texts)


def test_work_that_the_client_library_cancels_is_an_outage():
    async def scenario():
        engine = Engine("publish")
        relay = relay_on(engine)
        await reach(engine, relay)
        engine.answer.cancel()
        engine.hold = ""
        await relay.synced(10)
        engine.lost.cancel()
        await asyncio.sleep(5)
        assert (relay.outages, relay.connected, engine.connections) == (2, True, 3)
        await relay.stop()

    virtual_clock.run(scenario())


def test_a_frame_that_no_connection_survives_is_dropped_and_the_others_arrive(caplog):
    async def scenario():
        engine = Engine()
        engine.poison = b"poison"
        relay = Relay(engine, 100, 10_000, TIMEOUT)
        for number in range(20):
            relay.publish(b"%d" % number, b"poison" if number == 13 else b"x", 1, False)
        await relay.start(print)
        await relay.synced(60)
        topics = list(dict.fromkeys(topic for topic, _ in engine.frames))
        assert topics == [b"%d" % number for number in range(20) if number != 13]
        assert len(engine.frames) == 19
        assert (relay.dropped, relay.queued) == (1, 0)
        assert engine.connections <= TRIES + 2 * math.log2(20) + 1  # it is found by halving
        await relay.stop()

    virtual_clock.run(scenario())
    assert "no connection survives one on topic b'13'" in caplog.text
    assert [caplog.text.count(text) for text in (" is away: ", " is back after ")] == [1, 1]


def test_a_frame_that_the_engine_refuses_is_dropped_and_the_others_arrive(caplog):
    async def scenario():
        engine = Engine()
        engine.refuses = {b"b"}
        relay = relay_on(engine)
        await relay.start(print)
        for topic in (b"a", b"b", b"b", b"c"):
            relay.publish(topic, b"x", 1, False)
        await relay.synced(1)
        assert (relay.dropped, relay.queued, relay.outages) == (2, 0, 0)
        await relay.stop()

    virtual_clock.run(scenario())
    assert "the engine refuses one on topic b'b': no" in caplog.text


def test_a_publication_larger_than_the_queue_pushes_nothing_out():
    async def scenario():
        engine = Engine()
        relay = Relay(engine, 100, 1000, TIMEOUT)
        relay.publish(b"a", b"kept", 1, False)
        relay.publish(b"a", b"x" * 1000, 1, False)
        relay.publish(b"t" * 1000, b"x", 1, False)
        assert (relay.queued, relay.dropped) == (1, 2)
        await relay.start(print)
        await relay.synced(1)
        assert [topic for topic, _ in engine.frames] == [b"a"]
        await relay.stop()

    virtual_clock.run(scenario())


def test_topics_count_towards_the_bytes_of_the_queue():
    relay = Relay(Engine(), 100, 1000, TIMEOUT)
    for _ in range(50):
        relay.publish(b"t" * 90, b"", 1, False)
    assert (relay.queued, relay.dropped) == (11, 39)


@pytest.fixture(scope="module", params=["redis", "nats"])
def engine(request):
    with {"redis": engines.valkey, "nats": engines.nats}[request.param]() as engine:
        yield engine


@pytest.mark.parametrize("hung", [False, True])
def test_a_server_with_listeners_stops_by_itself(engine, hung):
    async def run(server, there):
        async with connected(server, there, topics=["room"]) as (_, bob):
            if hung:
                engine.pause()
            try:
                await ask(server, "/publish", topic="room", name="n", start=0, count=10)
                if not hung:
                    await synced(server)
                    await until_received(bob, "n:9")
                assert server.stop() == 0
            finally:
                engine.resume()

    with serve(backplane_apps.chat, url=engine.url) as there, serve(backplane_apps.chat, url=engine.url) as server:
        asyncio.run(run(server, there))
        assert "ran out of time" not in server.log
        assert "did not end" not in server.log
        assert ("the process stops (dropped so far: 10)" in server.log) == hung
