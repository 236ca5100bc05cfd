"""Stopping a backplane: it ends at once by itself, whatever the broker does and whenever the stop comes."""

import asyncio
import math

import backplane_apps
import engines
import pytest
import virtual_clock
from test_backplane import ask, connected, flush, until_received

from socketify_ext.builtin.backplane.relay import CLOSE_TIMEOUT, DISCONNECT_TIMEOUT, RECONNECT_DELAY, TRIES, Relay
from socketify_ext.sdk.deadline import AGAIN, ATTEMPTS
from socketify_ext.testing import serve

STAGES = ["connect", "run", "subscribe", "unsubscribe", "publish", "close"]
TIMEOUT = 5.0
LONGEST = (
    CLOSE_TIMEOUT + DISCONNECT_TIMEOUT + 2 * AGAIN * ATTEMPTS
)  # a broker that hangs in every way, and ignores cancellations


class Broker:
    """An broker that answers at once, but for the stage that `hold` names: that one waits for `answer`.

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


async def reach(broker, relay):
    """Bring a relay to the stage where its broker holds it."""
    starting = asyncio.ensure_future(relay.start(lambda *_: None))
    relay.subscribe(b"kept")
    if broker.hold == "connect":
        await broker.reached.wait()
        return starting
    await starting
    if broker.hold == "unsubscribe":
        await relay.flush(1)
        relay.unsubscribe(b"kept")
    if broker.hold == "publish":
        await relay.flush(1)
        relay.publish(b"kept", b"x", 1, False)
    if broker.hold == "close":
        await relay.flush(1)
        broker.lost.set_exception(ConnectionError("gone"))
    await broker.reached.wait()
    return starting


def relay_on(broker):
    return Relay(broker, 100, 10_000, TIMEOUT)


@pytest.mark.parametrize("ignores", [0, 1, ATTEMPTS - 1, 1_000_000])
@pytest.mark.parametrize("stage", STAGES)
def test_it_ends_while_the_broker_hangs(stage, ignores, caplog):
    async def scenario():
        broker = Broker(stage, ignores)
        relay = relay_on(broker)
        await reach(broker, relay)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await relay.stop()
        assert loop.time() - before <= LONGEST
        assert broker.closed
        assert relay.queued == relay.dropped

    virtual_clock.run(scenario())
    assert "did not end" not in caplog.text


@pytest.mark.parametrize("loses", [False, True])
@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("stage", STAGES)
def test_it_ends_when_the_stop_comes_at_the_moment_of_the_answer(stage, turns, loses, caplog):
    async def scenario():
        broker = Broker(stage, loses=loses)
        relay = relay_on(broker)
        await reach(broker, relay)
        loop = asyncio.get_running_loop()
        before = loop.time()
        broker.hold = ""
        broker.answer.set_result(None)
        for _ in range(turns):
            await asyncio.sleep(0)
        await relay.stop()
        assert loop.time() - before <= 2 * AGAIN  # a cancellation that is lost is made up for
        assert broker.closed == broker.connections or stage in ("connect", "close")

    virtual_clock.run(scenario())
    assert "did not end" not in caplog.text


@pytest.mark.parametrize("stage", ["connect", "close"])
def test_an_interrupted_start_leaves_no_connection(stage):
    async def scenario():
        broker = Broker(stage)
        relay = relay_on(broker)
        starting = asyncio.ensure_future(relay.start(print))
        if stage == "close":
            broker.hold = "connect"
        await broker.reached.wait()
        starting.cancel()
        await asyncio.wait({starting})
        assert starting.cancelled()
        assert broker.closed == 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtual_clock.run(scenario())


def test_what_waits_after_an_outage_is_sent_without_settling():
    async def scenario():
        broker = Broker()
        relay = relay_on(broker)
        await relay.start(print)
        await relay.flush(1)
        broker.lost.set_exception(ConnectionError("gone"))
        while relay.connected:  # noqa: ASYNC110 - a property tells
            await asyncio.sleep(0)
        relay.publish(b"a", b"x", 1, False)
        while broker.connections < 2 or not relay.connected:  # noqa: ASYNC110 - properties tell
            await asyncio.sleep(0.001)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await relay.stop()
        assert loop.time() - before < RECONNECT_DELAY / 2
        assert (len(broker.frames), relay.dropped) == (1, 0)

    virtual_clock.run(scenario())


@pytest.mark.parametrize("stage", ["connect", "subscribe", "unsubscribe", "publish"])
def test_a_broker_that_hangs_at_a_stage_is_lost_in_time_and_found_again(stage):
    async def scenario():
        broker = Broker(stage)
        relay = relay_on(broker)
        starting = await reach(broker, relay)
        while not relay.outages:  # noqa: ASYNC110 - a counter tells
            await asyncio.sleep(0.01)
        broker.hold = ""
        await starting
        await relay.flush(10)
        assert (relay.connected, relay.dropped) == (True, 0)
        await relay.stop()

    virtual_clock.run(scenario())


def test_a_broker_that_always_closes_soon_is_one_outage_with_growing_pauses(caplog):
    async def scenario():
        broker = Broker("run")
        relay = relay_on(broker)
        relay.subscribe(b"a")
        await relay.start(print)
        for _ in range(20):
            await broker.reached.wait()
            broker.reached.clear()
            broker.answer.set_exception(ConnectionError("closed \x1b[2J\n" + "x" * 10_000))
        await asyncio.sleep(0.01)
        assert relay.outages == 1
        assert asyncio.get_running_loop().time() > 20 * 0.25
        broker.hold = ""
        await asyncio.sleep(2 + RECONNECT_DELAY)
        await relay.stop()

    virtual_clock.run(scenario())
    texts = [record.getMessage() for record in caplog.records]
    assert [" is away: " in text for text in texts] == [True, False]
    assert " is back after " in texts[1]
    assert all(text.isprintable() and len(text) < 500 for text in texts)


def test_work_that_the_client_library_cancels_is_an_outage():
    async def scenario():
        broker = Broker("publish")
        relay = relay_on(broker)
        await reach(broker, relay)
        broker.answer.cancel()
        broker.hold = ""
        await relay.flush(10)
        broker.lost.cancel()
        await asyncio.sleep(5)
        assert (relay.outages, relay.connected, broker.connections) == (2, True, 3)
        await relay.stop()

    virtual_clock.run(scenario())


def test_a_frame_that_no_connection_survives_is_dropped_and_the_others_arrive(caplog):
    async def scenario():
        broker = Broker()
        broker.poison = b"poison"
        relay = Relay(broker, 100, 10_000, TIMEOUT)
        for number in range(20):
            relay.publish(b"%d" % number, b"poison" if number == 13 else b"x", 1, False)
        await relay.start(print)
        await relay.flush(60)
        topics = list(dict.fromkeys(topic for topic, _ in broker.frames))
        assert topics == [b"%d" % number for number in range(20) if number != 13]
        assert len(broker.frames) == 19
        assert (relay.dropped, relay.queued) == (1, 0)
        assert broker.connections <= TRIES + 2 * math.log2(20) + 1  # it is found by halving
        await relay.stop()

    virtual_clock.run(scenario())
    assert "no connection survives one on topic b'13'" in caplog.text
    assert [caplog.text.count(text) for text in (" is away: ", " is back after ")] == [1, 1]


def test_a_frame_that_the_broker_refuses_is_dropped_and_the_others_arrive(caplog):
    async def scenario():
        broker = Broker()
        broker.refuses = {b"b"}
        relay = relay_on(broker)
        await relay.start(print)
        for topic in (b"a", b"b", b"b", b"c"):
            relay.publish(topic, b"x", 1, False)
        await relay.flush(1)
        assert (relay.dropped, relay.queued, relay.outages) == (2, 0, 0)
        await relay.stop()

    virtual_clock.run(scenario())
    assert "the broker refuses one on topic b'b': no" in caplog.text


def test_a_publication_larger_than_the_queue_pushes_nothing_out():
    async def scenario():
        broker = Broker()
        relay = Relay(broker, 100, 1000, TIMEOUT)
        relay.publish(b"a", b"kept", 1, False)
        relay.publish(b"a", b"x" * 1000, 1, False)
        relay.publish(b"t" * 1000, b"x", 1, False)
        assert (relay.queued, relay.dropped) == (1, 2)
        await relay.start(print)
        await relay.flush(1)
        assert [topic for topic, _ in broker.frames] == [b"a"]
        await relay.stop()

    virtual_clock.run(scenario())


def test_topics_count_towards_the_bytes_of_the_queue():
    relay = Relay(Broker(), 100, 1000, TIMEOUT)
    for _ in range(50):
        relay.publish(b"t" * 90, b"", 1, False)
    assert (relay.queued, relay.dropped) == (11, 39)


@pytest.fixture(scope="module", params=["redis", "nats"])
def broker(request):
    with {"redis": engines.valkey, "nats": engines.nats}[request.param]() as broker:
        yield broker


@pytest.mark.parametrize("hung", [False, True])
def test_a_server_with_listeners_stops_by_itself(broker, hung):
    async def run(server, there):
        async with connected(server, there, topics=["room"]) as (_, bob):
            if hung:
                broker.pause()
            try:
                await ask(server, "/publish", topic="room", name="n", start=0, count=10)
                if not hung:
                    await flush(server)
                    await until_received(bob, "n:9")
                assert server.stop() == 0
            finally:
                broker.resume()

    with serve(backplane_apps.chat, url=broker.url) as there, serve(backplane_apps.chat, url=broker.url) as server:
        asyncio.run(run(server, there))
        assert "ran out of time" not in server.log
        assert "did not end" not in server.log
        assert ("the process stops (dropped so far: 10)" in server.log) == hung
