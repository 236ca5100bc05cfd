from __future__ import annotations

import asyncio
import logging
import threading
import time
from functools import partial

import pytest
from pydantic import ValidationError
from socketify_ext_health import Health, Options
from socketify_ext_health.lag import LagMeter

from socketify_ext.errors import ArgumentError


def run(function, **options):
    return asyncio.run(function(Health(Options(**options))))


async def passes():
    await asyncio.sleep(0)


async def is_false():
    return False


async def breaks():
    raise ConnectionError("postgresql://ann:s3cret@10.0.0.7/shop")


async def hangs():
    await asyncio.Event().wait()


def blocks_shortly():
    return threading.current_thread() is not threading.main_thread()


@pytest.mark.parametrize(
    ("checks", "status", "states"),
    [
        ({}, 200, {}),
        (
            {"a": passes, "b": blocks_shortly, "c": lambda: True, "d": partial(lambda check: check(), passes)},
            200,
            dict.fromkeys("abcd", "ok"),
        ),
        ({"a": passes, "b": is_false}, 503, {"a": "ok", "b": "failing"}),
        ({"a": breaks, "b": lambda: 1 / 0, "c": lambda: False}, 503, dict.fromkeys("abc", "failing")),
        ({"a": hangs, "b": passes}, 503, {"a": "timeout", "b": "ok"}),
    ],
)
def test_ready_means_that_every_check_passes(checks, status, states):
    async def ask(health):
        for name, function in checks.items():
            health.add_check(name, function)
        return await health.readiness()

    assert run(ask, timeout=0.2) == (status, {"status": "ok" if status == 200 else "failing", "checks": states})
    assert run(ask, timeout=0.2, details=False) == (status, {"status": "ok" if status == 200 else "failing"})


def test_what_an_error_says_goes_to_the_log_alone_and_once(caplog):
    async def ask(health):
        states = [breaks, breaks, breaks, passes, passes, is_false]

        @health.check("database")
        async def look():
            return await states.pop(0)()

        return [(await health.readiness())[1] for _ in range(6)]

    with caplog.at_level(logging.WARNING, "socketify_ext_health"):
        shown = run(ask, cache=0)
    assert "s3cret" not in str(shown)
    assert [each["status"] for each in shown] == ["failing"] * 3 + ["ok"] * 2 + ["failing"]
    assert [record.getMessage() for record in caplog.records] == [
        "the readiness check database fails: ConnectionError: postgresql://ann:s3cret@10.0.0.7/shop",
        "the readiness check database passes again",
        "the readiness check database fails: it returned False",
    ]


def test_checks_run_at_once():
    async def ask(health):
        arrived, go = [], asyncio.Event()

        async def meet():
            arrived.append(1)
            if len(arrived) == 2:
                go.set()
            await go.wait()

        health.add_check("a", meet)
        health.add_check("b", meet)
        return await health.readiness()

    assert run(ask, timeout=20)[0] == 200


def test_many_probes_run_the_checks_once_and_results_are_kept():
    async def ask(health):
        count = 0

        @health.check("a")
        async def look():
            nonlocal count
            count += 1
            await asyncio.sleep(0)

        await asyncio.gather(*(health.readiness() for _ in range(100)))
        await health.readiness()
        return count

    assert run(ask, cache=60) == 1
    assert run(ask, cache=0) == 2


def test_a_prober_that_leaves_does_not_end_the_run_of_others():
    async def ask(health):
        go = asyncio.Event()
        health.add_check("a", go.wait)
        first, second = (asyncio.ensure_future(health.readiness()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        go.set()
        return (await second)[0]

    assert run(ask, timeout=20) == 200


def test_a_check_that_hangs_is_not_begun_again():
    async def ask(health):
        begun, go = [], threading.Event()

        async def stubborn():
            begun.append("async")
            while not go.is_set():
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    continue

        def stuck():
            begun.append("thread")
            go.wait(20)

        health.add_check("a", stubborn)
        health.add_check("b", stuck)
        states = [(await health.readiness())[1]["checks"] for _ in range(3)]
        go.set()
        return sorted(begun), states

    begun, states = run(ask, timeout=0.05, cache=0)
    assert begun == ["async", "thread"]
    assert states == [{"a": "timeout", "b": "timeout"}] * 3


def test_a_check_of_its_own_patience():
    async def ask(health):
        health.add_check("slow", lambda: time.sleep(0.05), timeout=20)
        return (await health.readiness())[0]

    assert run(ask, timeout=0.001) == 200


def test_a_check_that_comes_later_counts_at_once():
    async def ask(health):
        first = (await health.readiness())[0]
        health.add_check("a", is_false)
        return first, (await health.readiness())[0]

    assert run(ask, cache=60) == (200, 503)


def test_who_closes_is_not_ready_and_asks_nobody():
    async def ask(health):
        health.add_check("a", hangs)
        health.close()
        assert health.is_closing
        return await health.readiness()

    assert run(ask, timeout=60) == (503, {"status": "closing"})


@pytest.mark.parametrize(
    ("arguments", "options", "why"),
    [
        (("a", passes), {}, "already"),
        (("b", None), {}, "NoneType can't be called"),
        (("", passes), {}, "not a name"),
        ((7, passes), {}, "not a name"),
        (("a\n", passes), {}, "not a name"),
        (("b", passes), {"timeout": 0}, "not a time"),
        (("b", passes), {"timeout": float("nan")}, "not a time"),
    ],
)
def test_a_check_that_can_not_run_is_refused(arguments, options, why):
    health = Health(Options())
    health.add_check("a", passes)
    with pytest.raises(ArgumentError, match=why):
        health.add_check(*arguments, **options)


def test_a_blocked_loop_is_behind_at_once_and_recovers():
    async def measure():
        meter = LagMeter(0.01)
        assert meter.lag == 0
        meter.start()
        time.sleep(0.3)  # noqa: ASYNC251 - it blocks the loop
        blocked = meter.lag
        while meter.lag > 0.1:  # noqa: ASYNC110 - the meter has no event
            await asyncio.sleep(0.01)
        meter.stop()
        assert meter.lag == 0
        time.sleep(0.1)  # noqa: ASYNC251 - as above
        await asyncio.sleep(0)
        assert meter.lag == 0
        return blocked

    assert asyncio.run(measure()) >= 0.28


@pytest.mark.parametrize(
    "options",
    [{"livez": "livez"}, {"readyz": "/:id"}, {"readyz": "/livez"}, {"timeout": 0}, {"cache": -1}, {"max_lag": 0},
     {"sample": 0}, {"retry_after": 0}, {"close_delay": -1}, {"path": "/"}],
)  # fmt: skip
def test_options_that_can_not_work_are_refused(options):
    with pytest.raises(ValidationError):
        Options(**options)


def test_routes_may_be_left_out():
    assert Options(livez=None, readyz=None).livez is None
