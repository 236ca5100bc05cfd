"""The supervisor: it starts workers, replaces those that die or rest, and stops all in order."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any, Final

from .process_name import name_process
from .say import say
from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .binding import Binding
    from .settings import RunSettings

_FORWARDED: Final = (signal.SIGUSR1, signal.SIGUSR2)
_STEADY: Final = 5.0  # seconds after which a worker counts as one that serves
_LONGEST_DELAY: Final = 5.0  # seconds between a death and the next start
_MOST_DEATHS: Final = 5  # of workers that were not steady, in a row


class Supervisor:
    """Keep the workers of one run.

    Args:
        settings: of the run.
        binding: the socket on which they listen.
        on_ready: called once all serve, with what the first one has told.
    """

    def __init__(self, settings: RunSettings, binding: Binding, on_ready: Callable[[dict[str, Any]], None]) -> None:
        self._settings = settings
        self._binding = binding
        self._on_ready = on_ready
        self._workers: dict[int, WorkerProcess] = {}  # by number, those that serve
        self._processes: dict[int, WorkerProcess] = {}  # by process, all that have not ended
        self._watches: set[asyncio.Task[None]] = set()
        self._code: asyncio.Future[int]
        self._rolling = asyncio.Lock()
        self._deaths = 0

    async def run(self, changes: AsyncIterator[Any] | None = None) -> int:
        """Serve until a signal or a failure; return the exit code.

        Args:
            changes: yields when the code has changed.
        """
        name_process(f"supervisor {self._settings.target}")
        loop = asyncio.get_running_loop()
        self._code = loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._on_hang_up)
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        for number in _FORWARDED:
            loop.add_signal_handler(number, self._forward, number)
        # From now on: a change while they start counts.
        change = None if changes is None else asyncio.ensure_future(anext(changes, None))
        if await self._start_all():
            if not self._code.done():
                self._on_ready(self._workers[1].told.result()["ready"])
        elif change is None:
            self._end(1)
        if change is not None:
            self._watch(self._follow(change, changes))
        code = await self._code
        await self._stop_all()
        return code

    @property
    def _numbers(self) -> range:
        return range(1, self._settings.workers + 1)

    # -- signals

    def _on_stop(self) -> None:
        if self._code.done():  # again: the client of this signal does not want to wait
            for process in list(self._processes.values()):
                process.send(signal.SIGKILL)
        self._end(0)

    def _on_hang_up(self) -> None:
        self._watch(self._roll())

    def _forward(self, number: int) -> None:
        for worker in self._workers.values():
            worker.send(number)

    def _reap(self) -> None:
        """Note the ends of processes, also of those that others have left to process 1."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            process = self._processes.pop(pid, None)
            if process is not None:
                process.note_end(os.waitstatus_to_exitcode(status))

    # -- workers

    def _end(self, code: int) -> None:
        if not self._code.done():
            self._code.set_result(code)

    def _watch(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    async def _start_all(self) -> bool:
        """Start all workers together; a reason that several have for not serving is reported once."""
        said: set[str] = set()
        return all(await asyncio.gather(*(self._start(number, said) for number in self._numbers)))

    async def _start(self, number: int, said: set[str]) -> bool:
        """Start a worker and put it in its place, once it serves; one that can't is reported, unless that was said."""
        process = WorkerProcess(number, self._settings, self._binding.descriptor(number))
        self._processes[process.pid] = process
        told = await process.told
        if "ready" not in told:
            code = await process.ended
            if not process.is_stopping and not self._code.done():
                text = told.get("error") or f"error: worker {number} ended with {_ended(code)} before it served"
                if text not in said:
                    said.add(text)
                    say(text)
            return False
        self._workers[number] = process
        self._watch(self._keep(process))
        return True

    async def _keep(self, worker: WorkerProcess) -> None:
        """Replace a worker when it dies, wants to rest or is too old."""
        await asyncio.wait({worker.changed}, timeout=self._settings.max_age)
        if worker.is_stopping or self._code.done():
            return
        if worker.ended.done():
            await self._respawn(worker)
        else:
            async with self._rolling:
                await self._replace(worker.number)

    async def _respawn(self, worker: WorkerProcess) -> None:
        """Start another worker in the place of one that has died; after too many deaths, give up."""
        number = worker.number
        self._deaths = 0 if worker.age > _STEADY else self._deaths + 1
        say(f"worker {number} died ({_ended(worker.ended.result())}); another one takes its place")
        while not self._code.done():
            if self._deaths > _MOST_DEATHS:
                say(f"error: workers die at once, {self._deaths} in a row; giving up")
                self._end(1)
                return
            if self._deaths > 1:
                await asyncio.wait({self._code}, timeout=min(0.05 * 2**self._deaths, _LONGEST_DELAY))
                if self._code.done():
                    return
            if await self._start(number, set()):
                return
            self._deaths += 1

    async def _replace(self, number: int) -> bool:
        """Start a worker in the place of one that serves until then, and stop that."""
        old = self._workers[number]
        if old.ended.done() or self._code.done():
            return True
        if not await self._start(number, set()):
            return False
        await old.stop()
        return True

    async def _roll(self) -> None:
        """Replace all workers one by one; where a new one can't serve, the old ones go on."""
        async with self._rolling:
            for number in self._numbers:
                if self._code.done():
                    return
                if not await self._replace(number):
                    if self._code.done():
                        return
                    say("the workers that serve go on; correct the error and send SIGHUP again")
                    return
            say(f"replaced {_workers(self._settings.workers)}")

    async def _follow(self, change: asyncio.Future[Any], changes: Any) -> None:
        """Start all workers anew on each change."""
        while (name := await change) is not None and not self._code.done():
            change = asyncio.ensure_future(anext(changes, None))
            async with self._rolling:
                say(f"{name} has changed; starting again")
                await asyncio.gather(*(worker.stop() for worker in self._workers.values()))
                self._workers.clear()
                if self._code.done():
                    return
                say("serving again" if await self._start_all() else "waiting for a change")

    async def _stop_all(self) -> None:
        await asyncio.gather(*(process.stop() for process in list(self._processes.values())))
        for task in list(self._watches):
            task.cancel()


def _ended(code: int) -> str:
    return f"code {code}" if code >= 0 else signal.Signals(-code).name


def _workers(number: int) -> str:
    return f"{number} worker{'' if number == 1 else 's'}"
