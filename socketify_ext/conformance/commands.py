"""The commands that a serving process takes from the check's own."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from json import loads
from pathlib import Path
from typing import Any, Final

from ..app import App
from ..inspection.process import EventWriter
from .probe import Probe
from .watch import Watch, task_problem

_PATIENCE: Final = 1.0  # seconds that a part's own tasks get to end


class Commands:
    """Take commands on the app's loop: begin a probe, ask what was seen of it, close the app.

    Args:
        probe: has the observations of members.
        watch: has those of other parts.
        write_event: takes the answers.
    """

    def __init__(self, app: Any, probe: Probe, watch: Watch, write_event: EventWriter) -> None:
        self._app = app
        self._probe = probe
        self._watch = watch
        self._write_event = write_event
        self._loop = app.loop.loop
        self._before: set[Any] = set()
        self._unread = b""

    def listen(self) -> None:
        """Take commands from now on."""
        os.set_blocking(self._write_event.commands, False)
        self._loop.add_reader(self._write_event.commands, self._read)
        if isinstance(self._app, App):  # the core's own tasks are of another kind
            self._watch.take_tasks(self._loop)

    def _read(self) -> None:
        part = os.read(self._write_event.commands, 65536)
        if not part:
            self._loop.remove_reader(self._write_event.commands)
        *lines, self._unread = (self._unread + part).split(b"\n")
        takers: dict[str, Callable[..., None]] = {"begin": self._begin, "ask": self._ask, "close": self._close}
        for line in lines:
            for name, value in loads(line).items():
                takers[name](value)

    def _begin(self, _: bool) -> None:
        self._watch.begin()
        self._before = asyncio.all_tasks(self._loop)

    def _ask(self, asked: tuple[str, bool, float]) -> None:
        # Made without the loop's factory: the core's own tasks are not known to asyncio.
        task = asyncio.Task(self._answer(*asked), loop=self._loop)
        self._before.add(task)

    def _close(self, _: bool) -> None:
        self._app.close()

    async def _answer(self, cell: str, is_due: bool, patience: float) -> None:
        """Answer once the call is complete, its own tasks included, or will not be."""
        logged = await self._settle(cell, patience, is_due=is_due)
        observation = self._probe.done.get(cell)
        if observation is not None:
            observation.logged += logged
        self._write_event(
            observation=None if observation is None else asdict(observation),
            begun=cell in self._probe.begun,
            unfinished=self._watch.take_unfinished(),
            reads={kind: sorted(names) for kind, names in self._watch.reads.items()},
            logged=logged,
            remains=self._remains(),
            **self._watch.take_ended(),
        )

    def _remains(self) -> dict[str, int]:
        """Count what calls may leave behind."""
        counts = {"threads": threading.active_count(), "tasks": len(asyncio.all_tasks(self._loop))}
        if sys.platform == "linux":
            counts["open files"] = len(list(Path("/proc/self/fd").iterdir()))
        return counts

    async def _settle(self, cell: str, patience: float, *, is_due: bool) -> list[str]:
        """Wait until what the probe has started is done, or a limit is reached; return how tasks have failed.

        Args:
            cell: of the member's call.
            patience: seconds for parts.
            is_due: whether the member's call is still to come, as that of an event is.
        """
        failed: list[str] = []
        began = self._loop.time()
        while True:
            await asyncio.sleep(0)
            passed = self._loop.time() - began
            fresh = set() if passed > _PATIENCE else asyncio.all_tasks(self._loop) - self._before
            begun = cell in self._probe.begun
            is_open = cell not in self._probe.done if begun else is_due and passed <= _PATIENCE
            if passed > patience or not (fresh or is_open or self._watch.is_busy):
                break
            if not fresh:
                await asyncio.sleep(0.002)
                continue
            ended, _ = await asyncio.wait(fresh, timeout=_PATIENCE - passed)
            self._before |= ended
            others = [task for task in ended if not self._watch.has_started(task)]
            self._watch.note_failed_tasks()
            failed += filter(None, map(task_problem, others))
        self._watch.note_failed_tasks()
        for _ in range(2):  # callbacks of the loop that are due, such as after_response
            await asyncio.sleep(0)
        return failed
