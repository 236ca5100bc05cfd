"""Private messages: who gets what, and who does not."""

import asyncio
import contextlib
import datetime
import itertools
import json
import re
import sqlite3
import stat
from decimal import Decimal
from typing import get_args

import engines
import pm_apps
import pytest
import redis
import socketify
import websockets
from hypothesis import given
from hypothesis import strategies as st
from pm_clients import user

import socketify_ext
from socketify_ext.builtin.pm import rate as rates
from socketify_ext.builtin.pm import topics
from socketify_ext.builtin.pm.inbox.memory import MemoryInbox
from socketify_ext.builtin.pm.message import Message, as_json, message_id
from socketify_ext.builtin.pm.options import Options
from socketify_ext.builtin.pm.receipt import Reason, Receipt
from socketify_ext.builtin.pm.send_policy import SendPolicy
from socketify_ext.builtin.pm.topics import encoded
from socketify_ext.builtin.pm.username import username_of
from socketify_ext.errors import InstallError, MissingExtraError, OptionsError
from socketify_ext.testing import serve

counter = itertools.count()


def fresh(*names):
    """Return names that no other test uses."""
    number = next(counter)
    return [f"{name} {number}/ä" for name in names]


@pytest.fixture(scope="module")
def valkey():
    with engines.valkey() as engine:
        yield engine


@pytest.fixture(scope="module", params=["stock", "app", "install", "memory", "sqlite", "redis"])
def server(request, tmp_path_factory):
    if request.param in ("stock", "app", "install"):
        options = {"kind": request.param}
    elif request.param == "redis":
        options = {"inbox": request.getfixturevalue("valkey").url}
    elif request.param == "sqlite":
        options = {"inbox": f"sqlite:///{tmp_path_factory.mktemp('pm')}/pm.db"}
    else:
        options = {"inbox": "memory://"}
    with serve(pm_apps.chat, **options) as serving:
        yield serving
        assert "ERROR" not in serving.log


@pytest.fixture(scope="module", params=["memory", "sqlite", "redis"])
def keeping(request, tmp_path_factory):
    inbox = {
        "memory": lambda: "memory://",
        "sqlite": lambda: f"sqlite:///{tmp_path_factory.mktemp('pm')}/pm.db",
        "redis": lambda: request.getfixturevalue("valkey").url,
    }[request.param]()
    with serve(pm_apps.chat, inbox=inbox, inbox_size=5) as serving:
        serving.kind = request.param
        yield serving
        assert "ERROR" not in serving.log


def test_every_tab_of_the_receiver_gets_it_and_the_senders_other_tabs_too(server):
    async def chat():
        ann, ben = fresh("Ann", "Ben")
        async with (
            user(server, ann) as tab,
            user(server, ann) as other_tab,
            user(server, ben) as first,
            user(server, ben) as second,
        ):
            await tab.send(ben, {"text": "höllo"})
            got = await first.pm()
            assert got == {
                "type": "pm",
                "id": got["id"],
                "username": ann,
                "message": {"text": "höllo"},
                "at": got["at"],
            }
            assert await second.pm() == got
            assert await other_tab.pm() == {**got, "to": ben, "sent": True}
            await tab.nothing_came()

    asyncio.run(chat())


def test_messages_to_and_fro_come_in_order(server):
    async def chat():
        names = fresh("Ann", "Ben")
        async with user(server, names[0]) as ann, user(server, names[1]) as ben:
            for number in range(300):
                await ann.send(ben.name, number)
                await ben.send(ann.name, -number)
            assert [(await ben.pm())["message"] for _ in range(300)] == list(range(300))
            assert [(await ann.pm())["message"] for _ in range(300)] == [-number for number in range(300)]

    asyncio.run(chat())


def test_a_message_to_oneself_comes_once(server):
    async def chat():
        async with user(server, *fresh("Eve")) as eve:
            await eve.send(eve.name, "only me")
            assert (await eve.pm())["message"] == "only me"
            await eve.nothing_came()

    asyncio.run(chat())


