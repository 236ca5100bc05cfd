# ruff: noqa: D102  # the two clients have the same three methods
"""The client libraries by themselves: `bare_clients.py URL receive COUNT | send COUNT AT_ONCE | pace COUNT GAP`.

Each says "ready" once it is; `send` waits for a line then. Times are of the monotonic clock, which all processes share.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time

CHANNEL = "news"
TEXT = b"x" * 32


class Redis:
    """redis-py."""

    async def connect(self, url):
        from redis.asyncio import Redis as Client

        self.client = Client.from_url(url)
        await self.client.ping()

    async def publish(self, data, count=1):
        if count == 1:
            await self.client.publish(CHANNEL, data)
            return
        pipeline = self.client.pipeline(transaction=False)
        for _ in range(count):
            pipeline.publish(CHANNEL, data)
        await pipeline.execute()

    async def subscribe(self, take):
        pubsub = self.client.pubsub()
        await pubsub.subscribe(CHANNEL)
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

    async def publish(self, data, count=1):
        for _ in range(count):
            await self.client.publish(CHANNEL, data)
        await self.client.flush()

    async def subscribe(self, take):
        async def listen(message):
            take(message.data)

        await self.client.subscribe(CHANNEL, cb=listen)
        await self.client.flush()


async def receive(client, count):
    """Say when the last of so many has come."""
    done, seen = asyncio.Event(), 0

    def take(data):
        nonlocal seen
        seen += 1
        if seen == count:
            done.set()

    await client.subscribe(take)
    print("ready", flush=True)
    await done.wait()
    print(time.monotonic(), flush=True)


async def send(client, count, at_once):
    """Say when it begins, and publish so many."""
    print("ready", flush=True)
    sys.stdin.readline()
    print(time.monotonic(), flush=True)
    for _ in range(0, count, at_once):
        await client.publish(TEXT, at_once)


async def pace(client, count, gap):
    """Publish stamps to itself; say the median microseconds until they are back."""
    times = []
    await client.subscribe(lambda data: times.append(time.monotonic_ns() - int(data)))
    print("ready", flush=True)
    for _ in range(count):
        await client.publish(b"%032d" % time.monotonic_ns())
        await asyncio.sleep(gap)
    while len(times) < count:  # noqa: ASYNC110 - the last ones
        await asyncio.sleep(0.01)
    print(statistics.median(times) / 1000, flush=True)


async def run(url, what, *numbers):
    """Connect and do one of these."""
    client = Redis() if url.startswith("redis") else Nats()
    await client.connect(url)
    kind = {"receive": receive, "send": send, "pace": pace}[what]
    await kind(client, int(numbers[0]), *(float(n) if what == "pace" else int(n) for n in numbers[1:]))
    await asyncio.sleep(60)  # until it is told to stop


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
