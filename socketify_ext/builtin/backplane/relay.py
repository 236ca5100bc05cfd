"""The relay: a bounded queue out, what comes in to this process's sockets, and one connection that is made again."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import random
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ...sdk.deadline import end, within
from .broker import Broker
from .frame import COMPRESS, HEAD_SIZE, OPCODES, PART_SIZE, Part, pack, unpack

log = logging.getLogger("socketify_ext")

BACKOFF: Final = (0.05, 1.0)
"""Seconds between two attempts to connect: the first wait, doubled up to the longest."""

RECONNECT_DELAY: Final = BACKOFF[1]
"""Seconds after an outage before what waited is sent: as long as any other process may need to be back too."""

BATCH: Final = 1 << 20
"""Bytes that are under way to the broker at once."""

FRAME: Final = 64 * 1024
"""Bytes of several publications in one frame; a larger publication has a frame of its own."""

CLOSE_TIMEOUT: Final = 1.0
"""Seconds that a stopping process gives the broker to take what waits."""

DISCONNECT_TIMEOUT: Final = 0.3
"""Seconds that the broker gets to close a connection."""

TOPICS: Final = 1000
"""Topics that the broker is asked to subscribe to, or to unsubscribe from, at once."""

TRIES: Final = 3
"""Connections on which a frame alone must fail before it is dropped: the fault is its own and not the broker's."""

SENDERS: Final = (256, 65_536)
"""Senders whose last number is kept: at least for each topic, and about in total."""

SHOWN: Final = 200
"""Characters of another's text that the log shows at most."""

Deliver = Callable[[bytes, bytes, int, bool], Any]


class Outgoing(NamedTuple):
    """A frame under way, and how many publications are in it."""

    topic: bytes
    frame: bytes
    publications: int


def shown(text: object) -> str:
    """Return another's text as one bounded line of printable ASCII."""
    return ascii(str(text)[:SHOWN])[1:-1][:SHOWN]