@pytest.mark.parametrize("message", ["\ud800", "\x00\u2028", {"a": [1, None, "\udfff"]}, "", 0])
def test_whatever_json_can_say_comes_as_it_is(server, message):
    async def chat():
        ann, ben = fresh("Ann\ud83d", "Ben\udc00")
        async with user(server, ann) as sender, user(server, ben) as receiver:
            await sender.send(ben, message)
            got = await receiver.pm()
            return got["username"] == ann, got["message"]

    assert asyncio.run(chat()) == (True, message)


def test_the_same_key_gives_the_same_id(server):
    async def chat():
        names = fresh("Ann", "Ben")
        async with user(server, names[0]) as ann, user(server, names[1]) as ben:
            await ann.send(ben.name, "one", key="k1")
            first = await ben.pm()
            await ann.send(ben.name, "one", key="k1")
            await ann.send(ben.name, "two", key="k2")
            got = await ben.pm()
            while got["message"] == "one":
                assert got["id"] == first["id"]
                got = await ben.pm()
            assert got["id"] != first["id"]

    asyncio.run(chat())


def test_a_room_is_shared_by_both_and_by_nobody_else(server):
    async def chat():
        names = fresh("Ann", "Ben", "Eve")
        async with user(server, names[0]) as ann, user(server, names[1]) as ben, user(server, names[2]) as eve:
            found = []
            for client, other in ((ann, ben), (ben, ann), (eve, ann), (eve, ben)):
                await client.ask("room", **{"with": other.name})
                found.append((await client.frames("room"))["topic"])
            assert found[0] == found[1]
            assert len(set(found)) == 3
            await ann.ask("type", **{"with": ben.name})
            await ben.frames("typing")
            await eve.nothing_came("typing")

    asyncio.run(chat())


@pytest.mark.parametrize("kind", ["stock", "app"])
def test_joining_listens_on_the_topics_of_the_own_user_alone(kind):
    async def topics_of_ann(server):
        async with user(server, "Ann") as ann, user(server, "Ben") as ben:
            await ann.send("Ben", "hello")
            await ben.pm()
            await ann.ask("topics")
            return (await ann.frames("topics"))["topics"]

    with serve(pm_apps.chat, kind=kind) as server:
        assert asyncio.run(topics_of_ann(server)) == ["pm-sent-Ann", "signal-Ann"]


def test_what_an_absent_user_missed_comes_in_order_until_it_is_acknowledged(keeping):
    async def chat():
        names = fresh("Ann", "Ben", "Eve")
        async with user(keeping, names[0]) as ann, user(keeping, names[2]) as eve:
            for number in range(3):
                await ann.send(names[1], number)
                assert (await ann.receipt())["status"] == "stored"
            async with user(keeping, names[1]) as ben:
                first = ben.waited
                assert [frame["message"] for frame in first] == [0, 1, 2]
                assert {frame["username"] for frame in first} == {names[0]}
                for client, frame in ((eve, first[0]), (ann, first[1]), (ben, first[1])):
                    await client.ask("ack", id=frame["id"])
                    assert (await client.frames("acked"))["known"]
            await ann.send(names[1], 3)
            await ann.receipt()
            async with user(keeping, names[1]) as ben:
                assert ben.waited[:2] == [first[0], first[2]]
                assert [frame["message"] for frame in ben.waited] == [0, 2, 3]

    asyncio.run(chat())


def test_a_receipt_tells_the_handler_and_the_client(keeping):
    async def chat():
        names = fresh("Ann", "Ben")
        async with user(keeping, names[0]) as ann:
            await ann.ask("stored", to=names[1], message="x")
            receipt, accepted = await ann.receipt(), await ann.frames("accepted")
            assert accepted["accepted"] == [True, True]
            assert accepted["receipt"] == f"Receipt(id={receipt['id']!r}, status='stored')"
            await ann.send(names[1], "y", key="mine")
            assert await ann.receipt() == {**(await ben_waits(keeping, names[1], 1)), "status": "stored", "key": "mine"}

    async def ben_waits(server, name, index):
        async with user(server, name) as ben:
            return {"type": "pm-receipt", "id": ben.waited[index]["id"]}

    asyncio.run(chat())


