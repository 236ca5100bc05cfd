"""The relay: a bounded queue out, what comes in to this process's sockets, and one connection that is made again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from .engine import Engine
from .frame import COMPRESS, HEAD_SIZE, OPCODES, PART_SIZE, Part, pack, unpack

log = logging.getLogger("socketify_ext")

BACKOFF: Final = (0.05, 1.0)
"""Seconds between two attempts to connect: the first wait, doubled up to the longest."""

SETTLING: Final = BACKOFF[1]
"""Seconds after an outage before what waited is sent: as long as any other process may need to be back too."""

BATCH: Final = 1 << 20
"""Bytes that are under way to the engine at once."""

FRAME: Final = 64 * 1024
"""Bytes of several publications in one frame; a larger publication has a frame of its own."""

FAREWELL: Final = 2.0
"""Seconds that a stopping process gives the engine to take what waits."""

Deliver = Callable[[bytes, bytes, int, bool], Any]


class Relay:
    """Carry publications over an engine, and count what becomes of them.

    Attributes:
        published: publications handed to `publish`.
        received: publications of other processes that came for listeners of this one.
        dropped: publications that will reach no other process: the queue was full, one was larger than the engine
            takes, or the process stopped first.
        outages: how often the engine was lost, or not there at the start.
        connected: whether the engine is there and knows the topics.
    """

    def __init__(self, engine: Engine, max_messages: int, max_bytes: int, timeout: float) -> None:
        self.published = self.received = self.dropped = self.outages = 0
        self.connected = False
        self._engine = engine
        self._max_messages, self._max_bytes, self._timeout = max_messages, max_bytes, timeout
        self._queue: deque[tuple[bytes, int, bytes]] = deque()
        self._bytes = 0
        self._batch: list[tuple[bytes, bytes]] = []  # frames under way; sent again if the connection is lost
        self._in_batch = 0  # publications in them
        self._since: float | None = None  # when the engine was given the batch
        self._numbers = 0
        self._sender = b""
        self._followed: dict[bytes, dict[bytes, int]] = {}  # topic -> sender -> number of its last frame
        self._active: set[bytes] = set()  # topics that the engine knows
        self._changed: dict[bytes, None] = {}
        self._deliver: Deliver | None = None
        self._task: asyncio.Task[None] | None = None
        self._told_of_drops = self._told_of_strangers = False  # once until the queue is empty; once
        self._waiting, self._sent = asyncio.Event(), asyncio.Event()
        self._changing, self._followed_up = asyncio.Event(), asyncio.Event()
        self._tried = asyncio.Event()
        self._sent.set()
        self._followed_up.set()

    @property
    def name(self) -> str:
        """Name the engine and its address."""
        return self._engine.name

    @property
    def queued(self) -> int:
        """Count the publications that wait for the engine, or are under way to it."""
        return len(self._queue) + self._in_batch

    # -- what the process publishes and listens on

    def publish(self, topic: bytes, data: bytes, opcode: int, compress: bool) -> None:
        """Queue a publication for the other processes; a full queue drops its oldest one."""
        if opcode not in OPCODES:  # pings and the like are between a server and its own clients
            return
        self.published += 1
        self._queue.append((topic, opcode | COMPRESS if compress else opcode, data))
        self._bytes += len(data)
        while len(self._queue) > self._max_messages or self._bytes > self._max_bytes:
            self._bytes -= len(self._queue.popleft()[2])
            self._drop("the queue is full")
        self._sent.clear()
        self._waiting.set()

    def follow(self, topic: bytes) -> None:
        """Subscribe upstream to a topic that has its first listener."""
        self._followed[topic] = {}
        self._change(topic)

    def unfollow(self, topic: bytes) -> None:
        """Give up a topic upstream that has lost its last listener."""
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

    async def synced(self, timeout: float | None = None) -> None:
        """Wait until the engine has confirmed all topics listened on here, and has taken all that was published.

        Raises:
            asyncio.TimeoutError: that took longer than `timeout` seconds.
        """
        await asyncio.wait_for(self._synced(), timeout)

    async def _synced(self) -> None:
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
        except ValueError as error:
            if not self._told_of_strangers:
                self._told_of_strangers = True
                log.warning("backplane: %s: someone else publishes on topic %r: %s", self.name, topic[:80], error)
            return
        if sender == self._sender or number <= numbers.get(sender, 0):
            return
        numbers[sender] = number
        self.received += len(parts)
        for kind, data in parts:
            self._deliver(topic, data, kind & ~COMPRESS, kind & COMPRESS != 0)

    # -- the connection

    async def start(self, deliver: Deliver) -> None:
        """Connect and give what comes to `deliver`; returns after the first attempt, whether it succeeds or not."""
        self._deliver = deliver
        self._sender = os.urandom(8)
        self._task = asyncio.get_running_loop().create_task(self._run())
        await self._tried.wait()

    async def stop(self) -> None:
        """Send what waits if the engine is there, then disconnect."""
        if self._task is None:
            return
        if self.connected and not self._sent.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._sent.wait(), FAREWELL)
        self._task.cancel()
        await asyncio.wait({self._task})
        self._task = None
        if self.queued:
            self._told_of_drops = False
            self._drop("the process stops", self.queued)

    async def _run(self) -> None:
        """Keep a connection; log an outage once, when it begins, and its end."""
        loop = asyncio.get_running_loop()
        lost_at: float | None = None
        wait, longest = BACKOFF
        while True:
            try:
                await asyncio.wait_for(self._connect(), self._timeout)
                self._tried.set()
                if lost_at is not None:
                    log.warning(
                        "backplane: %s is back after %.1f s; %d publications wait, %d were dropped so far",
                        self.name,
                        loop.time() - lost_at,
                        self.queued,
                        self.dropped,
                    )
                settling, lost_at, wait = lost_at is not None, None, BACKOFF[0]
                await self._serve(SETTLING if settling else 0.0)
            except Exception as error:  # whatever a client library raises
                if lost_at is None:
                    lost_at = loop.time()
                    self.outages += 1
                    log.warning(
                        "backplane: %s is away: %s: %s; publications reach this process only until it is back",
                        self.name,
                        type(error).__name__,
                        error,
                    )
            finally:
                self.connected = False
                self._since = None
                self._tried.set()
                await self._close()
            await asyncio.sleep(random.uniform(wait / 2, wait))  # noqa: S311 - to spread processes, not to guard
            wait = min(wait * 2, longest)

    async def _close(self) -> None:
        try:
            await asyncio.wait_for(self._engine.close(), FAREWELL)
        except Exception as error:  # a connection that is lost already
            log.debug("backplane: %s: %s", self.name, error)

    async def _connect(self) -> None:
        await self._engine.connect(self._receive)
        self._batch = [frame for frame in self._batch if len(frame[1]) <= self._engine.max_frame]
        self._active.clear()
        self._changed = dict.fromkeys(self._followed)

    async def _serve(self, settling: float) -> None:
        """Do all that a connection is for, until it is lost, which raises."""
        tasks = {
            asyncio.ensure_future(work)
            for work in (self._engine.run(), self._follow(), self._send(settling), self._watch())
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            raise ConnectionError("the connection has ended")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self) -> None:
        """Tell the engine which topics have listeners here."""
        while True:
            while self._changed:
                changed, self._changed = self._changed, {}
                gone = [topic for topic in changed if topic in self._active and topic not in self._followed]
                new = [topic for topic in changed if topic not in self._active and topic in self._followed]
                if gone:
                    self._active.difference_update(gone)
                    await self._engine.unsubscribe(gone)
                if new:
                    self._active.update(new)
                    await self._engine.subscribe(new)
            self.connected = True
            self._followed_up.set()
            self._changing.clear()
            await self._changing.wait()

    async def _send(self, settling: float) -> None:
        """Give the engine what waits, as much at once as there is."""
        await asyncio.sleep(settling)
        loop = asyncio.get_running_loop()
        while True:
            if not self._batch:
                if not self._queue:
                    self._told_of_drops = False
                    self._sent.set()
                    self._waiting.clear()
                    await self._waiting.wait()
                self._fill()
            self._since = loop.time()
            await self._engine.publish(self._batch)
            self._since = None
            self._batch = []
            self._in_batch = 0

    def _fill(self) -> None:
        """Take publications from the queue and make frames of them, in order for each topic."""
        queue, size, limit = self._queue, 0, self._engine.max_frame
        open_frames: dict[bytes, tuple[list[Part], int]] = {}
        while queue and size < BATCH:
            topic, kind, data = queue.popleft()
            length = len(data) + PART_SIZE
            self._bytes -= len(data)
            if length + HEAD_SIZE > limit:
                self._drop(
                    f"one of {len(data)} bytes on topic {topic[:80]!r} is larger than the engine takes ({limit})"
                )
                continue
            size += length
            self._in_batch += 1
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
        self._batch.append((topic, pack(self._sender, self._numbers, parts)))

    async def _watch(self) -> None:
        """End a connection whose engine has taken nothing for too long."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._timeout / 4)
            if self._since is not None and loop.time() - self._since > self._timeout:
                raise TimeoutError(f"no answer for {self._timeout:g} s")
