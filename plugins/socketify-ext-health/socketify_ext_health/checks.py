"""Readiness checks: run at once, each for a limited time, and seldom."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

from socketify_ext.errors import ArgumentError

Check = Callable[[], "bool | Awaitable[bool | None] | None"]
State: TypeAlias = Literal["ok", "failing", "timeout"]

log = logging.getLogger("socketify_ext_health")


class _Entry:
    """A check, and how it stands.

    Args:
        name: of the check.
        function: async ones run in the loop, others in a thread.
        timeout: seconds.
    """

    def __init__(self, name: str, function: Check, timeout: float) -> None:
        self.name = name
        self._function = function
        self._timeout = timeout
        self._can_be_cancelled = inspect.iscoroutinefunction(function)
        self._running: asyncio.Future[bool] | None = None
        self._told: State = "ok"

    async def run(self) -> State:
        """Run it, unless it still runs from the time before: one that hangs is not begun again."""
        running = self._running
        if running is None:
            running = self._running = asyncio.ensure_future(self._call())
            running.add_done_callback(self._end)
        done, _ = await asyncio.wait((running,), timeout=self._timeout)
        if not done:
            if self._can_be_cancelled:  # a thread can't be: it is waited for, or they would pile up
                running.cancel()
            return self._tell("timeout", f"it has not answered within {self._timeout:g} s")
        if running.cancelled():
            return self._tell("failing", "it was cancelled")
        error = running.exception()
        if error is not None:
            return self._tell("failing", f"{type(error).__name__}: {error}")
        return self._tell("ok", "") if running.result() else self._tell("failing", "it returned False")

    async def _call(self) -> bool:
        result = self._function() if self._can_be_cancelled else await asyncio.to_thread(self._function)
        if inspect.isawaitable(result):
            result = await result
        return result is not False

    def _end(self, running: asyncio.Future[bool]) -> None:
        self._running = None
        if not running.cancelled():
            running.exception()  # it is told already, or came too late to matter

    def _tell(self, state: State, why: str) -> State:
        """Log a change: what fails, fails for every probe."""
        if state != self._told:
            self._told = state
            if state == "ok":
                log.warning("the readiness check %s passes again", self.name)
            else:
                log.error("the readiness check %s fails: %s", self.name, why)
        return state


class Checks:
    """The readiness checks of an app.

    Args:
        timeout: seconds that a check has, by default.
        cache: seconds for which results are kept.
    """

    def __init__(self, timeout: float, cache: float) -> None:
        self._timeout = timeout
        self._cache = cache
        self._entries: dict[str, _Entry] = {}
        self._run: asyncio.Future[dict[str, State]] | None = None
        self._until = 0.0

    def add(self, name: str, function: Check, timeout: float | None = None) -> None:
        """Add a check.

        Raises:
            ArgumentError: there is one of this name, it can't be called, or the time is not above 0.
        """
        problem = fix = ""
        if not isinstance(name, str) or not name or not name.isprintable():
            problem, fix = f"{name!r} is not a name", 'Name what it looks at, as in "database"'
        elif name in self._entries:
            problem, fix = "there is a check of this name already", "Give each a name of its own"
        elif not callable(function):
            problem, fix = f"a {type(function).__name__} can't be called", "Pass a function without arguments"
        elif timeout is not None and not timeout > 0:
            problem, fix = f"{timeout!r} is not a time", "Give seconds above 0"
        if problem:
            raise ArgumentError(f"readiness check {name}", "can't be added", problem, fix)
        self._entries[name] = _Entry(name, function, self._timeout if timeout is None else timeout)
        self._run = None

    async def results(self) -> dict[str, State]:
        """Return how each check stands; requests that come together share one run."""
        loop = asyncio.get_running_loop()
        run = self._run
        if run is None or (run.done() and loop.time() >= self._until):
            run = self._run = asyncio.ensure_future(self._run_all())
        return await asyncio.shield(run)  # a prober that leaves does not end what others wait for

    async def _run_all(self) -> dict[str, State]:
        entries = tuple(self._entries.values())
        states = await asyncio.gather(*(entry.run() for entry in entries))
        self._until = asyncio.get_running_loop().time() + self._cache
        return dict(zip((entry.name for entry in entries), states, strict=True))
