"""Private messages while clients come and go, workers are killed and the engine restarts.

`make soak` runs this at full size, `make test` in short. Three things must hold: what a sender has a receipt for
reaches its receiver; the messages of each pair come in the order in which they were sent; and a message that comes
twice has the same id.
"""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import engines
import pm_apps
import pytest
from pm_clients import user
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from socketify_ext.testing import serve

FULL = bool(os.environ.get("SOCKETIFY_EXT_SOAK"))
WORKERS = 4 if FULL else 2
USERS = 200 if FULL else 12
MESSAGES = 10_000 if FULL else 300
KILLS = 8 if FULL else 1
LONGEST_VISIT = 100 if FULL else 40  # frames
UNDER_WAY = WORKERS * 20
IDLE = 0.5 if FULL else 0.2  # seconds without a frame; that many end a visit too
TIMEOUT = 600 if FULL else 60
AWAY = (OSError, ConnectionClosed, InvalidHandshake, TimeoutError, asyncio.TimeoutError)


class Workers:
    """Servers that share an inbox; one that was killed is replaced."""

    def __init__(self, stack, inbox):
        self.stack = stack
        self.inbox = inbox
        with ThreadPoolExecutor() as threads:
            self.servers = list(threads.map(lambda _: self.start(), range(WORKERS)))

    def start(self):
        return self.stack.enter_context(serve(pm_apps.chat, inbox=self.inbox))

    def kill(self, index):
        assert self.servers[index].stop(signal.SIGKILL) == -signal.SIGKILL

    def replace(self, index):
        self.servers[index] = self.start()

    def logs(self):
        return "\n".join(server.log for server in self.servers)


class Person:
    """A user whose client comes and goes: it sends again what it has no receipt for, and remembers what came."""

    def __init__(self, number, crowd):
        self.random = random.Random(number)
        self.name = f"user/{number}"
        self.crowd = crowd
        self.unsent = []
        self.unconfirmed = {}  # key -> (to, text), in the order in which they are to be sent
        self.confirmed = set()  # (to, text)
        self.got = []  # (sender, text), in the order in which they came for the first time
        self.ids = {}  # (sender, text) -> id
        self.doubles = 0

    async def live(self):
        """Come and go until all that is to be sent is confirmed and all that was sent to this user has come."""
        while not self.crowd.finished:
            server = self.random.choice(self.crowd.workers.servers)
            with contextlib.suppress(*AWAY):
                async with user(server, self.name) as client:
                    for frame in client.waited:
                        await self.take(client, frame)
                    for key, (to, text) in list(self.unconfirmed.items()):
                        await client.send(to, text, key=key)
                    await self.visit(client, self.random.randint(5, LONGEST_VISIT))
            await asyncio.sleep(self.random.uniform(0, 0.1))

    async def visit(self, client, frames):
        """Take some frames and leave, half of the time without a word; what is under way is lost then."""
        writing = asyncio.create_task(self.write(client))
        try:
            idle = 0
            while frames and idle < 10 and not self.crowd.finished:
                try:
                    await self.take(client, await client.frame(IDLE))
                    frames -= 1
                    idle = 0
                except asyncio.TimeoutError:
                    idle += 1
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError, *AWAY):
                await writing
        if self.random.random() < 0.5:
            client.socket.transport.abort()

    async def write(self, client):
        while self.unsent:
            to, text = self.unsent.pop(0)
            key = f"{self.name}-{len(self.confirmed) + len(self.unconfirmed)}"
            self.unconfirmed[key] = (to, text)
            await client.send(to, text, key=key)
            self.crowd.sent += 1
            self.crowd.news.set()
            if self.random.random() < 0.3:
                await asyncio.sleep(self.random.uniform(0, 0.05))

    async def take(self, client, frame):
        if frame["type"] == "pm-receipt":
            if frame["status"] == "stored":
                message = self.unconfirmed.pop(frame["key"], None)
                if message is not None:
                    self.confirmed.add(message)
            else:
                raise AssertionError(frame)
        elif frame["type"] == "pm" and not frame.get("sent"):
            said = (frame["username"], frame["message"])
            if said in self.ids:
                assert self.ids[said] == frame["id"], f"{said} came with two ids"
                self.doubles += 1
            else:
                self.ids[said] = frame["id"]
                self.got.append(said)
                self.crowd.news.set()
            if self.random.random() < 0.9:
                await client.ask("ack", id=frame["id"])