def test_a_full_inbox_refuses_or_keeps_the_newest(keeping):
    async def chat():
        names = fresh("Ann", "Ben")
        async with user(keeping, names[0]) as ann:
            for number in range(6):
                await ann.send(names[1], number)
            receipts = [await ann.receipt() for _ in range(6)]
            async with user(keeping, names[1]) as ben:
                return [receipt["status"] for receipt in receipts], [frame["message"] for frame in ben.waited]

    statuses, waited = asyncio.run(chat())
    if keeping.kind == "memory":
        assert (statuses, waited) == (["stored"] * 6, [1, 2, 3, 4, 5])
    else:
        assert (statuses, waited) == (["stored"] * 5 + ["refused"], [0, 1, 2, 3, 4])


def test_nothing_can_be_acknowledged_that_is_no_id(keeping):
    async def chat():
        async with user(keeping, *fresh("Ann")) as ann:
            for given in ("", "x" * 32, "0" * 33, 5, None, ["0" * 32]):
                await ann.ask("ack", id=given)
                assert not (await ann.frames("acked"))["known"]

    asyncio.run(chat())


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def workers(request, tmp_path_factory):
    """Serve two processes that share nothing but the inbox."""
    folder = tmp_path_factory.mktemp("pm")
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{folder}/pm.db"
        if request.param == "redis":
            url = stack.enter_context(engines.valkey()).url
        yield [stack.enter_context(serve(pm_apps.chat, inbox=url)) for _ in range(2)]


def test_both_may_sit_on_any_worker(workers):
    async def chat():
        names = fresh("Ann", "Ben")
        async with (
            user(workers[0], names[0]) as ann,
            user(workers[1], names[0]) as ann_too,
            user(workers[0], names[1]) as ben,
            user(workers[1], names[1]) as ben_too,
        ):
            for number in range(100):
                await ann.send(names[1], number)
            for tab in (ben, ben_too, ann_too):
                assert [(await tab.pm())["message"] for _ in range(100)] == list(range(100))
            await ann.nothing_came()

    asyncio.run(chat())


def test_a_message_that_one_tab_acknowledges_reaches_the_other_tab_too(workers):
    async def chat():
        names = fresh("Ann", "Ben")
        async with (
            user(workers[0], names[0]) as ann,
            user(workers[0], names[1]) as ben,
            user(workers[1], names[1]) as ben_too,
        ):
            for number in range(50):
                await ann.send(names[1], number)
                await ben.ask("ack", id=(await ben.pm())["id"])
            assert [(await ben_too.pm())["message"] for _ in range(50)] == list(range(50))
            await ben.send(names[0], "what was acknowledged before is written before")
            await ben.receipt()
        async with user(workers[1], names[1]) as ben:
            assert ben.waited == []

    asyncio.run(chat())


def test_a_client_that_reads_slowly_loses_nothing(workers):
    async def chat():
        names = fresh("Ann", "Ben")
        async with user(workers[0], names[0]) as ann, user(workers[1], names[1]) as ben:
            for number in range(300):
                await ann.send(names[1], f"{number}:" + "x" * 10_000)
            for _ in range(300):
                assert (await ann.receipt())["status"] == "stored"
            got = [await ben.pm() for _ in range(300)]
            assert [int(frame["message"].partition(":")[0]) for frame in got] == list(range(300))

    asyncio.run(chat())


@pytest.mark.parametrize("inbox", [{}, {"inbox": "memory://"}])
@pytest.mark.parametrize("engine", [engines.valkey, engines.nats])
def test_without_a_shared_inbox_a_backplane_takes_messages_to_other_workers(engine, inbox):
    async def chat(first, second):
        names = fresh("Ann", "Ben")
        async with (
            user(first, names[0]) as ann,
            user(second, names[0]) as ann_too,
            user(first, names[1]) as ben,
            user(second, names[1]) as ben_too,
        ):
            for number in range(50):
                await ann.send(names[1], number)
            for tab in (ben, ben_too, ann_too):
                assert [(await tab.pm())["message"] for _ in range(50)] == list(range(50))
            await ann.nothing_came()
            await ben_too.send(names[0], "back")
            for tab in (ann, ann_too):
                assert (await tab.pm())["message"] == "back"

    with (
        engine() as running,
        serve(pm_apps.chat, backplane=running.url, **inbox) as first,
        serve(pm_apps.chat, backplane=running.url, **inbox) as second,
    ):
        asyncio.run(chat(first, second))


