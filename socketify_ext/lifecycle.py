"""Start-up in order, shutdown once and in reverse, each within its bounds."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from . import errors

log = logging.getLogger("socketify_ext")

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
                except Exception as error:
                    await self.stop()
                    name = getattr(function, "__qualname__", repr(function))
                    raise errors.LifecycleError(
                        unit.who,
                        f"failed to start in {name}",
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
                left = deadline - asyncio.get_running_loop().time()
                name = getattr(function, "__qualname__", repr(function))
                try:
                    await asyncio.wait_for(_call(function), max(left, 0.001))
                except asyncio.TimeoutError:
                    log.error("%s: shutdown function %s ran out of time (%s s)", unit.who, name, self.timeout)
                except Exception:
                    log.exception("%s: shutdown function %s failed", unit.who, name)
        self.state = "stopped"


async def _call(function: Callable[..., Any]) -> None:
    result = function()
    if inspect.isawaitable(result):
        await result
