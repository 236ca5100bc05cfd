"""Deadlines that never lose a cancellation.

`asyncio.wait_for` before Python 3.12 loses the cancellation of its caller at the moment when the awaited future is done,
and waits for ever for work that ignores its own cancellation; client libraries use it too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

AGAIN: Final = 0.1
"""Seconds after which work that has not ended is cancelled again, since its first cancellation may have been lost."""

ATTEMPTS: Final = 5
"""Cancellations after which work is left alone."""


async def within(awaitable: Awaitable[Result], timeout: float | None) -> Result:
    """Return the result of an awaitable, or cancel it after `timeout` seconds.

    A cancellation of the caller always reaches the caller, and the awaitable too.

    Raises:
        asyncio.TimeoutError: there was no result in time.
        RuntimeError: someone else has cancelled the awaitable.
    """
    task = asyncio.ensure_future(awaitable)
    late = False
    try:
        done, _ = await asyncio.wait({task}, timeout=timeout)
        late = not done
    finally:
        await end(task)
    if task.done() and not task.cancelled():
        return task.result()
    if late:
        raise asyncio.TimeoutError(f"no answer for {timeout:g} s")
    raise RuntimeError("it was cancelled from elsewhere")


async def end(*tasks: asyncio.Future[Any], again: float = AGAIN) -> set[asyncio.Future[Any]]:
    """Cancel tasks until they have ended, each up to `ATTEMPTS` times; return those that still run."""
    pending = set()
    for task in tasks:
        task.add_done_callback(_retrieve)
        if not task.done():
            pending.add(task)
    for _ in range(ATTEMPTS):
        if not pending:
            break
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again)
    return pending


def _retrieve(task: asyncio.Future[Any]) -> None:
    """Retrieve the error of a task, which asyncio would log if nobody did."""
    if not task.cancelled():
        task.exception()
