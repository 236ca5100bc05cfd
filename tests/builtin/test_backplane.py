"""What is published reaches every process, over real engines."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import backplane_apps
import engines
import httpx2
import nats.errors
import pytest
import redis
import socketify
import websockets

import socketify_ext
from socketify_ext.builtin.backplane.nats import Nats
from socketify_ext.errors import DuplicateBackplaneError, InstallError, MissingExtraError, OptionsError
from socketify_ext.testing import serve

KINDS = {"valkey": engines.valkey, "nats": engines.nats}


@pytest.fixture(scope="module", params=KINDS)
def engine(request):
    with KINDS[request.param]() as running:
        yield running


@pytest.fixture(scope="module")
def workers(engine):
    """Serve the same factory in four processes, or in two."""
    with contextlib.ExitStack() as stack:
        count = 4 if engine.scheme == "redis" else 2
        yield [stack.enter_context(serve(backplane_apps.chat, url=engine.url)) for _ in range(count)]


@pytest.fixture(scope="module")
def valkey():
    with engines.valkey() as running:
        yield running


class Client:
    """A WebSocket that does as it is told; what was published to it is in `receive()`."""

    def __init__(self, socket):
        self.socket = socket

    async def do(self, what, **details):
        """Have the server do something; what it published meanwhile is kept."""
        await self.socket.send(json.dumps({"do": what, **details}))

    async def done(self, what, **details):
        """Do it and wait until it is done; nothing else may come meanwhile."""
        await self.do(what, **details)
        assert json.loads(await self.receive()) == {"done": what}

    async def receive(self, timeout=10):
        return await asyncio.wait_for(self.socket.recv(), timeout)

    async def drained(self):
        """Wait for whatever is under way to this socket and give it: publications and answers come in order."""
        await self.do("nothing")
        found = []
        while (answer := answered(message := await self.receive())) != "nothing":
            if answer is None:
                found.append(message)
        return found


def answered(message):
    """Return what an answer says is done; None for a publication."""
    return json.loads(message)["done"] if isinstance(message, str) and message.startswith('{"done"') else None


@contextlib.asynccontextmanager
async def connected(*servers, topics=()):
    """Connect a client to each server and subscribe it to topics, upstream too."""
    async with contextlib.AsyncExitStack() as stack:
        clients = []
        for server in servers:
            socket = await stack.enter_async_context(websockets.connect(f"{server.ws_url}/ws", max_size=None))
            clients.append(Client(socket))
            await clients[-1].done("subscribe", topics=list(topics))
        await flush(*servers)
        yield clients


async def ask(server, path, **query):
    async with httpx2.AsyncClient(timeout=20) as client:
        answer = await client.get(server.url + path, params=query)
    assert answer.status_code == 200, server.log
    return answer


async def flush(*servers):
    """Wait until each server's topics and publications are with the engine."""
    for server in servers:
        await ask(server, "/flush")


async def counters(server):
    return (await ask(server, "/counters")).json()


async def until(condition):
    """Ask again until an awaited condition holds."""
    deadline = time.monotonic() + 20
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def test_memory_serves_one_process():
    async def run(server):
        async with connected(server, server, topics=["room"]) as (ann, bob):
            await ann.do("publish", topic="room", data="hello")
            assert await bob.receive() == "hello"
            assert await ann.drained() == ["hello"]
            found = await counters(server)
            assert (found["published"], found["dropped"], found["connected"]) == (1, 0, True)

    with serve(backplane_apps.chat) as server:
        asyncio.run(run(server))


@pytest.mark.parametrize(("data", "binary"), [("text ü", False), ("binary", True), ("", False), ("x" * 200_000, False)])
def test_a_publication_comes_once_to_each_subscriber_of_both_processes(workers, data, binary):
    async def run():
        two = workers[:2]
        async with connected(*two, *two, topics=["room"]) as clients:
            before = [await counters(server) for server in two]
            await clients[0].do("publish", topic="room", data=data, binary=binary)
            wanted = data.encode() if binary else data
            for client in clients[1:]:
                assert await client.receive() == wanted
            await clients[1].do("publish", topic="room", data="back")
            await flush(*two)
            for client in clients:
                await until_received(client, "back")
            after = [await counters(server) for server in two]
            assert [a["received"] - b["received"] for a, b in zip(after, before, strict=True)] == [1, 1]
            assert [client.seen for client in clients] == [[wanted, "back"], ["back"], ["back"], ["back"]]

    asyncio.run(run())


