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

CANCELLATION: Final = 0.1
"""Seconds that a shutdown function gets to clean up once it has run out of time."""

State = Literal["new", "started", "stopping", "stopped"]


@dataclass(frozen=True)
class Unit:
    """What one extension, or the program itself, wants run; `who` names it in errors."""

    who: str
    startup: Sequence[Callable[..., Any]]
    shutdown: Sequence[Callable[..., Any]]


class Lifecycle:
    """Run units' functions: start-up in order, shutdown in reverse.

    Args:
        timeout: seconds that all shutdown functions together may take.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.state: State = "new"
        self._started: list[Unit] = []

    async def start(self, units: Sequence[Unit]) -> None:
        """Run all start-up functions; if one fails, stop what had started.

        Raises:
            LifecycleError: a function raised; the cause is chained.
        """
        for unit in units:
            for function in unit.startup:
                try:
                    await _call(function)
                except BaseException as error:
                    await self.stop()
                    self.state = "new"
                    if not isinstance(error, Exception):
                        raise
                    raise errors.LifecycleError(
                        unit.who,
                        f"failed to start in {_name(function)}",
                        f"{type(error).__name__}: {error}",
                        "What had started was stopped; mend the cause that is chained to this error",
                    ) from error
            self._started.append(unit)
        self.state = "started"

    async def stop(self) -> None:
        """Run the shutdown functions of what has started, once, in reverse, within the time limit.

        A function that fails or runs out of time is logged, and the others still run.
        """
        started, self._started = self._started, []
        self.state = "stopping"
        deadline = asyncio.get_running_loop().time() + self.timeout
        for unit in reversed(started):
            for function in reversed(unit.shutdown):
                await self._stop(unit, function, max(deadline - asyncio.get_running_loop().time(), 0.0))
        self.state = "stopped"

    async def _stop(self, unit: Unit, function: Callable[..., Any], timeout: float) -> None:
        task = asyncio.ensure_future(_call(function))
        try:
            await asyncio.wait({task}, timeout=timeout)
            if not task.done():
                log.error("%s: shutdown function %s ran out of time (%s s)", unit.who, _name(function), self.timeout)
                task.cancel()
                await asyncio.wait({task}, timeout=CANCELLATION)
            elif task.cancelled():
                log.error("%s: shutdown function %s was cancelled", unit.who, _name(function))
            elif task.exception() is not None:
                log.error("%s: shutdown function %s failed", unit.who, _name(function), exc_info=task.exception())
        finally:
            task.cancel()


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", repr(function)))


async def _call(function: Callable[..., Any]) -> None:
    result = function()
    if inspect.isawaitable(result):
        await result
