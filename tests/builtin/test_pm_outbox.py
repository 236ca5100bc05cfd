"""What is on its way into the inbox while that is away."""

import asyncio
import logging

import pytest

from socketify_ext.builtin.pm import outbox as outboxes
from socketify_ext.builtin.pm.inbox.shared import Ack, Post
from socketify_ext.builtin.pm.message import Message
from socketify_ext.builtin.pm.outbox import Outbox


class Inbox:
    """An engine that is away for some tries; the first of them has written all the same."""

    def __init__(self, away):
        self.away = away
        self.tries = 0
        self.written = []

    async def write(self, entries):
        self.tries += 1
        if self.tries in (1, self.away + 1) or self.away == 0:
            self.written.append(list(entries))
        if self.tries <= self.away:
            raise ConnectionError("away")
        return ["stored"] * len(entries)


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(outboxes, "PAUSE", (0.001, 0.001))


def posts(count):
    return [Post(Message.make("Ann", "Ben", str(number)), "") for number in range(count)]


def test_entries_are_written_again_in_order_until_the_inbox_is_back(caplog):
    async def run():
        inbox = Inbox(away=3)
        outbox = Outbox(inbox, 1_000_000)
        entries = [*posts(3), Ack("Ben", "0" * 32)]
        done = []
        for entry in entries:
            assert outbox.put(entry, done.append)
        await outbox.close(10)
        assert inbox.written == [entries, entries]
        assert done == ["stored"] * 4

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "ConnectionError: away" in caplog.text
    assert "that is over" in caplog.text


def test_a_full_outbox_takes_nothing_more_and_says_what_was_lost(monkeypatch, caplog):
    async def run():
        monkeypatch.setattr(outboxes, "MAX_WAITING", 2)
        monkeypatch.setattr(outboxes, "SHARE", 1)
        outbox = Outbox(Inbox(away=1_000_000), 1_000_000)
        done = []
        assert [outbox.put(entry, done.append) for entry in posts(3)] == [True, True, False]
        await outbox.close(0.01)
        assert done == []

    asyncio.run(run())
    assert "2 entries did not reach the inbox" in caplog.text


def test_large_batches_are_split_and_stay_in_order(monkeypatch):
    async def run():
        monkeypatch.setattr(outboxes, "BATCH", 2)
        inbox = Inbox(away=0)
        outbox = Outbox(inbox, 1_000_000)
        entries = posts(5)
        for entry in entries:
            outbox.put(entry)
        await outbox.close(10)
        assert [len(batch) for batch in inbox.written] == [2, 2, 1]
        assert [entry for batch in inbox.written for entry in batch] == entries

    asyncio.run(run())


def test_an_entry_that_can_not_be_written_is_set_aside_and_the_others_are_written(caplog):
    class Choosy(Inbox):
        async def write(self, entries):
            if any(entry.message.body == "1" for entry in entries):
                raise UnicodeEncodeError("utf-8", "x", 0, 1, "no")
            return await super().write(entries)

    async def run():
        outbox = Outbox(Choosy(away=0), 1_000_000)
        done = []

        def first(outcome):
            done.append(outcome)
            raise RuntimeError("a client that can't be told")

        for entry, call in zip(posts(3), (first, done.append, done.append), strict=True):
            outbox.put(entry, call)
        await outbox.close(10)
        assert done == ["stored", "inbox", "stored"]
        assert (outbox._bytes, outbox._counts) == (0, {})

    asyncio.run(run())
    assert caplog.text.count("set a message aside") == 1


def test_while_the_engine_is_away_one_sender_takes_a_part_of_the_room_alone(monkeypatch):
    async def run():
        monkeypatch.setattr(outboxes, "MAX_WAITING", 80)
        outbox = Outbox(Inbox(away=1_000_000), 50_000)
        assert [outbox.put(entry) for entry in posts(20)].count(True) == 10
        assert outbox.put(Post(Message.make("Eve", "Ben", "1"), ""))
        assert not outbox.put(Post(Message.make("Carl", "Ben", f'"{"x" * 50_000}"'), ""))
        await outbox.close(0.01)

    asyncio.run(run())
