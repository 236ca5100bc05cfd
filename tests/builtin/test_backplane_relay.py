"""The relay on a broker that does as it is told, the frames, and the names of subjects."""

import asyncio
import contextlib
import logging
import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketify_ext.builtin.backplane import relay as relay_module
from socketify_ext.builtin.backplane.frame import COMPRESS, HEAD_SIZE, pack, unpack
from socketify_ext.builtin.backplane.nats import LONGEST, subject_of
from socketify_ext.builtin.backplane.redis import Redis
from socketify_ext.builtin.backplane.relay import Relay

# nothing is timed here: a machine may be busy
senders = st.binary(min_size=8, max_size=8)
numbers = st.integers(0, 2**64 - 1)
parts = st.lists(st.tuples(st.sampled_from([1, 2, 1 | COMPRESS, 2 | COMPRESS]), st.binary(max_size=50)))


@given(senders, numbers, parts)
def test_a_frame_is_read_as_it_was_written(sender, number, sent):
    assert unpack(pack(sender, number, sent)) == (sender, number, sent)


@given(st.binary(max_size=100) | st.binary(max_size=100).map(lambda data: b"\x01" + b"." * 16 + data))
def test_what_is_no_frame_is_refused_and_nothing_else_happens(data):
    with contextlib.suppress(ValueError):
        sender, number, found = unpack(data)
        assert pack(sender, number, found) == data


@given(senders, numbers, parts.filter(bool), st.data())
def test_a_frame_that_was_cut_is_refused_or_has_whole_parts(sender, number, sent, data):
    whole = pack(sender, number, sent)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with contextlib.suppress(ValueError):
        assert unpack(cut)[2] == sent[: len(unpack(cut)[2])]


@pytest.mark.parametrize("kind", [0, 3, 8, 9, 0x21, 0xFF])
def test_a_part_with_another_opcode_is_refused(kind):
    with pytest.raises(ValueError, match="opcode"):
        unpack(pack(b"12345678", 1, []) + struct.pack(">BI", kind, 0))


topics = st.binary(max_size=40) | st.text(max_size=20).map(lambda text: text.encode(errors="surrogatepass"))


@given(topics, topics)
def test_subjects_are_safe_and_no_two_topics_share_one(first, second):
    subject = subject_of("shop.chat", first)
    assert re.fullmatch(r"shop\.chat\.topic\.-[A-Za-z0-9_%-]*", subject)
    assert (subject == subject_of("shop.chat", second)) == (first == second)


@given(st.integers(0, 5000), st.integers(0, 5000), st.sampled_from([b"a", b".", b"%2E"]))
def test_long_topics_have_short_subjects_of_their_own(first, second, unit):
    one, other = (subject_of("x", unit * count) for count in (first, second))
    assert len(one) <= LONGEST + 100
    assert (one == other) == (first == second)


class FakeBroker:
    """Keep what it is given; `fail` makes the next call of that name raise, `lost` ends the connection."""

    name = "fake://"
    max_frame = 1000

    def __init__(self):
        self.frames, self.topics, self.fail = [], set(), set()
        self.connections = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def connect(self, receive):
        self.receive = receive
        self._fails("connect")
        self.connections += 1
        self.lost = asyncio.get_running_loop().create_future()
        self.topics.clear()

    def _fails(self, name):
        if name in self.fail:
            self.fail.remove(name)
            raise ConnectionError(name)

    async def run(self):
        await self.lost

    async def subscribe(self, topics):
        self._fails("subscribe")
        self.topics.update(topics)

    async def unsubscribe(self, topics):
        self.topics.difference_update(topics)

    async def publish(self, frames):
        self.frames += frames
        await self.gate.wait()
        self._fails("publish")
        return ()

    async def close(self):
        self._fails("close")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(relay_module, "BACKOFF", (0.001, 0.002))
    monkeypatch.setattr(relay_module, "RECONNECT_DELAY", 0.0)
    monkeypatch.setattr(relay_module, "CLOSE_TIMEOUT", 0.05)


def on_relay(scenario, **limits):
    """Run `scenario(relay, broker, delivered)` with a relay that has started."""
    limits = {"max_messages": 100, "max_bytes": 10_000, "timeout": 5.0} | limits

    async def run():
        broker, delivered = FakeBroker(), []
        relay = Relay(broker, **limits)
        await relay.start(lambda *publication: delivered.append(publication))
        try:
            await scenario(relay, broker, delivered)
        finally:
            broker.gate.set()
            await relay.stop()

    asyncio.run(run())


