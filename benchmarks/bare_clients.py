# ruff: noqa: D102  # the two clients have the same three methods
"""The client libraries by themselves: `bare_clients.py URL CHANNELS receive COUNT | send COUNT AT_ONCE | pace COUNT GAP`.

Each says "ready" once it is; `send` waits for a line then. Times are of the monotonic clock, which all processes share.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

TEXT = b"x" * 32


class Redis:
    """redis-py."""

    async def connect(self, url):
        from redis.asyncio import Redis as Client

        self.client = Client.from_url(url)
        await self.client.ping()

    async def publish(self, data, channels):
        if len(channels) == 1:
            await self.client.publish(channels[0], data)
            return
        pipeline = self.client.pipeline(transaction=False)
        for channel in channels:
            pipeline.publish(channel, data)
        await pipeline.execute()

    async def subscribe(self, take, channels):
        pubsub = self.client.pubsub()
        await pubsub.subscribe(*channels)
        for _ in channels:
            await pubsub.get_message(timeout=5)

        async def listen():
            async for message in pubsub.listen():
                take(message["data"])

        self.listening = asyncio.ensure_future(listen())


class Nats:
    """nats-py."""

    async def connect(self, url):
        import nats

        self.client = await nats.connect(url)

    async def publish(self, data, channels):
        for channel in channels:
            await self.client.publish(channel, data)
        await self.client.flush()

    async def subscribe(self, take, channels):
        async def listen(message):
            take(message.data)

        for channel in channels:
            await self.client.subscribe(channel, cb=listen)
        await self.client.flush()


async def receive(client, channels, count):
    """Report when the last of so many has come."""
    done, seen = asyncio.Event(), 0

    def take(data):
        nonlocal seen
        seen += 1
        if seen == count:
            done.set()

    await client.subscribe(take, channels)
    print("ready", flush=True)
    await done.wait()
    print(time.monotonic(), flush=True)


async def send(client, channels, count, at_once):
    """Report the start, and publish so many."""
    print("ready", flush=True)
    sys.stdin.readline()
    print(time.monotonic(), flush=True)
    turn = channels * (at_once // len(channels))
    for _ in range(0, count, at_once):
        await client.publish(TEXT, turn)


async def pace(client, channels, count, gap):
    """Publish stamps to itself; say the median microseconds until they are back."""
    times = []
    await client.subscribe(lambda data: times.append(time.monotonic_ns() - int(data)), channels)
    print("ready", flush=True)
    for _ in range(count):
        await client.publish(b"%032d" % time.monotonic_ns(), channels)
        await asyncio.sleep(gap)
    while len(times) < count:  # noqa: ASYNC110 - the last ones
        await asyncio.sleep(0.01)
    print(statistics.median(times) / 1000, flush=True)


async def run(url, channels, what, *numbers):
    """Connect and do one of these."""
    client = Redis() if url.startswith("redis") else Nats()
    await client.connect(url)
    kind = {"receive": receive, "send": send, "pace": pace}[what]
    names = [f"channel-{number}" for number in range(int(channels))]
    await kind(client, names, int(numbers[0]), *(float(n) if what == "pace" else int(n) for n in numbers[1:]))
    await asyncio.sleep(60)  # until it is told to stop


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