# -- the send policy


@pytest.fixture(scope="module", params=["stock", "app"])
def strict(request):
    with serve(pm_apps.chat, kind=request.param, allow="friends", max_size=20, rate="20/hour") as serving:
        yield serving
        assert "ERROR" not in serving.log


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"to": "Stranger", "message": "hi"}, "allow"),
        ({"to": "Ben", "message": "x" * 19}, "size"),
        ({"to": "Ben", "message": "ä" * 10}, "size"),
        ({"to": "Ben", "message": float("nan")}, "message"),
        ({"to": "Ben", "message": [float("inf")]}, "message"),
        ({"to": "", "message": "hi"}, "name"),
        ({"to": "x" * 257, "message": "hi"}, "name"),
        ({"to": None, "message": "hi"}, "name"),
        ({"to": "Ben", "message": "hi", "key": ""}, "key"),
        ({"to": "Ben", "message": "hi", "key": 5}, "key"),
        ({"to": "Ben", "message": "hi", "key": "k" * 129}, "key"),
    ],
)
def test_a_message_that_may_not_go_is_refused_with_the_reason(strict, asked, reason):
    async def chat():
        async with user(strict, *fresh("Ann")) as ann, user(strict, "Ben") as ben:
            await ann.send(**asked)
            receipt = await ann.receipt()
            await ben.nothing_came()
            return receipt

    key = {"key": asked["key"]} if isinstance(asked.get("key"), str) else {}
    assert asyncio.run(chat()) == {"type": "pm-receipt", "id": None, "status": "refused", "reason": reason, **key}


def test_a_sender_who_writes_too_often_is_refused_and_others_are_not(strict):
    async def chat():
        names = fresh("Ann", "Eve")
        async with user(strict, names[0]) as ann, user(strict, names[1]) as eve, user(strict, "Ben") as ben:
            for number in range(21):
                await ann.send("Ben", number)
            assert (await ann.receipt())["reason"] == "rate"
            await eve.send("Ben", "mine")
            assert [(await ben.pm())["message"] for _ in range(21)] == [*range(20), "mine"]

    asyncio.run(chat())


def test_an_asynchronous_allow_is_an_error():
    with pytest.raises(OptionsError, match="no async def"):
        socketify_ext.load("pm", allow=pm_apps.later)
    with pytest.raises(TypeError, match="awaitable"):
        SendPolicy(pm_apps.ALLOW["lazy"], 10, "1/second").rejection("Ann", "Ben", '"x"', None)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"inbox": "postgres://x"}, "sqlite://"),
        ({"inbox": "sqlite:///"}, "write it as sqlite:///folder/file.db"),
        ({"inbox": "sqlite:///:memory:"}, "sqlite"),
        ({"prefix": ""}, "prefix"),
        ({"inbox_bytes": 0}, "inbox_bytes"),
        ({"rate": None}, "rate"),
        ({"rate": "often"}, "10/second"),
        ({"rate": ""}, "10/second"),
        ({"max_size": 0}, "max_size"),
    ],
)
def test_a_wrong_option_says_what_to_give(option, text):
    with pytest.raises(OptionsError, match=text):
        socketify_ext.load("pm", **option)


