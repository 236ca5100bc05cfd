# ruff: noqa: SLF001 - whether the table agrees with itself shows nowhere else
from __future__ import annotations

import asyncio

import limits
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from socketify_ext_ratelimit import Options
from socketify_ext_ratelimit.memory import MemoryCounts
from socketify_ext_ratelimit.store import Store

STRATEGIES = ("fixed-window", "moving-window", "sliding-window-counter")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def counts(amount=3, period=60, strategy="fixed-window", max_entries=100):
    clock = Clock()
    return MemoryCounts(amount, period, strategy, max_entries, clock), clock


def key(number):
    return b"%d" % number


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_so_many_are_allowed_and_no_more_until_the_window_is_over(strategy):
    counted, clock = counts(strategy=strategy)
    assert [counted.hit(b"a")[:2] for _ in range(4)] == [(True, 2), (True, 1), (True, 0), (False, 0)]
    assert 0 < counted.hit(b"a").reset <= 60
    assert counted.hit(b"b").is_allowed
    clock.now += 59.9
    assert counted.hit(b"a")[:2] == (False, 0)
    clock.now += 60.2
    assert counted.hit(b"a").is_allowed


def test_the_moving_window_is_exact():
    counted, clock = counts(amount=2, strategy="moving-window")
    assert counted.hit(b"a").is_allowed
    clock.now += 40
    assert counted.hit(b"a").is_allowed
    assert counted.hit(b"a") == (False, 0, 20)
    clock.now += 20
    assert counted.hit(b"a") == (True, 0, 40)
    assert not counted.hit(b"a").is_allowed


def test_the_sliding_window_counts_a_part_of_the_window_before():
    counted, clock = counts(amount=10, strategy="sliding-window-counter")
    assert all(counted.hit(b"a").is_allowed for _ in range(10))
    refused = counted.hit(b"a")
    assert (refused.is_allowed, refused.reset) == (False, 60)
    clock.now += 60 + 29  # 5.17 of those before still count
    assert [counted.hit(b"a").is_allowed for _ in range(5)] == [True] * 4 + [False]
    clock.now += counted.hit(b"a").reset
    assert counted.hit(b"a").is_allowed


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_200_000_clients_take_no_more_room_than_is_allowed(strategy):
    counted, _ = counts(strategy=strategy, max_entries=1000)
    for number in range(200_000):
        assert counted.hit(key(number)).is_allowed
    assert counted.size == 1000
    assert len(counted._counts) == sum(map(len, counted._grades)) == 1000


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_flood_of_new_clients_does_not_reset_who_has_asked_more(strategy):
    counted, _ = counts(strategy=strategy, max_entries=1000)
    while counted.hit(b"a").is_allowed:
        pass
    for number in range(10_000):
        counted.hit(key(number))
    assert not counted.hit(b"a").is_allowed


def test_a_count_whose_window_is_over_goes_first_whatever_it_holds():
    counted, clock = counts(max_entries=10)
    for _ in range(9):
        counted.hit(b"old")
    clock.now += 30
    for number in range(9):
        counted.hit(key(number))
    clock.now += 31
    counted.hit(b"new")
    assert b"old" not in counted._counts
    assert len(counted._counts) == 10


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_counts_that_are_over_leave_while_others_come(strategy):
    counted, clock = counts(strategy=strategy, max_entries=10_000)
    for number in range(5000):
        counted.hit(key(number))
    clock.now += 121
    for number in range(2500):
        counted.hit(key(number % 5))
    assert counted.size <= 5 * 3


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_client_that_fills_the_table_by_itself_stays_counted(strategy):
    counted, _ = counts(amount=10, strategy=strategy, max_entries=10)
    assert [counted.hit(b"a").is_allowed for _ in range(20)] == [True] * 10 + [False] * 10
    assert counted.hit(b"b").is_allowed
    assert counted.size <= 10


steps = st.lists(st.tuples(st.integers(0, 12), st.sampled_from((0.0, 0.5, 7.0, 61.0, 500.0))), max_size=200)


@settings(max_examples=200, deadline=None)
@given(steps, st.sampled_from(STRATEGIES), st.integers(4, 12))
def test_whatever_happens_the_table_agrees_with_itself(asked, strategy, room):
    counted, clock = counts(amount=4, strategy=strategy, max_entries=room)
    for number, pause in asked:
        clock.now += pause
        standing = counted.hit(key(number))
        assert 0 <= standing.remaining < 4
        assert 1 <= standing.reset <= 60
        held = counted._counts
        assert counted.size == sum(1 if each.times is None else len(each.times) for each in held.values()) <= room
        assert {name: each.grade for name, each in held.items()} == {
            name: grade for grade, names in enumerate(counted._grades) for name in names
        }


def test_the_store_keeps_one_table_for_each_limit_and_runs_no_timer():
    store = Store(Options(limits={"/": "2/hour"}, max_entries=3))
    item = limits.parse("2/hour")

    async def ask():
        found = await asyncio.gather(*(store.hit(item, "/", ("address", "a")) for _ in range(5)))
        assert sum(each.is_allowed for each in found) == 2
        assert (await store.hit(item, "/x", ("address", "a"))).is_allowed
        return asyncio.all_tasks() - {asyncio.current_task()}, asyncio.get_running_loop()._scheduled

    assert asyncio.run(ask()) == (set(), [])
    assert len(store._counts) == 2
