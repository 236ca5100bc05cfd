"""What a target declares beside members, watched while it runs: hooks, handlers, start-up and shutdown functions.

This process serves probes and nothing else, so that the watch replaces the places where the SDK takes such functions.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from inspect import isawaitable, iscoroutinefunction
from json import dumps  # by name: a target may replace that of the module
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from ..inspection.process import EventWriter
from ..runtime.patterns import EVENTS
from ..runtime.request import Request
from ..sdk.app_surface import AppSurface
from ..sdk.declared_route import DeclaredRoute
from ..sdk.provenance import Provenance, location, source_location
from ..sdk.request_hooks import RequestHook
from .observation import Observation, Steps, current, note_late_reads
from .places import PREFIX

if TYPE_CHECKING:
    from .report import PartKind

_ANSWERING: Final = ("before_request", "before_upgrade")
_GETTERS: Final = {
    "get_header": "header",
    "get_header_list": "header",
    "get_header_lines": "header",
    "get_query": "query",
    "get_query_list": "query",
    "get_cookie": "cookie",
    "get_cookie_list": "cookie",
}


class ProbeError(Exception):
    """What a handler of the check raises on purpose."""


@dataclass(frozen=True)
class Part:
    """A part beside members: its name for the report, whose it is, and what leads to it.

    `event` is that of a hook or of a WebSocket, the method of a route, or when a function runs; `path` the prefix of a hook
    or the pattern of a route.
    """

    name: str
    kind: PartKind
    place: str
    extension: str | None
    event: str = ""
    path: str = ""


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
        self._started: WeakKeyDictionary[asyncio.Task[Any], Observation] = WeakKeyDictionary()
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

    def _enter(self, part: int) -> tuple[int, Observation]:
        self._number += 1
        observation = Observation()
        self._running[self._number] = part, observation
        self._note()
        return self._number, observation

    def _leave(self, number: int, observation: Observation) -> None:
        entered = self._running.pop(number, None)
        if entered is not None:
            self._ended.append((entered[0], observation))
            self._note()

    def _note(self) -> None:
        self._write_event.note(dumps([part for part, _ in self._running.values()]))

    def _fail(self, observation: Observation, error: BaseException) -> None:
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
        if "shutdown function" in str(record.msg):  # which is a part
            return
        message = record.getMessage().partition("\n")[0]
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
        index = self.parts.index(part)

        def note_refusal(observation: Observation, value: Any, arguments: Any) -> None:
            answers = part.event in _ANSWERING and arguments[0].has_responded()
            if answers or (part.event == "on_ws_message" and value is False):
                observation.outcome = "refused"

        async def finish(number: int, observation: Observation, result: Any, began: float, arguments: Any) -> Any:
            earlier = current.get()
            current.set(observation)
            try:
                value = await Steps(result, observation)
                note_refusal(observation, value, arguments)
                return value
            except BaseException as error:
                self._fail(observation, error)
                raise
            finally:
                current.set(earlier)
                observation.taken = perf_counter() - began
                self._leave(number, observation)

        def call(*arguments: Any, **options: Any) -> Any:
            if index in self._given_up:
                return None
            number, observation = self._enter(index)
            earlier = current.get()
            current.set(observation)
            began = perf_counter()
            try:
                result = function(*arguments, **options)
            except BaseException as error:
                self._fail(observation, error)
                self._leave(number, observation)
                raise
            finally:
                current.set(earlier)
                observation.taken = perf_counter() - began
                observation.take(observation.taken)
            if isawaitable(result):
                return finish(number, observation, result, began, arguments)
            note_refusal(observation, result, arguments)
            self._leave(number, observation)
            return result

        async def call_async(*arguments: Any, **options: Any) -> Any:
            result = call(*arguments, **options)
            return await result if isawaitable(result) else result

        watching = functools.wraps(function)(call_async if iscoroutinefunction(function) else call)
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

    def fail_task(self, task: asyncio.Task[Any], error: BaseException) -> str:
        """Record how a task has failed that a part has started; return it for one that another has started."""
        problem = f"a task of its own ended with {type(error).__name__}: {error}"
        observation = self._started.get(task)
        if observation is None:
            return problem
        observation.logged.append(problem)
        return ""

    # -- the places where functions are taken

    def install(self) -> None:
        """Watch all that this process declares from now on."""
        note_late_reads()
        handler = logging.Handler(logging.ERROR)
        handler.emit = self.log  # type: ignore[method-assign]
        logging.getLogger().addHandler(handler)
        self._watch_hooks()
        self._watch_surface()
        self._watch_reads()

    def _watch_hooks(self) -> None:
        make = RequestHook.__init__

        def init(
            hook: Any, event: Any, function: Any, prefix: Any = (), provenance: Any = None, where: Any = None
        ) -> None:
            path = "/" + "/".join(prefix)
            part = part_of("hook", event, function, provenance, path if prefix else "")
            make(hook, event, self.watched(part, function), prefix, provenance, where)

        setattr(RequestHook, "__init__", init)  # noqa: B010 - this process does nothing else

    def _watch_surface(self) -> None:
        add_route, lifecycle = AppSurface._add_route, AppSurface._lifecycle
        json_serializer, use_backplane = AppSurface.json_serializer, AppSurface.use_backplane
        route_option = AppSurface.route_option

        def watched_route(surface: Any, route: DeclaredRoute) -> Any:
            return add_route(surface, replace(route, target=self._target(surface._provenance, route)))

        def watched_lifecycle(surface: Any, name: str, functions: Any, function: Any) -> Any:
            part = part_of("lifecycle", name, function, surface._provenance)
            lifecycle(surface, name, functions, self.watched(part, function))
            return function

        def watched_option(surface: Any, name: Any, *, type: Any = Any, apply: Any = None) -> None:
            part = part_of("route option", str(name), apply, surface._provenance)
            self.options[str(name)] = type
            if apply is None:
                self.parts.append(part)
            route_option(surface, name, type=type, apply=self.watched(part, apply))

        def watched_serializer(surface: Any, serializer: Any) -> None:
            self.parts.append(_object_part("serializer", "json_serializer", surface._provenance))
            json_serializer(surface, serializer)

        def watched_backplane(surface: Any, backplane: Any) -> None:
            self.parts.append(_object_part("backplane", "use_backplane", surface._provenance))
            use_backplane(surface, backplane)

        changes = {
            "_add_route": watched_route,
            "_lifecycle": watched_lifecycle,
            "route_option": watched_option,
            "json_serializer": watched_serializer,
            "use_backplane": watched_backplane,
        }
        for name, function in changes.items():
            setattr(AppSurface, name, function)

    def _target(self, provenance: Provenance, route: DeclaredRoute) -> Any:
        """Watch the handler of a route, or those of a WebSocket's events."""
        path, target = f"{provenance.scope}{route.path}", route.target
        if route.method == "ws" and isinstance(target, Mapping):
            return {
                event: self.watched(part_of("event", event, given, provenance, path), given)
                if event in EVENTS
                else given
                for event, given in target.items()
            }
        if not callable(target):  # a folder
            name = f"{route.method} {path}"
            self.parts.append(Part(name, "route", route.location, provenance.extension, route.method, path))
            return target
        return self.watched(part_of("route", route.method, target, provenance, path), target)

    def _watch_reads(self) -> None:
        for getter, what in _GETTERS.items():
            setattr(Request, getter, self._noting(what, getattr(Request, getter)))

    def _noting(self, what: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(inner)
        def noting(request: Any, name: Any, *more: Any, **options: Any) -> Any:
            if current.get() is not None:
                self.reads[what].add(name.decode(errors="replace") if isinstance(name, bytes) else str(name))
            return inner(request, name, *more, **options)

        return noting


def part_of(kind: PartKind, event: str, function: Any, provenance: Provenance | None, path: str = "") -> Part:
    """Describe a part that is a function."""
    own = getattr(function, "__name__", type(function).__name__)
    name = {
        "route": f"{event.upper()} {path}",
        "event": f"WS {path} {event}",
        "hook": f"{event} {own}" + (f" {path}" if path else ""),
        "route option": f"route option {event}",
    }.get(kind, f"{event} {own}")
    if event == "not_found":
        name = "not_found"
    extension = None if provenance is None else provenance.extension
    return Part(name, kind, location(*source_location(function)), extension, event, path)


def _object_part(kind: PartKind, name: str, provenance: Provenance) -> Part:
    return Part(name, kind, provenance.location, provenance.extension)
