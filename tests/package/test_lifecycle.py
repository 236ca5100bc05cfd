from __future__ import annotations

import asyncio
import contextlib
import logging
import time

import pytest
import virtual_clock

import socketify_ext
from socketify_ext.errors import LifecycleError
from socketify_ext.lifecycle import Lifecycle, LifecycleEntry
from socketify_ext.testing import serve


@pytest.fixture
def seen():
    return []


def entry(seen, name, *, asynchronous=False, failing=""):
    def step(what):
        def call():
            seen.append(f"{name} {what}")
            if failing == what:
                raise RuntimeError(f"{name} can't {what}")

        async def call_async():
            await asyncio.sleep(0)
            call()

        return call_async if asynchronous else call

    return LifecycleEntry(f"extension {name!r}", [step("start")], [step("stop")])


async def cycle(lifecycle, *entries):
    await lifecycle.start(entries)
    await lifecycle.stop()


@pytest.mark.parametrize("asynchronous", [False, True])
def test_entries_start_in_order_and_stop_in_reverse(seen, asynchronous):
    lifecycle = Lifecycle(5)
    entries = [entry(seen, name, asynchronous=asynchronous) for name in "abc"]
    asyncio.run(cycle(lifecycle, *entries))
    assert seen == ["a start", "b start", "c start", "c stop", "b stop", "a stop"]


def test_the_functions_of_one_entry_stop_in_reverse_too(seen):
    steps = [lambda number=number: seen.append(number) for number in (1, 2)]
    asyncio.run(cycle(Lifecycle(5), LifecycleEntry("the app", steps, steps)))
    assert seen == [1, 2, 2, 1]


def test_the_state_tells_how_far_it_is(seen):
    async def run():
        lifecycle = Lifecycle(5)
        states = [lifecycle.state]
        await lifecycle.start([LifecycleEntry("the app", [], [lambda: states.append(lifecycle.state)])])
        states.append(lifecycle.state)
        await lifecycle.stop()
        return [*states, lifecycle.state]

    assert asyncio.run(run()) == ["new", "started", "stopping", "stopped"]


def test_stopping_again_does_nothing(seen):
    async def run():
        lifecycle = Lifecycle(5)
        await cycle(lifecycle, entry(seen, "a"))
        await lifecycle.stop()

    asyncio.run(run())
    assert seen == ["a start", "a stop"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_failed_start_stops_what_had_started_and_names_who_failed(seen, asynchronous):
    entries = [entry(seen, "a"), entry(seen, "b", asynchronous=asynchronous, failing="start"), entry(seen, "c")]
    lifecycle = Lifecycle(5)
    with pytest.raises(LifecycleError, match=r"extension 'b' failed to start in .*: RuntimeError: b can't") as caught:
        asyncio.run(lifecycle.start(entries))
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert seen == ["a start", "b start", "a stop"]


def test_a_failed_start_can_be_tried_again(seen):
    failures = [RuntimeError("not yet")]

    def start():
        if failures:
            raise failures.pop()

    async def run():
        lifecycle = Lifecycle(5)
        entries = [entry(seen, "a"), LifecycleEntry("b", [start], [])]
        with pytest.raises(LifecycleError):
            await lifecycle.start(entries)
        assert lifecycle.state == "new"
        await lifecycle.start(entries)
        assert lifecycle.state == "started"
        await lifecycle.stop()

    asyncio.run(run())
    assert seen == ["a start", "a stop", "a start", "a stop"]


def test_an_interrupted_start_stops_what_had_started(seen):
    def interrupt():
        raise asyncio.CancelledError

    lifecycle = Lifecycle(5)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(lifecycle.start([entry(seen, "a"), LifecycleEntry("b", [interrupt], [])]))
    assert seen == ["a start", "a stop"]


def test_a_failed_stop_is_logged_and_the_others_still_stop(seen, caplog):
    asyncio.run(cycle(Lifecycle(5), entry(seen, "a"), entry(seen, "b", failing="stop"), entry(seen, "c")))
    assert seen[3:] == ["c stop", "b stop", "a stop"]
    (record,) = caplog.records
    assert record.getMessage().startswith("extension 'b': shutdown function ")
    assert record.exc_info[0] is RuntimeError


def test_a_stop_that_is_cancelled_by_itself_does_not_stop_the_others_from_stopping(seen, caplog):
    async def cancelled():
        raise asyncio.CancelledError

    asyncio.run(cycle(Lifecycle(5), entry(seen, "a"), LifecycleEntry("b", [], [cancelled])))
    assert seen == ["a start", "a stop"]
    assert [record.getMessage()[:4] for record in caplog.records] == ["b: s"]


def test_a_stop_that_will_not_end_does_not_stop_the_others_from_stopping(seen, caplog):
    released = []

    async def stubborn():
        while not released:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("refused")

    async def run():
        await cycle(Lifecycle(0.01), entry(seen, "a"), LifecycleEntry("b", [], [stubborn]))
        released.append(True)

    asyncio.run(run())
    assert seen[:3] == ["a start", "refused", "refused"]
    assert "a stop" in seen
    assert "ran out of time" in caplog.records[0].getMessage()


def test_a_stop_that_runs_out_of_time_is_cancelled_and_logged(seen, caplog):
    async def forever():
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    asyncio.run(cycle(Lifecycle(0.01), entry(seen, "a"), LifecycleEntry("extension 'slow'", [], [forever])))
    assert seen == ["a start", "cancelled", "a stop"]
    (record,) = caplog.records
    assert "extension 'slow': shutdown function" in record.getMessage()
    assert "ran out of time (0.01 s)" in record.getMessage()


def test_functions_that_ignore_their_cancellation_leave_the_others_time_within_the_limit(seen, caplog):
    async def stubborn():
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.get_running_loop().create_future()

    async def closing():
        await asyncio.sleep(0.05)
        seen.append("closed")

    async def run():
        lifecycle = Lifecycle(10)
        await lifecycle.start(
            [
                LifecycleEntry("a", [], [closing]),
                LifecycleEntry("b", [], [stubborn]),
                LifecycleEntry("c", [], [stubborn, closing]),
            ]
        )
        await lifecycle.stop()
        assert asyncio.get_running_loop().time() <= 10
        assert (lifecycle.state, lifecycle.stopping) == ("stopped", None)

    virtual_clock.run(run())
    assert seen == ["closed", "closed"]
    told = [record.getMessage() for record in caplog.records if record.name == "socketify_ext"]
    assert [(text[0], "ignores its cancellation" in text) for text in told] == [
        ("c", False),
        ("c", True),
        ("b", False),
        ("b", True),
    ]


def test_it_says_whose_shutdown_runs():
    lifecycle, found = Lifecycle(1), []

    def ending():
        found.append(lifecycle.stopping)

    asyncio.run(cycle(lifecycle, LifecycleEntry("extension 'x'", [], [ending])))
    assert found[0].startswith("extension 'x': ")
    assert found[0].endswith("ending")


def hanging():
    app = socketify_ext.App(shutdown_timeout=60)

    @app.on_shutdown
    async def never_ending():
        logging.getLogger("app").error("it hangs now")
        await asyncio.Event().wait()

    app.get("/", lambda res, req: res.end("ok"))
    return app


def test_a_second_signal_ends_the_process_and_names_what_hung():
    with serve(hanging) as server:
        server.process.terminate()
        while "it hangs now" not in server.log:
            assert server.process.poll() is None
            time.sleep(0.01)
        server.process.terminate()
        server.process.wait(30)
        assert (
            "a second signal: the process ends without waiting for the app: hanging.<locals>.never_ending" in server.log
        )
        assert "ran out of time" not in server.log
