"""Start-up in order, shutdown once and in reverse, each within its bounds."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from . import errors

log = logging.getLogger("socketify_ext")

RESERVE: Final = 0.1
"""Seconds that a shutdown function has even when one before it hung, and as many again to clean up when cancelled."""

State = Literal["new", "started", "stopping", "stopped"]


@dataclass(frozen=True)
class LifecycleEntry:
    """The start-up and shutdown functions of one extension, or of the program itself; `who` names it in errors."""

    who: str
    startup: Sequence[Callable[..., Any]]
    shutdown: Sequence[Callable[..., Any]]


class Lifecycle:
    """Run start-up functions in order and shutdown functions in reverse.

    Args:
        timeout: seconds that all shutdown functions together may take.

    Attributes:
        stopping: the owner and the name of the shutdown function that runs now, or None.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.state: State = "new"
        self.stopping: str | None = None
        self._started: list[LifecycleEntry] = []

    async def start(self, entries: Sequence[LifecycleEntry]) -> None:
        """Run all start-up functions; if one fails, stop all that had started.

        Raises:
            LifecycleError: a function raised; the cause is chained.
        """
        for entry in entries:
            for function in entry.startup:
                try:
                    await _call(function)
                except BaseException as error:
                    await self.stop()
                    self.state = "new"
                    if not isinstance(error, Exception):
                        raise
                    raise errors.LifecycleError(
                        entry.who,
                        f"failed to start in {_name(function)}",
                        f"{type(error).__name__}: {error}",
                        "All that had started was stopped; correct the chained cause of this error",
                    ) from error
            self._started.append(entry)
        self.state = "started"

    async def stop(self, timeout: float | None = None) -> None:
        """Run the shutdown functions of all that has started, once, in reverse, within the time limit.

        Args:
            timeout: seconds that they together may take, by default `self.timeout`.

        A function that fails or runs out of time is logged, and the others still run. One that hangs, even if it
        ignores its cancellation, leaves the others their reserve. Only a sync function that blocks can exceed the limit.
        """
        started, self._started = self._started, []
        self.state = "stopping"
        loop = asyncio.get_running_loop()
        timeout = self.timeout if timeout is None else timeout
        deadline = loop.time() + timeout
        calls = [(entry, function) for entry in reversed(started) for function in reversed(entry.shutdown)]
        reserve = min(RESERVE, timeout / (2 * len(calls) or 1))
        for number, (entry, function) in enumerate(calls, start=1):
            kept = reserve * (2 * (len(calls) - number) + 1)  # for the others, and for this one's cancellation
            self.stopping = f"{entry.who}: {_name(function)}"
            await self._stop(entry, function, max(deadline - loop.time() - kept, 0.0), reserve)
        self.stopping = None
        self.state = "stopped"

    async def _stop(self, entry: LifecycleEntry, function: Callable[..., Any], timeout: float, patience: float) -> None:
        task = asyncio.ensure_future(_call(function))
        try:
            await asyncio.wait({task}, timeout=timeout)
            if not task.done():
                log.error("%s: shutdown function %s ran out of time (%s s)", entry.who, _name(function), self.timeout)
                task.cancel()
                await asyncio.wait({task}, timeout=patience)
                if not task.done():
                    log.error("%s: shutdown function %s ignores its cancellation", entry.who, _name(function))
            elif task.cancelled():
                log.error("%s: shutdown function %s was cancelled", entry.who, _name(function))
            elif task.exception() is not None:
                log.error("%s: shutdown function %s failed", entry.who, _name(function), exc_info=task.exception())
        finally:
            task.cancel()


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", repr(function)))


async def _call(function: Callable[..., Any]) -> None:
    result = function()
    if inspect.isawaitable(result):
        await result