def read(frames):
    """Return what frames hold: topic, number and parts."""
    return [(topic, *unpack(frame)[1:]) for topic, frame in frames]


def test_publications_on_one_topic_share_frames_and_keep_their_order():
    async def scenario(relay, broker, delivered):
        broker.gate.clear()
        relay.publish(b"a", b"0", 1, False)
        await asyncio.sleep(0.01)
        for number in range(1, 6):
            relay.publish(b"a", b"%d" % number, 1, False)
            relay.publish(b"b", b"%d" % number, 2, True)
        broker.gate.set()
        await relay.flush(5)
        assert read(broker.frames) == [
            (b"a", 1, [(1, b"0")]),
            (b"a", 2, [(1, b"%d" % number) for number in range(1, 6)]),
            (b"b", 3, [(2 | COMPRESS, b"%d" % number) for number in range(1, 6)]),
        ]
        assert (relay.published, relay.queued, relay.dropped) == (11, 0, 0)

    on_relay(scenario)


def test_no_frame_is_larger_than_the_broker_takes(caplog):
    async def scenario(relay, broker, delivered):
        for size in (1, 900, 300, 300, 300, 300, 980, 2000, 5):
            relay.publish(b"a", b"x" * size, 1, False)
        await relay.flush(5)
        assert all(len(frame) <= broker.max_frame for _, frame in broker.frames)
        sent = [len(data) for _, _, found in read(broker.frames) for _, data in found]
        assert sent == [1, 900, 300, 300, 300, 300, 5]
        assert relay.dropped == 2
        assert "of 980 bytes on topic b'a' is larger than the broker takes" in caplog.text

    on_relay(scenario)


def test_what_comes_is_delivered_with_its_opcode_and_flag_and_our_own_is_not():
    async def scenario(relay, broker, delivered):
        relay.subscribe(b"a")
        relay.publish(b"a", b"mine", 1, False)
        await relay.flush(5)
        broker.receive(*broker.frames[0])
        broker.receive(b"a", pack(b"stranger", 1, [(1, b"text"), (2 | COMPRESS, b"\xff")]))
        broker.receive(b"b", pack(b"stranger", 2, [(1, b"nobody listens")]))
        assert delivered == [(b"a", b"text", 1, False), (b"a", b"\xff", 2, True)]
        assert relay.received == 2

    on_relay(scenario)


def test_a_batch_under_way_is_sent_again_and_delivered_once():
    async def scenario(relay, broker, delivered):
        broker.fail.add("publish")
        relay.publish(b"a", b"one", 1, False)
        await relay.flush(5)
        relay.publish(b"a", b"two", 1, False)
        await relay.flush(5)
        assert read(broker.frames) == [(b"a", 1, [(1, b"one")])] * 2 + [(b"a", 2, [(1, b"two")])]
        assert (broker.connections, relay.outages, relay.dropped) == (2, 1, 0)

        async def hear(other, other_broker, heard):
            other.subscribe(b"a")
            other.subscribe(b"b")
            for frame in broker.frames:
                other_broker.receive(*frame)
            other_broker.receive(b"b", broker.frames[0][1])  # each topic has a count of its own
            assert [data for _, data, _, _ in heard] == [b"one", b"two", b"one"]

        return hear

    hearers = []

    async def keep(*arguments):
        hearers.append(await scenario(*arguments))

    on_relay(keep)
    on_relay(hearers[0])


def test_topics_are_restored_after_an_outage_and_follow_the_listeners():
    async def scenario(relay, broker, delivered):
        for topic in (b"a", b"b", b"c"):
            relay.subscribe(topic)
        relay.unsubscribe(b"b")
        await relay.flush(5)
        assert broker.topics == {b"a", b"c"}
        broker.fail |= {"connect", "subscribe", "close"}
        broker.lost.set_exception(ConnectionError("gone"))
        relay.unsubscribe(b"c")
        relay.subscribe(b"d")
        await asyncio.sleep(0)
        await relay.flush(5)
        assert broker.topics == {b"a", b"d"}
        relay.unsubscribe(b"a")
        relay.subscribe(b"a")
        relay.unsubscribe(b"d")
        await relay.flush(5)
        assert broker.topics == {b"a"}

    on_relay(scenario)


