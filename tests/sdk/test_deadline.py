"""Deadlines: no cancellation is lost, at any moment, whatever the awaited work does with its own."""

import asyncio

import pytest
import virtual_clock

from socketify_ext.sdk.deadline import AGAIN, ATTEMPTS, end, within


async def forever():
    await asyncio.get_running_loop().create_future()


class Stubborn:
    """Work that ignores its first cancellations."""

    def __init__(self, ignored):
        self.left = ignored

    async def run(self):
        while True:
            try:
                return await forever()
            except asyncio.CancelledError:
                if not self.left:
                    raise
                self.left -= 1


def test_a_result_and_an_error_arrive():
    async def failing():
        raise LookupError("x")

    async def scenario():
        assert await within(asyncio.sleep(1, "result"), 2) == "result"
        assert await within(asyncio.sleep(1, "result"), None) == "result"
        with pytest.raises(LookupError):
            await within(failing(), 2)

    virtual_clock.run(scenario())


@pytest.mark.parametrize("timeout", [0, 0.5, 3])
def test_what_is_late_is_cancelled(timeout):
    async def scenario():
        work = asyncio.ensure_future(forever())
        with pytest.raises(asyncio.TimeoutError):
            await within(work, timeout)
        assert work.cancelled()
        assert asyncio.get_running_loop().time() == pytest.approx(timeout)

    virtual_clock.run(scenario())


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("turns", range(6))
def test_a_cancellation_at_the_moment_of_the_result_is_not_lost(fails, turns):
    async def scenario():
        answer = asyncio.get_running_loop().create_future()

        async def caller():
            await within(asyncio.shield(answer), 5)
            await forever()

        task = asyncio.ensure_future(caller())
        await asyncio.sleep(0.1)
        answer.set_exception(LookupError("x")) if fails else answer.set_result(None)
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled() or (fails and turns and isinstance(task.exception(), LookupError))

    virtual_clock.run(scenario())


@pytest.mark.parametrize("ignored", range(ATTEMPTS))
def test_a_cancellation_that_the_work_ignores_still_ends_the_caller(ignored):
    async def scenario():
        work = asyncio.ensure_future(Stubborn(ignored).run())
        task = asyncio.ensure_future(within(work, None))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert work.cancelled()
        assert asyncio.get_running_loop().time() == pytest.approx(AGAIN * ignored)

    virtual_clock.run(scenario())


def test_work_that_never_ends_is_left_alone_and_named():
    async def scenario():
        never, other = asyncio.ensure_future(Stubborn(1000).run()), asyncio.ensure_future(forever())
        await asyncio.sleep(0)
        assert await end(never, other) == {never}
        assert other.cancelled()
        with pytest.raises(asyncio.TimeoutError):
            await within(Stubborn(1000).run(), 1)

    virtual_clock.run(scenario())


def test_work_that_someone_else_cancels_is_an_error_and_no_cancellation_of_the_caller():
    async def scenario():
        work = asyncio.ensure_future(forever())
        asyncio.get_running_loop().call_later(1, work.cancel)
        with pytest.raises(RuntimeError, match="cancelled from elsewhere"):
            await within(work, 5)

    virtual_clock.run(scenario())


def test_a_second_cancellation_does_not_wait_for_work_that_ignores_its_own():
    async def scenario():
        task = asyncio.ensure_future(within(Stubborn(1000).run(), None))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert asyncio.get_running_loop().time() == pytest.approx(0.01)

    virtual_clock.run(scenario())


def test_an_error_that_nobody_waits_for_any_more_is_not_logged_as_lost(caplog):
    async def failing():
        try:
            await forever()
        except asyncio.CancelledError:
            raise LookupError("x") from None

    async def scenario():
        task = asyncio.ensure_future(failing())
        await asyncio.sleep(0)
        assert await end(task) == set()

    virtual_clock.run(scenario())
    assert not caplog.records
