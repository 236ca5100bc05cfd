"""The observation of what a target declares beside members: hooks, handlers, start-up and shutdown functions."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from inspect import isawaitable, iscoroutinefunction
from json import dumps  # by name: a target may replace that of the module
from time import perf_counter
from typing import Any, Final

from ..inspection.process import EventWriter
from .observation import Observation, Steps, current
from .part import Part
from .places import PREFIX

_REFUSALS: Final = 400  # and above; what a hook answers otherwise is its work, as for a probe
_ANSWERING: Final = ("before_request", "before_upgrade")
_LOGS: Final = ("socketify_ext", "asyncio")  # those of the runtime and of its loop


class ProbeError(Exception):
    """What a handler of the check raises on purpose."""


class Watch:
    """Observe each call of a part.

    Args:
        write_event: takes a note of what runs.
    """

    def __init__(self, write_event: EventWriter) -> None:
        self.parts: list[Part] = []
        self.options: dict[str, Any] = {}  # the types of route options
        self.reads: dict[str, set[str]] = {"header": set(), "query": set(), "cookie": set()}
        self._write_event = write_event
        self._running: dict[int, tuple[int, Observation]] = {}
        self._ended: list[tuple[int, Observation]] = []
        self._stray: list[str] = []
        self._raised: list[BaseException] = []  # kept, so that the log knows them again
        self._given_up: set[int] = set()
        self._started: dict[asyncio.Task[Any], Observation] = {}
        self._number = 0

    # -- observation

    def begin(self) -> None:
        """Forget the errors of the probe before."""
        self._raised.clear()

    def take_ended(self) -> dict[str, Any]:
        """Return the observations of calls that have ended since, and what was logged outside of them."""
        ended, self._ended = self._ended, []
        stray, self._stray = self._stray, []
        return {"watched": [[number, asdict(each)] for number, each in ended], "stray": stray}

    def forget(self, part: str) -> None:
        """Forget what was seen of a part so far."""
        self._ended = [(number, each) for number, each in self._ended if self.parts[number].name != part]

    def take_unfinished(self) -> list[int]:
        """Return the parts that have not ended; they are not called any more."""
        unfinished = [part for part, _ in self._running.values()]
        self._given_up.update(unfinished)
        self._running.clear()
        self._note()
        return unfinished

    @property
    def is_busy(self) -> bool:
        """Whether a part still runs."""
        return bool(self._running)

    def is_given_up(self, part: int) -> bool:
        """Whether a part is not called any more."""
        return part in self._given_up

    def enter(self, part: int) -> tuple[int, Observation]:
        """Begin the observation of a call; return its number too."""
        self._number += 1
        observation = Observation()
        self._running[self._number] = part, observation
        self._note()
        return self._number, observation

    def leave(self, number: int, observation: Observation) -> None:
        """End the observation of a call."""
        entered = self._running.pop(number, None)
        if entered is not None:
            self._ended.append((entered[0], observation))
            self._note()

    def _note(self) -> None:
        self._write_event.note(dumps([part for part, _ in self._running.values()]))

    def fail(self, observation: Observation, error: BaseException) -> None:
        """Record what a call has raised."""
        if isinstance(error, GeneratorExit):
            return
        if isinstance(error, asyncio.CancelledError):  # of a client that has left, or that has no more time
            observation.outcome = "cancelled"
            self._raised.append(error)
            return
        observation.fail(error)
        if observation.went_wrong:
            self._raised.append(error)

    def log(self, record: logging.LogRecord) -> None:
        """Take an error that was logged."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ProbeError) or any(error is each for each in self._raised):
            return
        if error is None and record.name not in _LOGS:  # a line of an extension's own, as of an access log
            return
        message = record.getMessage().partition("\n")[0]
        if record.module == "lifecycle" and message.startswith("extension"):  # it is a part
            return
        observation = current.get()
        if observation is not None:
            observation.logged.append(message)
        elif error is not None or PREFIX not in str(getattr(record, "route", "")):
            self._stray.append(message)

    def watched(self, part: Part, function: Any) -> Any:
        """Return a function that calls a part and observes it."""
        if not callable(function) or hasattr(function, "__watched__"):
            return function
        if part not in self.parts:
            self.parts.append(part)
        calls = _Calls(self, self.parts.index(part), part.event, function)
        watching = functools.wraps(function)(calls.call_async if iscoroutinefunction(function) else calls.call)
        setattr(watching, "__watched__", True)  # noqa: B010 - a function has no such attribute for mypy
        return watching

    # -- tasks

    def take_tasks(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note for each later task of a loop what has started it."""

        def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
            task = asyncio.Task(coroutine, loop=loop, **options)
            observation = current.get()
            if observation is not None:
                self._started[task] = observation
            return task

        loop.set_task_factory(make)

    def has_started(self, task: asyncio.Task[Any]) -> bool:
        """Whether it is known what has started a task."""
        return task in self._started

    def note_failed_tasks(self) -> None:
        """Record how tasks have failed whose errors nobody has taken, with what has started them."""
        for task, observation in list(self._started.items()):
            if task.done():
                del self._started[task]
                if getattr(task, "_log_traceback", False):  # what asyncio asks before it logs
                    observation.logged.append(task_problem(task))


def task_problem(task: asyncio.Task[Any]) -> str:
    """Return how a task has failed that nobody awaits, "" where it has not; asyncio does not log it any more."""
    error = None if task.cancelled() else task.exception()
    return "" if error is None else f"a task of its own ended with {type(error).__name__}: {error}"


class _Calls:
    """The calls of one function of a part."""

    def __init__(self, watch: Watch, part: int, event: str, function: Callable[..., Any]) -> None:
        self._watch = watch
        self._part = part
        self._event = event
        self._function = function
        # Functions, of which the runtime takes what a bound method does not have.
        self.call = lambda *arguments, **options: self._call(arguments, options)
        self.call_async = self._make_async()

    def _make_async(self) -> Callable[..., Any]:
        async def call_async(*arguments: Any, **options: Any) -> Any:
            result = self._call(arguments, options)
            return await result if isawaitable(result) else result

        return call_async

    def _call(self, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        if self._watch.is_given_up(self._part):
            return None
        number, observation = self._watch.enter(self._part)
        earlier = current.get()
        current.set(observation)
        began = perf_counter()
        try:
            result = self._function(*arguments, **options)
        except BaseException as error:
            self._watch.fail(observation, error)
            self._watch.leave(number, observation)
            raise
        finally:
            current.set(earlier)
            observation.taken = perf_counter() - began
            observation.take(observation.taken)
        if isawaitable(result):
            return self._finish(number, observation, result, began, arguments)
        self._note_refusal(observation, result, arguments)
        self._watch.leave(number, observation)
        return result

    async def _finish(
        self, number: int, observation: Observation, result: Awaitable[Any], began: float, arguments: Sequence[Any]
    ) -> Any:
        earlier = current.get()
        current.set(observation)
        try:
            value = await Steps(result, observation)
            self._note_refusal(observation, value, arguments)
        except BaseException as error:
            self._watch.fail(observation, error)
            raise
        else:
            return value
        finally:
            current.set(earlier)
            observation.taken = perf_counter() - began
            self._watch.leave(number, observation)

    def _note_refusal(self, observation: Observation, value: Any, arguments: Sequence[Any]) -> None:
        if self._event in _ANSWERING:
            response = arguments[0]
            refuses = response.has_responded() and response.status >= _REFUSALS
        else:
            refuses = self._event == "on_ws_message" and value is False
        if refuses:
            observation.outcome = "refused"