class Crowd:
    def __init__(self, workers):
        self.workers = workers
        self.people = [Person(number, self) for number in range(USERS)]
        self.news = asyncio.Event()
        self.sent = 0
        self.over = False  # whatever the outcome: a cancellation may get lost on the way (Python 3.11's wait_for)
        self.random = random.Random(7)
        for number in range(MESSAGES):
            sender, receiver = self.random.sample(self.people, 2)
            sender.unsent.append((receiver.name, number))

    @property
    def waiting(self):
        return sum(len(person.unsent) + len(person.unconfirmed) for person in self.people)

    async def send_on(self, count):
        """Wait until some more messages have been sent, or nobody gets to send any."""
        wanted = self.sent + count
        with contextlib.suppress(asyncio.TimeoutError):
            while self.sent < wanted:
                self.news.clear()
                await asyncio.wait_for(self.news.wait(), IDLE)

    @property
    def arrived(self):
        return sum(len(person.got) for person in self.people)

    @property
    def finished(self):
        return self.over or (not self.waiting and self.arrived == MESSAGES)

    async def reach(self, share):
        """Wait until a share of all messages has arrived."""
        while self.arrived < share * MESSAGES:
            self.news.clear()
            await self.news.wait()

    def check(self):
        """State what must hold, however the run went."""
        got = {person.name: person.got for person in self.people}
        ids = {person.name: person.ids for person in self.people}
        for sender in self.people:
            for to, text in sender.confirmed:
                assert (sender.name, text) in ids[to], f"{text} to {to} was confirmed and is lost"
        for name, messages in got.items():
            for sender in {sender for sender, _ in messages}:
                texts = [text for who, text in messages if who == sender]
                assert texts == sorted(texts), f"{name} got those of {sender} out of order"
                assert len(texts) == len(set(texts))


async def run(workers, stop_engine, start_engine):
    crowd = Crowd(workers)
    lives = [asyncio.create_task(person.live()) for person in crowd.people]
    loop = asyncio.get_running_loop()

    async def faults():
        for number in range(KILLS):
            await crowd.reach((number + 1) / (KILLS + 2))
            index = number % WORKERS
            # what the worker has taken meanwhile is nowhere else when it is killed
            await loop.run_in_executor(None, stop_engine)
            await crowd.send_on(UNDER_WAY)
            await loop.run_in_executor(None, workers.kill, index)
            await loop.run_in_executor(None, start_engine)
            await loop.run_in_executor(None, workers.replace, index)

    try:
        await asyncio.wait_for(asyncio.gather(faults(), *lives), TIMEOUT)
    except asyncio.TimeoutError:
        crowd.check()
        raise AssertionError(f"{crowd.waiting} wait, {crowd.arrived} of {MESSAGES} arrived\n{workers.logs()}") from None
    finally:
        crowd.over = True
        for life in lives:
            life.cancel()
    crowd.check()
    return sum(person.doubles for person in crowd.people)


class File:
    """An inbox file that nobody can write to while it is stopped."""

    def __init__(self, path):
        self.url = f"sqlite:///{path}"
        self.lock = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def stop(self):
        self.lock.execute("BEGIN IMMEDIATE")

    def start(self):
        self.lock.execute("ROLLBACK")


class Killed:
    """An engine that is killed; every write is on the disk before it answers, so even that loses none."""

    def __init__(self, stack):
        self.server = stack.enter_context(engines.valkey("--appendonly", "yes", "--appendfsync", "always"))
        self.url = self.server.url
        self.start = self.server.start

    def stop(self):
        self.server.stop(signal.SIGKILL)


@pytest.mark.parametrize("engine", ["sqlite", "valkey"])
def test_nothing_confirmed_is_lost_and_each_pair_keeps_its_order(engine, tmp_path):
    with contextlib.ExitStack() as stack:
        inbox = File(tmp_path / "pm.db") if engine == "sqlite" else Killed(stack)
        workers = Workers(stack, inbox.url)
        doubles = asyncio.run(run(workers, inbox.stop, inbox.start))
        assert "ERROR" not in workers.logs()
        print(f"{MESSAGES} messages, {doubles} came more than once")
