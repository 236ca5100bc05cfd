"""The real client libraries against a broker that sends rubbish, is silent, or closes in the middle."""

import asyncio

import pytest

from socketify_ext.builtin.backplane.nats import Nats
from socketify_ext.builtin.backplane.redis import Redis
from socketify_ext.builtin.backplane.relay import Relay

INFO = b'INFO {"server_id":"x","version":"2.10.0","proto":1,"max_payload":%s,"headers":true}\r\n'
OPENINGS = {
    "closes": None,
    "is silent": b"",
    "text": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "bytes": bytes(range(256)) * 100,
    "a line without end": b"+" + b"x" * 300_000,
    "a huge length": b"$99999999999\r\n",
    "a length below zero": b"*-5\r\n$-7\r\n",
    "a number that is none": b":abc\r\n*x\r\n",
    "an error with control characters": b"-ERR \x1b[2J" + b"y" * 5000 + b"\r\n",
    "deep nesting": b"*1\r\n" * 5000,
    "INFO without JSON": b"INFO {\r\n",
    "INFO that is a list": b"INFO []\r\n",
    "INFO with a text as size": INFO % b'"many"' + b"PONG\r\n",
    "INFO with a size below zero": INFO % b"-1" + b"PONG\r\n",
    "a message that nobody asked for": INFO % b"1000" + b"PONG\r\nMSG a 99 5\r\nhello\r\n",
    "a message that ends in the middle": INFO % b"1000" + b"PONG\r\nMSG a 1 1000\r\nhel",
}


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize(("kind", "scheme"), [(Redis, "redis"), (Nats, "nats")])
def test_a_hostile_broker_is_one_outage_and_the_relay_stops(kind, scheme, opening, caplog):
    async def scenario():
        accepted, writers = asyncio.Semaphore(0), []

        async def serve(reader, writer):
            accepted.release()
            writers.append(writer)
            if OPENINGS[opening] is None:
                writer.close()
            else:
                writer.write(OPENINGS[opening])

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        relay = Relay(kind(f"{scheme}://127.0.0.1:{port}", "socketify", 0.2), 10, 1000, 0.2)
        relay.subscribe(b"room")
        for _ in range(100):
            relay.publish(b"room", b"x", 1, False)
        await relay.start(print)
        for _ in range(3):  # it is tried again
            await accepted.acquire()
        assert relay.queued + relay.dropped == 100
        assert relay.queued <= 10
        await relay.stop()
        assert (relay.outages, relay.received, relay.dropped) == (1, 0, 100)
        for writer in writers:
            writer.transport.abort()
        server.close()

    asyncio.run(scenario())
    ours = [record.getMessage() for record in caplog.records if record.name == "socketify_ext"]
    assert sum(" is away: " in text for text in ours) == 1
    assert all(text.isprintable() and len(text) < 500 for text in ours)
    assert "did not end" not in caplog.text
