"""Start-up in order, shutdown once and in reverse, each within its bounds, and hooks of listening and closing."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from . import errors

log = logging.getLogger("socketify_ext")

RESERVE: Final = 0.1
"""Seconds that a shutdown function has even when one before it hung, and as many again to clean up when cancelled."""

State = Literal["new", "started", "stopping", "stopped"]


@dataclass(frozen=True)
class LifecycleEntry:
    """The lifecycle functions of one extension, or of the program itself; `who` names it in errors."""

    who: str
    startup: Sequence[Callable[..., Any]]
    shutdown: Sequence[Callable[..., Any]]
    listening: Sequence[Callable[..., Any]] = ()
    closing: Sequence[Callable[..., Any]] = ()


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
        calls = [(entry, function) for entry in reversed(started) for function in reversed(entry.shutdown)]
        await self._run_bounded("shutdown function", calls, self.timeout if timeout is None else timeout, self.timeout)
        self.state = "stopped"

    async def announce_close(self, entries: Sequence[LifecycleEntry], timeout: float) -> None:
        """Run the `before_close` hooks in order, within the time limit; what fails is logged, as in `stop`."""
        calls = [(entry, function) for entry in entries for function in entry.closing]
        await self._run_bounded("before_close hook", calls, timeout, timeout)

    async def _run_bounded(
        self, kind: str, calls: Sequence[tuple[LifecycleEntry, Callable[..., Any]]], timeout: float, stated: float
    ) -> None:
        """Run functions one after the other within a time limit; `stated` is what the log says of it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        reserve = min(RESERVE, timeout / (2 * len(calls) or 1))
        for number, (entry, function) in enumerate(calls, start=1):
            kept = reserve * (2 * (len(calls) - number) + 1)  # for the others, and for this one's cancellation
            self.stopping = f"{entry.who}: {_name(function)}"
            who = f"{entry.who}: {kind} {_name(function)}"
            await _run_one(who, function, max(deadline - loop.time() - kept, 0.0), stated, reserve)
        self.stopping = None


async def _run_one(who: str, function: Callable[..., Any], timeout: float, stated: float, patience: float) -> None:
    task = asyncio.ensure_future(_call(function))
    try:
        await asyncio.wait({task}, timeout=timeout)
        if not task.done():
            log.error("%s ran out of time (%s s)", who, stated)
            task.cancel()
            await asyncio.wait({task}, timeout=patience)
            if not task.done():
                log.error("%s ignores its cancellation", who)
        elif task.cancelled():
            log.error("%s was cancelled", who)
        elif task.exception() is not None:
            log.error("%s failed", who, exc_info=task.exception())
    finally:
        task.cancel()


def announce_listening(entries: Sequence[LifecycleEntry], address: Any) -> Coroutine[Any, Any, None] | None:
    """Run the `on_listen` hooks in order; what fails is logged, since the server listens already.

    Returns:
        A coroutine that goes on from the first hook that is async, None without one.
    """
    calls = [(f"{entry.who}: on_listen hook {_name(each)}", each) for entry in entries for each in entry.listening]
    for number, (who, function) in enumerate(calls, start=1):
        result = None
        try:
            result = function(address)
        except Exception:
            log.exception("%s failed", who)
        if inspect.isawaitable(result):
            return _go_on_listening(who, result, calls[number:], address)
    return None


async def _go_on_listening(
    who: str, result: Awaitable[Any], others: Sequence[tuple[str, Callable[..., Any]]], address: Any
) -> None:
    await _await_logged(who, result)
    for other, function in others:
        await _await_logged(other, _call(function, address))


async def _await_logged(who: str, awaitable: Awaitable[Any]) -> None:
    try:
        await awaitable
    except Exception:
        log.exception("%s failed", who)


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", repr(function)))


async def _call(function: Callable[..., Any], *arguments: Any) -> None:
    result = function(*arguments)
    if inspect.isawaitable(result):
        await result