class Relay:
    """Carry publications over a broker, and count what becomes of them.

    Attributes:
        published: publications handed to `publish`.
        received: publications of other processes that came for listeners of this one.
        dropped: publications that will reach no other process: the queue was full, one was larger than the broker
            takes or than the whole queue, the broker refused it, or the process stopped first.
        outages: how often the broker was lost, or not there at the start.
        connected: whether the broker is there and knows the topics.
    """

    def __init__(self, broker: Broker, max_messages: int, max_bytes: int, timeout: float) -> None:
        self.published = self.received = self.dropped = self.outages = 0
        self.connected = False
        self._broker = broker
        self._max_messages, self._max_bytes, self._timeout = max_messages, max_bytes, timeout
        self._queue: deque[tuple[bytes, int, bytes]] = deque()
        self._bytes = 0
        self._batch: list[Outgoing] = []  # frames under way; sent again if the connection is lost
        self._step: int | None = None  # frames at once, while one is sought that no connection survives
        self._failures = 0  # of the first frame alone
        self._numbers = 0
        self._sender = b""
        self._followed: dict[bytes, dict[bytes, int]] = {}  # topic -> sender -> number of its last frame
        self._active: set[bytes] = set()  # topics that the broker knows
        self._changed: dict[bytes, None] = {}
        self._deliver: Deliver | None = None
        self._task: asyncio.Task[None] | None = None
        self._told_of_drops = self._told_of_strangers = self._told_of_failure = False  # once until sent; once; once
        self._lost_at: float | None = None
        self._wait = BACKOFF[0]
        self._waiting, self._sent = asyncio.Event(), asyncio.Event()
        self._changing, self._followed_up = asyncio.Event(), asyncio.Event()
        self._tried, self._stopping = asyncio.Event(), asyncio.Event()
        self._sent.set()
        self._followed_up.set()

    @property
    def name(self) -> str:
        """Return the broker's name and address, without credentials."""
        return self._broker.name

    @property
    def queued(self) -> int:
        """Return the number of publications that wait for the broker or are under way to it."""
        return len(self._queue) + sum(frame.publications for frame in self._batch)

    # -- what the process publishes and listens on

    def publish(self, topic: bytes, data: bytes, opcode: int, compress: bool) -> None:
        """Queue a publication for the other processes; a full queue drops its oldest one."""
        if opcode not in OPCODES:  # pings and the like are between a server and its own clients
            return
        self.published += 1
        size = len(topic) + len(data)
        if size > self._max_bytes:  # it would push out all others, and itself
            self._drop(f"one of {size} bytes is larger than the whole queue ({self._max_bytes})")
            return
        self._queue.append((topic, opcode | COMPRESS if compress else opcode, data))
        self._bytes += size
        while len(self._queue) > self._max_messages or self._bytes > self._max_bytes:
            oldest, _, content = self._queue.popleft()
            self._bytes -= len(oldest) + len(content)
            self._drop("the queue is full")
        self._sent.clear()
        self._waiting.set()

    def subscribe(self, topic: bytes) -> None:
        """Subscribe upstream to a topic that has its first listener."""
        self._followed[topic] = {}
        self._change(topic)

    def unsubscribe(self, topic: bytes) -> None:
        """Unsubscribe upstream from a topic that has lost its last listener."""
        del self._followed[topic]
        self._change(topic)

    def _change(self, topic: bytes) -> None:
        self._changed[topic] = None
        self._followed_up.clear()
        self._changing.set()

    def _drop(self, why: str, count: int = 1) -> None:
        self.dropped += count
        if not self._told_of_drops:
            self._told_of_drops = True
            log.warning(
                "backplane: %s: publications are dropped for other processes: %s (dropped so far: %d)",
                self.name,
                why,
                self.dropped,
            )

    async def flush(self, timeout: float | None = None) -> None:
        """Wait until the broker has confirmed all topics listened on here, and has taken all that was published.

        Raises:
            asyncio.TimeoutError: that took longer than `timeout` seconds.
        """
        await within(self._flush(), timeout)

    async def _flush(self) -> None:
        while not (self.connected and self._followed_up.is_set() and self._sent.is_set()):
            await self._followed_up.wait()
            await self._sent.wait()
            await asyncio.sleep(0 if self.connected else BACKOFF[0])

    # -- what comes in

    def _receive(self, topic: bytes, frame: bytes) -> None:
        """Deliver a frame's publications to this process's sockets, unless it is our own or was here before."""
        numbers = self._followed.get(topic)
        if numbers is None or self._deliver is None:  # the last listener has just gone
            return
        try:
            sender, number, parts = unpack(frame)
        except (ValueError, TypeError) as error:
            if not self._told_of_strangers:
                self._told_of_strangers = True
                log.warning("backplane: %s: someone else publishes on topic %r: %s", self.name, topic[:80], error)
            return
        if sender == self._sender or number <= numbers.get(sender, 0):
            return
        self._note(numbers, sender, number)
        self.received += len(parts)
        for kind, data in parts:
            try:
                self._deliver(topic, data, kind & ~COMPRESS, kind & COMPRESS != 0)
            except Exception:  # one that can't be delivered stops neither the others nor the connection
                if not self._told_of_failure:
                    self._told_of_failure = True
                    log.exception("backplane: %s: can't deliver on topic %r", self.name, topic[:80])

    def _note(self, numbers: dict[bytes, int], sender: bytes, number: int) -> None:
        """Keep a sender's number, and forget the senders that have been silent for longest where there are too many."""
        numbers.pop(sender, None)
        numbers[sender] = number
        least, total = SENDERS
        while len(numbers) > max(least, total // len(self._followed)):
            del numbers[next(iter(numbers))]

    # -- the connection

    async def start(self, deliver: Deliver) -> None:
        """Connect, and hand what comes to `deliver`; return after the first attempt, whether it succeeds or not."""
        self._deliver = deliver
        self._sender = os.urandom(8)
        self._task = asyncio.get_running_loop().create_task(self._run())
        try:
            await self._tried.wait()
        except BaseException:  # the start-up was interrupted, and nobody will stop what has not started
            await self.stop()
            raise

    async def stop(self) -> None:
        """Send queued publications if the broker is connected, then disconnect; this ends soon whatever the broker does."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        try:
            if self.connected and not self._sent.is_set():
                with contextlib.suppress(asyncio.TimeoutError):
                    await within(self._sent.wait(), CLOSE_TIMEOUT)
        finally:
            if await end(task, again=CLOSE_TIMEOUT):
                log.error("backplane: %s: the connection did not end when it was cancelled", self.name)
            if self.queued:
                self._told_of_drops = False
                self._drop("the process stops", self.queued)

    async def _run(self) -> None:
        """Keep a connection; log an outage once, when it begins, and its end."""
        while True:
            try:
                await within(self._connect(), self._timeout)
                self._tried.set()
                await self._serve()
            except Exception as error:  # whatever a client library raises
                self._lost(error)
            finally:
                self.connected = False
                self._tried.set()
                await self._close()
            await asyncio.sleep(random.uniform(self._wait / 2, self._wait))  # noqa: S311 - to spread processes, not to guard
            self._wait = min(self._wait * 2, BACKOFF[1])

    def _lost(self, error: Exception) -> None:
        if self._lost_at is None:
            self._lost_at = asyncio.get_running_loop().time()
            self.outages += 1
            log.warning(
                "backplane: %s is away: %s: %s; publications reach this process only until it is back",
                self.name,
                type(error).__name__,
                shown(error),
            )

    async def _settle(self) -> None:
        """After an outage, wait until other processes can be back too; a stop does not wait."""
        if self._lost_at is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(self._stopping.wait(), RECONNECT_DELAY)
            await self._followed_up.wait()

    def _recovered(self) -> None:
        """End an outage: the connection has lasted for a while, and what was under way has been taken."""
        if self._lost_at is not None:
            log.warning(
                "backplane: %s is back after %.1f s; %d publications were dropped so far",
                self.name,
                asyncio.get_running_loop().time() - self._lost_at,
                self.dropped,
            )
            self._lost_at, self._wait = None, BACKOFF[0]

    async def _close(self) -> None:
        try:
            await within(self._broker.close(), DISCONNECT_TIMEOUT)
        except Exception as error:  # a connection that is lost already
            log.debug("backplane: %s: %s", self.name, shown(error))

    async def _connect(self) -> None:
        await self._broker.connect(self._receive)
        limit = self._broker.max_frame
        for each in self._batch:
            if len(each.frame) > limit:
                self._drop(
                    f"a frame of {len(each.frame)} bytes is larger than the broker takes ({limit})", each.publications
                )
        self._batch = [each for each in self._batch if len(each.frame) <= limit]
        self._active.clear()
        self._changed = dict.fromkeys(self._followed)
        self._followed_up.clear()

    async def _serve(self) -> None:
        """Receive, subscribe and publish until the connection is lost, which raises."""
        tasks = [asyncio.ensure_future(work) for work in (self._broker.run(), self._follow(), self._send())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if not task.cancelled():
                    task.result()
            raise ConnectionError("the connection has ended")
        finally:
            await end(*tasks)

    async def _follow(self) -> None:
        """Keep the broker's subscriptions equal to the topics that have listeners here."""
        while True:
            while self._changed:
                some = list(itertools.islice(self._changed, TOPICS))
                for topic in some:
                    del self._changed[topic]
                gone = [topic for topic in some if topic in self._active and topic not in self._followed]
                new = [topic for topic in some if topic not in self._active and topic in self._followed]
                if gone:
                    self._active.difference_update(gone)
                    await within(self._broker.unsubscribe(gone), self._timeout)
                if new:
                    self._active.update(new)
                    await within(self._broker.subscribe(new), self._timeout)
            self.connected = True
            self._followed_up.set()
            self._changing.clear()
            await self._changing.wait()

    async def _send(self) -> None:
        """Hand the broker what waits, as much at once as there is."""
        await self._settle()
        while True:
            if not self._batch:
                self._step, self._failures = None, 0
                if not self._queue:
                    self._recovered()
                    self._told_of_drops = False
                    self._sent.set()
                    self._waiting.clear()
                    await self._waiting.wait()
                self._fill()
            if self._batch:
                await self._publish()
                if not self._batch:
                    self._recovered()

    async def _publish(self) -> None:
        """Hand the broker the batch; after a failure a part of it, so that a frame that can't be sent is found."""
        some = self._batch if self._step is None else self._batch[: self._step]
        try:
            refused = await within(self._broker.publish([(each.topic, each.frame) for each in some]), self._timeout)
        except Exception:
            self._failed(some)
            raise
        for number, why in refused:
            self._drop(
                f"the broker refuses one on topic {some[number].topic[:80]!r}: {shown(why)}", some[number].publications
            )
        self._batch = self._batch[len(some) :]
        self._failures = 0
        if self._step is not None:
            self._step *= 2

    def _failed(self, some: list[Outgoing]) -> None:
        """Send half as much the next time, and drop a frame that has failed alone too often."""
        self._step = max(1, len(some) // 2)
        if len(some) > 1:
            return
        self._failures += 1
        if self._failures >= TRIES:
            first = self._batch.pop(0)
            self._failures = 0
            self._drop(f"no connection survives one on topic {first.topic[:80]!r}", first.publications)

    def _fill(self) -> None:
        """Take publications from the queue and make frames of them, in order for each topic."""
        queue, size, limit = self._queue, 0, self._broker.max_frame
        open_frames: dict[bytes, tuple[list[Part], int]] = {}
        while queue and size < BATCH:
            topic, kind, data = queue.popleft()
            length = len(data) + PART_SIZE
            self._bytes -= len(topic) + len(data)
            if length + HEAD_SIZE > limit:
                self._drop(
                    f"one of {len(data)} bytes on topic {topic[:80]!r} is larger than the broker takes ({limit})"
                )
                continue
            size += length + len(topic)
            parts, filled = open_frames.get(topic, ([], HEAD_SIZE))
            if parts and filled + length > min(limit, FRAME):
                self._close_frame(topic, parts)
                parts, filled = [], HEAD_SIZE
            parts.append((kind, data))
            open_frames[topic] = (parts, filled + length)
        for topic, (parts, _) in open_frames.items():
            self._close_frame(topic, parts)

    def _close_frame(self, topic: bytes, parts: list[Part]) -> None:
        self._numbers += 1
        self._batch.append(Outgoing(topic, pack(self._sender, self._numbers, parts), len(parts)))