async def until_received(client, last):
    """Read until a message, and behind it, so that a second copy would show."""
    client.seen = []
    while last not in client.seen:
        message = await client.receive()
        if answered(message) is None:
            client.seen.append(message)
    client.seen += await client.drained()


def test_order_is_kept_for_each_topic_and_sender(workers):
    topics, count = ["a", "b", "c"], 300

    async def run():
        two = workers[:2]
        async with connected(*two, topics=topics) as clients:
            await asyncio.gather(
                *(
                    ask(server, "/publish", topic=topic, name=f"{index}{topic}", start=start, count=count // 3)
                    for start in range(0, count, count // 3)
                    for topic in topics
                    for index, server in enumerate(two)
                )
            )
            await flush(*two)
            for client in clients:
                seen = {}
                while sum(map(len, seen.values())) < 2 * 3 * count:
                    name, _, number = (await client.receive()).partition(":")
                    seen.setdefault(name, []).append(int(number))
                assert await client.drained() == []
                for server in "01":
                    for topic in topics:
                        got = seen[server + topic]
                        assert sorted(got) == list(range(count))
                        for start in range(0, count, count // 3):  # each request publishes in order
                            part = [number for number in got if start <= number < start + count // 3]
                            assert part == sorted(part)

    asyncio.run(run())


def test_all_processes_hear_each_other(workers):
    async def run():
        async with connected(*workers, topics=["all"]) as clients:
            for index, server in enumerate(workers):
                await ask(server, "/publish", topic="all", name=f"from {index}", start=0, count=1)
            for client in clients:
                heard = sorted([await client.receive() for _ in workers])
                assert heard == [f"from {number}:0" for number in range(len(workers))]
                assert await client.drained() == []

    asyncio.run(run())


TOPICS = [
    "with space",
    "a.b.*.>",
    "ü/\u6f22 \U0001f600",
    "tab\there\r\nPUB x 1",
    "%2E",
    "a%2Eb",
    "long" * 2000,
    "$SYS.x",
    "-",
]


def test_any_topic_name_reaches_its_own_listeners_only(workers):
    async def run():
        async with connected(workers[0], topics=TOPICS) as (ann,), connected(workers[1]) as (bob,):
            for topic in TOPICS:
                await bob.done("publish", topic=topic, data=topic)
                assert await ann.receive() == topic
            for topic in ["a.b.c.d", "SYS.x", "a.b", "*", ">", "with", "long" * 1999]:
                await bob.done("publish", topic=topic, data="not for you")
            await bob.done("publish", topic=TOPICS[0], data="end")
            assert await ann.receive() == "end"

    asyncio.run(run())


def test_another_prefix_is_another_world(workers, engine):
    async def run(here, there):
        async with connected(here, there, topics=["room"]) as (ann, bob):
            await ann.do("publish", topic="room", data="hello")
            await flush(here)
            await bob.do("publish", topic="room", data="me too")
            assert await bob.receive() == "me too"
            assert (await counters(there))["received"] == 0

    with serve(backplane_apps.chat, url=engine.url, prefix="other.app") as there:
        asyncio.run(run(workers[0], there))


def test_a_process_without_sockets_publishes_and_sends_what_waits_before_it_stops(workers, engine):
    async def run(server):
        async with connected(workers[0], topics=["room"]) as (ann,):
            answer = (await ask(server, "/publish", topic="room", count=200)).json()
            assert server.stop() == 0
            assert answer == {"sent": False, "there": 0}
            assert [(await ann.receive()).split()[0] for _ in range(200)] == [f"{number}" for number in range(200)]

    with serve(backplane_apps.without_sockets, url=engine.url) as server:
        asyncio.run(run(server))


@contextlib.contextmanager
def channels_of_valkey():
    with engines.valkey() as engine, redis.Redis.from_url(engine.url) as client:
        yield engine, lambda: {name.decode() for name in client.pubsub_channels("socketify:*")}


@contextlib.contextmanager
def subjects_of_nats():
    port = engines.free_port()
    with engines.nats("--http_port", str(port)) as engine:

        def subjects():
            found = httpx2.get(f"http://127.0.0.1:{port}/subsz?subs=1").json()
            subjects = {each["subject"] for each in found.get("subscriptions_list", [])}
            return {subject.replace(".topic.-", ":") for subject in subjects if subject.startswith("socketify.")}

        yield engine, subjects


@pytest.mark.parametrize("watched", [channels_of_valkey, subjects_of_nats])
def test_only_topics_with_listeners_are_subscribed_upstream(watched):
    async def run(server, upstream):
        async def shows(*topics):
            async def shown():
                return upstream() == {f"socketify:{topic}" for topic in topics}

            await until(shown)

        async with connected(server, server, server, topics=["a"]) as (ann, bob, cid):
            assert upstream() == {"socketify:a"}
            await cid.done("subscribe", topics=["b"])
            await shows("a", "b")
            await ann.done("unsubscribe", topics=["a"])
            await bob.done("unsubscribe", topics=["a"])
            await flush(server)
            assert upstream() == {"socketify:a", "socketify:b"}
            await bob.done("subscribe", topics=["c"])
            await shows("a", "b", "c")
            await cid.socket.close()
            await shows("c")
            bob.socket.transport.abort()
            await shows()
            await ann.done("subscribe", topics=["a"])
            await ann.done("unsubscribe", topics=["a"])
            await ann.done("subscribe", topics=["a"])
            await shows("a")
        await shows()

    with watched() as (engine, upstream), serve(backplane_apps.chat, url=engine.url) as server:
        asyncio.run(run(server, upstream))


def test_an_outage_is_told_once_and_local_delivery_goes_on(workers, engine):
    async def run(here, there):
        async with connected(here, there, here, topics=["room"]) as (ann, bob, cid):
            engine.stop(9)
            await ann.do("publish", topic="room", data="still here")
            assert await cid.receive() == "still here"
            await until_away(here, there)
            await ann.do("publish", topic="room", data="waits")
            assert await cid.receive() == "waits"
            assert (await counters(here))["queued"] >= 1
            engine.start()
            await flush(here, there)
            await cid.do("publish", topic="room", data="back")
            await until_received(bob, "back")
            assert bob.seen[-2:] == ["waits", "back"]
            for server in (here, there):
                found = await counters(server)
                assert (found["outages"], found["dropped"], found["connected"]) == (1, 0, True)

                async def told(server=server):
                    return " is back after " in server.log

                await until(told)
                assert server.log.count(" is away: ") == server.log.count(" is back after ") == 1

    asyncio.run(run(*workers[:2]))


async def until_away(*servers):
    for server in servers:

        async def away(server=server):
            return not (await counters(server))["connected"]

        await until(away)


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_starts_without_its_engine_and_finds_out_when_it_hangs(kind):
    async def run(engine, server):
        found = await counters(server)
        assert (found["outages"], found["connected"]) == (1, False)
        engine.start()
        async with connected(server, topics=["room"]):
            engine.pause()
            await until_away(server)
            engine.resume()
            await flush(server)
            assert (await counters(server))["outages"] >= 2

    with KINDS[kind]() as engine:
        engine.stop()
        with serve(backplane_apps.chat, url=engine.url, patience=1) as server:
            asyncio.run(run(engine, server))


def test_a_hanging_engine_fills_a_bounded_queue_and_stops_nothing(workers, engine):
    async def run(here, there):
        async with connected(here, there, topics=["room"]) as (ann, bob):
            engine.pause()
            for start in range(0, 500, 100):
                await ask(here, "/publish", topic="room", name="n", start=start, count=100)
            assert len([await ann.receive() for _ in range(500)]) == 500
            found = await counters(here)
            assert found["dropped"] >= 350
            assert found["dropped"] + found["queued"] == 500
            assert here.log.count("publications are dropped") == 1
            engine.resume()
            await flush(here, there)
            await ask(here, "/publish", topic="room", name="end", start=0, count=1)
            await until_received(bob, "end:0")
            numbers = [int(text.partition(":")[2]) for text in bob.seen[:-1]]
            assert numbers == sorted(set(numbers))
            assert numbers[-50:] == list(range(450, 500))
            assert len(numbers) + (await counters(here))["dropped"] == 500

    with serve(backplane_apps.chat, url=engine.url, queue_messages=50) as here:
        asyncio.run(run(here, workers[1]))


def test_what_someone_else_publishes_on_a_channel_is_ignored(valkey):
    async def run(client, server):
        async with connected(server, topics=["room"]) as (ann,):
            for junk in (b"", b"hello", b"\x01" * 17, b"\x01" * 40, b"\xff" * 100):
                client.publish("socketify:room", junk)

            async def told():
                return "someone else" in server.log

            await until(told)
            await ann.do("publish", topic="room", data="mine")
            assert await ann.drained() == ["mine"]
            assert (await counters(server))["received"] == 0
            assert server.log.count("someone else") == 1

    with redis.Redis.from_url(valkey.url) as client, serve(backplane_apps.chat, url=valkey.url) as server:
        asyncio.run(run(client, server))


def test_a_password_is_never_shown():
    url = "redis://user:s3cret@127.0.0.1:1/0"
    extension = socketify_ext.load("backplane", url=url)
    assert "s3cret" not in repr(extension.validated_options())
    with serve(backplane_apps.chat, url=url) as server:
        server.wait_for_log("redis://127.0.0.1:1 is away")
        assert "s3cret" not in server.log


@pytest.mark.parametrize(
    ("login", "url"),
    [
        (["--user", "ann", "--pass", "p/#?@:%"], "nats://ann:p%2F%23%3F%40%3A%25@127.0.0.1:{port}"),
        (["--auth", "t/#?@:%"], "nats://127.0.0.1:1,nats://t%2F%23%3F%40%3A%25@127.0.0.1:{port}"),
    ],
)
def test_nats_takes_a_login_that_is_encoded(login, url):
    with engines.nats(*login) as engine:

        async def connect(url):
            broker = Nats(url, "test", 5)
            try:
                await broker.connect(lambda topic, frame: None)
                return broker.max_frame
            finally:
                await broker.close()

        assert asyncio.run(connect(url.format(port=engine.port))) > 0
        with pytest.raises(nats.errors.Error, match="Authorization") as caught:
            asyncio.run(connect(f"nats://ann:s3cret@127.0.0.1:{engine.port}"))
        assert "s3cret" not in str(caught.value)


def test_a_stock_app_is_told_to_install():
    with pytest.raises(InstallError, match="install"):
        socketify.App().register(socketify_ext.load("backplane"))


def test_one_app_has_one_backplane():
    app = socketify_ext.App()
    assert app.backplane is None
    app.register(socketify_ext.load("backplane"))
    first = app.backplane
    with pytest.raises(DuplicateBackplaneError, match="Register one backplane"):
        app.register(second_backplane)
    assert app.backplane is first


@socketify_ext.extension("second")
def second_backplane(request, response, ws, *, app):
    app.use_backplane(object())


@pytest.mark.parametrize("options", [{"url": "amqp://x"}, {"url": "redis"}, {"prefix": "a b"}, {"prefix": "a.*"}])
def test_options_that_can_not_work_are_refused(options):
    with pytest.raises(OptionsError):
        socketify_ext.load("backplane", **options)


@pytest.mark.parametrize(("scheme", "module"), [("redis", "redis"), ("nats", "nats")])
def test_a_missing_client_names_its_extra(monkeypatch, scheme, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"socketify-ext\[{scheme}\]"):
        socketify_ext.App().register(socketify_ext.load("backplane", url=f"{scheme}://127.0.0.1"))


def test_forked_workers_of_the_core_s_cli_hear_each_other(valkey):
    port = engines.free_port()
    command = [sys.executable, "-m", "socketify", "backplane_apps:run", "--port", str(port), "--workers", "2"]
    environment = {**os.environ, "ENGINE": valkey.url}

    async def both():
        async with contextlib.AsyncExitStack() as stack:
            sockets = {}
            deadline = time.monotonic() + 30
            while len(sockets) < 2:
                assert time.monotonic() < deadline
                try:
                    socket = await stack.enter_async_context(websockets.connect(f"ws://127.0.0.1:{port}/ws"))
                except OSError:
                    await asyncio.sleep(0.05)  # it does not listen yet
                else:
                    sockets[await asyncio.wait_for(socket.recv(), 10)] = socket
            seen = set()
            while len(seen) < 2:
                assert time.monotonic() < deadline
                async with httpx2.AsyncClient() as client:
                    seen.add((await client.get(f"http://127.0.0.1:{port}/flush")).text)
            assert seen == set(sockets)
            for name, socket in sockets.items():
                await socket.send(f"from {name}")
                for other in sockets.values():
                    assert await asyncio.wait_for(other.recv(), 10) == f"from {name}"

    process = subprocess.Popen(command, cwd=Path(__file__).parents[1] / "support", env=environment)
    try:
        asyncio.run(both())
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_an_app_without_sockets_has_no_topics_and_lives():
    app = socketify_ext.App()
    assert app.publish("room", "hello", socketify.OpCode.TEXT) is False
    assert app.publish_here(b"room", b"hello") is False
    assert app.num_subscribers("room") == 0