def test_a_shared_inbox_on_a_stock_app_says_to_install(tmp_path):
    with pytest.raises(InstallError, match="install"):
        socketify.App().register(socketify_ext.load("pm", inbox=f"sqlite:///{tmp_path}/pm.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r"socketify-ext\[redis\]"):
        socketify_ext.App().register(socketify_ext.load("pm", inbox="redis://127.0.0.1"))


def test_the_engines_password_is_not_in_the_options_text():
    assert "s3cret" not in repr(socketify_ext.load("pm", inbox="redis://:s3cret@127.0.0.1").validated_options())


# -- the page


def test_the_pages_example_does_what_it_says(tmp_path):
    async def chat(server):
        url = f"{server.ws_url}/chat?name="
        async with websockets.connect(f"{url}Ann") as ann:
            await ann.send(json.dumps({"type": "send", "to": "Ben", "message": "hello", "key": "k"}))
            receipt = json.loads(await asyncio.wait_for(ann.recv(), 10))
            async with websockets.connect(f"{url}Ben") as ben:
                frame = json.loads(await asyncio.wait_for(ben.recv(), 10))
                await ben.send(json.dumps({"type": "ack", "id": frame["id"]}))
                await ben.send(json.dumps({"type": "send", "to": "Ben", "message": "last", "key": "k"}))
                while json.loads(await asyncio.wait_for(ben.recv(), 10))["type"] != "pm-receipt":
                    pass
            async with websockets.connect(f"{url}Ben") as ben:
                left = json.loads(await asyncio.wait_for(ben.recv(), 10))
        return receipt, frame, left["message"]

    with serve(pm_apps.page_example, inbox=f"sqlite:///{tmp_path}/pm.db") as server:
        receipt, frame, left = asyncio.run(chat(server))
    assert receipt == {"type": "pm-receipt", "id": frame["id"], "status": "stored", "key": "k"}
    assert frame == {"type": "pm", "id": frame["id"], "username": "Ann", "message": "hello", "at": frame["at"]}
    assert left == "last"


def test_the_page_names_every_option():
    table = pm_apps.PAGE.read_text().partition("## Options")[2].partition("\n\n| inbox")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert named == list(Options.model_fields)


def test_the_page_names_every_reason():
    text = pm_apps.PAGE.read_text().partition("`reason` is")[2].partition("\n\n")[0]
    assert sorted(re.findall('"(\\w+)"', text)) == sorted(get_args(Reason))


# -- names and ids

names = st.text(st.characters(), min_size=1)


@given(names, names, names, names)
def test_no_name_reaches_another_pairs_topic(a, b, c, d):
    same_pair = sorted((a, b)) == sorted((c, d))
    assert (topics.room_topic(a, b) == topics.room_topic(c, d)) == same_pair
    assert topics.side_topic(topics.room_topic(a, b), c) != topics.room_topic(c, d)


@given(names, names, names)
def test_no_name_reaches_a_topic_of_another_kind_or_user(a, b, c):
    one_user = [topics.signal_topic(a), topics.sent_topic(a)]
    pairs = [topics.room_topic(b, c), topics.side_topic(topics.room_topic(b, c), b)]
    assert len({*one_user, *pairs}) == 4
    if a != b:
        assert topics.signal_topic(a) != topics.signal_topic(b)
        assert topics.sent_topic(a) != topics.sent_topic(b)
    for topic in (*one_user, *pairs):
        topic.encode("ascii")


@given(names, names, names, names, names, names)
def test_no_sender_can_make_anothers_id(a, b, key, c, d, other_key):
    same = (a, b, key) == (c, d, other_key)
    assert (message_id(a, b, key) == message_id(c, d, other_key)) == same


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(names, names, values)
def test_a_frame_holds_what_was_said_and_nothing_else(sender, to, value):
    message = Message.make(sender, to, as_json(value))
    received = {"type": "pm", "id": message.id, "username": sender, "message": value, "at": message.at}
    assert json.loads(message.received.encode()) == received
    assert json.loads(message.sent.encode()) == {**received, "to": to, "sent": True}


def test_a_message_may_hold_what_other_answers_may():
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    written = {"at": moment, "on": moment.date(), "price": Decimal("9.90"), "tags": {"a"}}
    assert json.loads(as_json(written)) == {
        "at": "2026-01-02T03:04:05+00:00",
        "on": "2026-01-02",
        "price": "9.90",
        "tags": ["a"],
    }


@pytest.mark.parametrize("value", [float("nan"), object(), {1: b"x"}])
def test_what_json_can_not_carry_is_an_error(value):
    with pytest.raises((TypeError, ValueError)):
        as_json(value)


@pytest.mark.parametrize("user_data", [None, {}, {"username": ""}, {"username": 5}, {"username": "x" * 257}, object()])
def test_a_socket_without_a_username_says_how_to_give_one(user_data):
    with pytest.raises(LookupError, match="user_data="):
        username_of(user_data)


def test_a_receipt_without_an_inbox_says_so():
    async def wait():
        return await Receipt("id", None, "sent").stored

    assert asyncio.run(wait()) is False


def test_the_memory_inbox_forgets_users_who_have_acknowledged_all():
    inbox = MemoryInbox(10, 1_000_000, 60)
    message = Message.make("Ann", "Ben", "1")
    inbox.put(message)
    inbox.ack("Eve", message.id)
    inbox.ack("Ben", "other")
    assert list(inbox.unread("Ben")) == [message.received]
    inbox.ack("Ben", message.id)
    assert (inbox._all, inbox._to, inbox._from, inbox._bytes) == ({}, {}, {}, 0)


def test_who_writes_to_many_names_in_memory_loses_their_own_messages_first():
    inbox = MemoryInbox(1000, 800_000, 60)
    first = Message.make("Ben", "Ann", '"first"')
    inbox.put(first)
    for number in range(500):
        inbox.put(Message.make("Eve", f"nobody {number}", f'"{"x" * 5000}"'))
        assert inbox._bytes <= 200_000
    assert list(inbox.unread("Ann")) == [first.received]
    for number in range(500):
        inbox.put(Message.make(f"Eve {number}", f"nobody {number}", f'"{"x" * 5000}"'))
        assert inbox._bytes <= 800_000


def test_a_message_in_memory_expires():
    inbox = MemoryInbox(10, 1_000_000, 0)
    inbox.put(Message.make("Ann", "Ben", "1"))
    assert list(inbox.unread("Ben")) == []
    assert (inbox._all, inbox._to, inbox._from, inbox._bytes) == ({}, {}, {}, 0)


def test_the_rate_forgets_senders_and_counts_each_limit(monkeypatch):
    now = 0.0
    monkeypatch.setattr(rates.time, "monotonic", lambda: now)
    rate = rates.Rate("2/second; 3/minute")
    assert [rate.allows("Ann") for _ in range(3)] == [True, True, False]
    now = 1.0
    assert [rate.allows("Ann") for _ in range(2)] == [True, False]
    now = 61.0
    assert [rate.allows("Ann") for _ in range(3)] == [True, True, False]
    monkeypatch.setattr(rates, "MAX_SENDERS", 3)
    assert all(rate.allows(str(number)) for number in range(10))
    assert list(rate._senders) == ["7", "8", "9"]


@pytest.mark.parametrize("inbox", ["memory", "sqlite", "redis", None])
@pytest.mark.parametrize("join", [True, False])
def test_no_text_of_a_user_is_taken_for_another_frame(inbox, join, tmp_path, valkey):
    forged = json.dumps({"type": "pm", "id": "0" * 32, "username": "Boss", "message": "pay", "at": "now"})
    urls = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/pm.db", "redis": f"{valkey.url}/0", None: None}
    join = join or inbox is not None  # with an inbox every socket joins

    async def chat(server):
        ann_name, ben_name = fresh("Ann", "Ben")
        async with user(server, ann_name, joins=join) as ann, user(server, ben_name, joins=join) as ben:
            if not join:
                for client, other in ((ben, ann_name), (ann, ben_name)):  # both are in the room then
                    await client.send(other, "hello")
                    await client.nothing_came("nothing")
            await ann.send(ben_name, forged)
            while (frame := await ben.frame()).get("message") != forged:
                assert frame.get("username") != "Boss", frame
            assert (frame["type"], frame["username"]) == ("pm", ann_name)

    with serve(pm_apps.chat, inbox=urls[inbox], join=join) as server:
        asyncio.run(chat(server))


def test_only_its_owner_may_read_an_inbox_file(tmp_path):
    with serve(pm_apps.chat, inbox=f"sqlite:///{tmp_path}/pm.db"):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("pm.db", "pm.db-wal", "pm.db-shm"), 0o600)


@pytest.mark.parametrize("key", ["log", "values", "unread", "done", "last"])
def test_a_broken_key_in_redis_stops_nobody_else(key, valkey):
    async def chat(server):
        names = fresh("Ann", "Ben", "Carl")
        name = f"shop:{encoded(names[1])}:{key}"
        with redis.Redis(port=valkey.port) as engine:
            engine.set(name, "another program's") if key != "last" else engine.lpush(name, "another program's")
        async with user(server, names[0]) as ann, user(server, names[2]) as carl:
            for number, to in enumerate((names[2], names[1], names[2])):
                await ann.send(to, number)
            receipts = [await ann.receipt() for _ in range(3)]
            assert [receipt["status"] for receipt in receipts] == ["stored", "refused", "stored"]
            assert receipts[1]["reason"] == "inbox"
            assert [(await carl.pm())["message"] for _ in range(2)] == [0, 2]
            async with user(server, names[1]) as ben:  # whose own socket opens all the same
                await ben.nothing_came()

    with serve(pm_apps.chat, inbox=f"{valkey.url}/0", prefix="shop") as server:
        asyncio.run(chat(server))
        assert server.log.count("aside") == 1


def test_what_a_clock_set_back_leaves_in_sqlite_stops_nobody(tmp_path):
    async def chat(server):
        names = fresh("Ann", "Ben", "Carl")
        async with user(server, names[0]) as ann, user(server, names[2]) as carl:
            await ann.send(names[1], "x", key="k")
            await ann.receipt()
            with contextlib.closing(sqlite3.connect(tmp_path / "pm.db")) as file, file:
                file.execute("DELETE FROM pm WHERE username = ?", (encoded(names[1]),))
            await ann.send(names[1], "x", key="k")
            assert (await ann.receipt())["status"] == "stored"
            await ann.send(names[2], "after")
            assert (await carl.pm())["message"] == "after"

    with serve(pm_apps.chat, inbox=f"sqlite:///{tmp_path}/pm.db") as server:
        asyncio.run(chat(server))


def test_a_message_that_sqlite_refuses_is_set_aside_and_the_others_are_kept(tmp_path):
    async def chat(server):
        names = fresh("Ann", "Ben", "Carl")
        with contextlib.closing(sqlite3.connect(tmp_path / "pm.db")) as file, file:
            refuse = f"BEFORE INSERT ON pm WHEN new.username = '{encoded(names[1])}'"
            file.execute(f"CREATE TRIGGER no {refuse} BEGIN SELECT RAISE(ABORT, 'no'); END")
        async with user(server, names[0]) as ann:
            for number, to in enumerate((names[2], names[1], names[2])):
                await ann.send(to, number)
            assert [(await ann.receipt()).get("reason") for _ in range(3)] == [None, "inbox", None]
            async with user(server, names[2]) as carl:
                assert [frame["message"] for frame in carl.waited] == [0, 2]

    with serve(pm_apps.chat, inbox=f"sqlite:///{tmp_path}/pm.db") as server:
        asyncio.run(chat(server))
        assert server.log.count("aside") == 1


def test_an_inbox_file_that_can_not_be_opened_stops_the_start(tmp_path):
    app = socketify_ext.App()
    app.register(socketify_ext.load("pm", inbox=f"sqlite:///{tmp_path}/missing/pm.db"))
    with pytest.raises(socketify_ext.errors.LifecycleError, match="'pm'") as raised:
        app.listen({"port": 0, "host": "127.0.0.1"}, print)
    assert isinstance(raised.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize("kind", ["app", "install"])
@pytest.mark.parametrize("inbox", ["memory://", "sqlite:///{folder}/pm.db"])
def test_with_an_inbox_a_socket_joins_by_itself(kind, inbox, tmp_path):
    async def chat(serving):
        ann, ben = fresh("Ann", "Ben")
        async with user(serving, ann) as tab:
            await tab.send(ben, "while away")
            name = {"name": json.dumps(ben)}
            async with websockets.connect(f"{serving.ws_url}/chat", additional_headers=name) as other:
                await tab.send(ben, "there")
                frames = [json.loads(await asyncio.wait_for(other.recv(), 10)) for _ in range(3)]
                said = [frame["message"] for frame in frames if frame["type"] == "pm"]
                assert said == ["while away", "there"]

    url = inbox.format(folder=tmp_path)
    with serve(pm_apps.chat, kind=kind, inbox=url, join="by itself") as serving:
        asyncio.run(chat(serving))
        assert "ERROR" not in serving.log