def test_a_full_queue_drops_the_oldest_by_number_and_by_bytes(caplog):
    caplog.set_level(logging.WARNING)

    async def scenario(relay, broker, delivered):
        broker.gate.clear()
        relay.publish(b"a", b"first", 1, False)
        await asyncio.sleep(0.01)
        for number in range(10):
            relay.publish(b"a", b"%d" % number, 1, False)
        assert (relay.dropped, relay.queued) == (6, 5)
        relay.publish(b"a", b"x" * 60, 1, False)
        relay.publish(b"a", b"y" * 60, 1, False)
        assert relay.queued == 2
        assert caplog.text.count("the queue is full") == 1
        broker.gate.set()
        await relay.flush(5)
        assert [data[:1] for _, _, found in read(broker.frames) for _, data in found] == [b"f", b"y"]

    on_relay(scenario, max_messages=4, max_bytes=100)


def test_a_broker_that_takes_nothing_is_lost_in_time():
    async def scenario(relay, broker, delivered):
        broker.gate.clear()
        relay.publish(b"a", b"x", 1, False)
        while not relay.outages:  # noqa: ASYNC110 - a counter tells
            await asyncio.sleep(0.01)
        broker.gate.set()
        await relay.flush(5)
        assert relay.connected

    on_relay(scenario, timeout=0.05)


def test_a_process_that_stops_says_what_it_could_not_send(caplog):
    async def run():
        broker = FakeBroker()
        relay = Relay(broker, 100, 10_000, 5.0)
        await relay.start(print)
        broker.gate.clear()
        for _ in range(3):
            relay.publish(b"a", b"x", 1, False)
        await relay.stop()
        await relay.stop()
        assert relay.dropped == 3

    asyncio.run(run())
    assert "the process stops (dropped so far: 3)" in caplog.text


def test_pings_stay_here():
    async def scenario(relay, broker, delivered):
        relay.publish(b"a", b"x", 9, False)
        await relay.flush(5)
        assert (relay.published, broker.frames) == (0, [])

    on_relay(scenario)


def test_a_head_has_the_size_that_it_is_counted_with():
    assert len(pack(b"12345678", 1, [])) == HEAD_SIZE


def test_a_publication_that_can_not_be_delivered_stops_no_other(caplog):
    async def run():
        broker, delivered = FakeBroker(), []

        def deliver(topic, data, opcode, compress):
            if data == b"bad":
                raise LookupError("no")
            delivered.append(data)

        relay = Relay(broker, 100, 10_000, 5.0)
        relay.subscribe(b"a")
        await relay.start(deliver)
        for number in (1, 2):
            broker.receive(b"a", pack(b"stranger", number, [(1, b"bad"), (1, b"good")]))
        await relay.stop()
        assert (delivered, relay.outages) == ([b"good", b"good"], 0)

    asyncio.run(run())
    assert caplog.text.count("can't deliver on topic b'a'") == 1


@pytest.mark.parametrize("frame", [None, 5, "text", [b"list"], b"", b"\x01" * 17, b"\x02" * 40])
def test_what_a_broker_brings_instead_of_a_frame_is_ignored(frame):
    async def scenario(relay, broker, delivered):
        relay.subscribe(b"a")
        await relay.flush(5)
        broker.receive(b"a", frame)
        assert (delivered, relay.received, relay.outages) == ([], 0, 0)

    on_relay(scenario)


def test_a_neighbour_with_ever_new_senders_fills_a_bounded_table(monkeypatch):
    monkeypatch.setattr(relay_module, "SENDERS", (4, 20))

    async def scenario(relay, broker, delivered):
        for topic in (b"a", b"b"):
            relay.subscribe(topic)
        for number in range(200):
            broker.receive(b"a", pack(b"%08d" % number, 1, [(1, b"x")]))
            broker.receive(b"a", pack(b"faithful", number + 1, [(1, b"x")]))
        assert len(relay._followed[b"a"]) == 10
        assert len(delivered) == 400
        broker.receive(b"a", pack(b"faithful", 200, [(1, b"again")]))
        assert len(delivered) == 400

    on_relay(scenario)


@pytest.mark.parametrize(
    "channel", [b"socketify:room", b"sockstify:room", b"socketifyXroom", "socketify:room", 7, None]
)
def test_only_channels_of_the_own_prefix_are_taken_from_redis(channel):
    class PubSub:
        def __init__(self):
            self.messages = [{"type": "message", "channel": channel, "data": b"frame"}, ConnectionError("end")]

        async def get_message(self, timeout):
            message = self.messages.pop(0)
            if isinstance(message, Exception):
                raise message
            return message

    async def run():
        broker, received = Redis("redis://127.0.0.1", "socketify", 5.0), []
        broker._pubsub, broker._receive = PubSub(), lambda *frame: received.append(frame)
        with pytest.raises(ConnectionError, match="end"):
            await broker.run()
        assert received == ([(b"room", b"frame")] if channel == b"socketify:room" else [])

    asyncio.run(run())
