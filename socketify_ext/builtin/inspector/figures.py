"""The live figures of all workers: each measures while somebody looks, at whichever worker."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import CodeType
from typing import Any, Final

from .requests import RequestCounter
from .sampler import StackSampler

_SECOND: Final = 1.0
_ATTENTION: Final = 3.0  # seconds that a look lasts
_BEAT: Final = 0.1  # seconds between two looks at the loop's delay
_MOST_WORKERS: Final = 256


class Figures:
    """Measure this worker and collect the others', while somebody looks.

    Args:
        app: the app of the extension; it may stand for a scope, and all of the app is measured.
        name: the same in all workers, and another one for each inspector of the app.
        show: called each second with the figures of all workers, by process.
    """

    def __init__(self, app: Any, name: str, show: Callable[[dict[str, Any]], None]) -> None:
        self._app = app
        self._name = name
        self._show = show
        self._send: Callable[[bytes], None] | None = None
        self._watchers = 0
        self._until = 0.0  # when nobody looks any more
        self._task: asyncio.Task[None] | None = None
        self._lag = 0.0
        self._others: dict[str, tuple[float, Any]] = {}

    def connect(self) -> None:
        """Hear of the other workers."""
        self._send = self._app.channel(f"inspector {self._name}", self._receive)

    def add(self) -> None:
        """Note that somebody looks."""
        self._watchers += 1
        self._measure()

    def remove(self) -> None:
        """Note that somebody looks no more."""
        self._watchers -= 1

    async def close(self) -> None:
        """Measure no more."""
        if self._task is not None:
            self._task.cancel()

    def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        self._until = loop.time() + _ATTENTION
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._run(loop))

    def _receive(self, data: bytes) -> None:
        """Take what another worker has sent: that somebody looks there, or its figures."""
        try:
            message = json.loads(data)
            process, figures = str(message["process"]), message.get("figures")
        except (ValueError, TypeError, KeyError):
            return
        if message.get("looks") is True:
            self._measure()
        if isinstance(figures, dict) and len(self._others) < _MOST_WORKERS:
            self._others[process] = asyncio.get_running_loop().time(), figures

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        counter = RequestCounter(self._app.root, loop.call_soon)
        sampler = StackSampler(dict(_names(self._app.root)))
        beat = loop.create_task(self._beat(loop))
        counter.start()
        try:
            while self._watchers or loop.time() < self._until:
                await asyncio.sleep(_SECOND)
                self._tell(loop, counter, sampler)
        finally:
            beat.cancel()
            sampler.stop()
            counter.stop()
            self._others.clear()

    async def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        """Measure how late the loop calls back."""
        while True:
            began = loop.time()
            await asyncio.sleep(_BEAT)
            self._lag = max(self._lag, loop.time() - began - _BEAT)

    def _tell(self, loop: asyncio.AbstractEventLoop, counter: RequestCounter, sampler: StackSampler) -> None:
        lag, self._lag = self._lag, 0.0
        figures = {
            "routes": counter.take(),
            "times": sampler.take(),
            "lag": round(1000 * lag, 2),
            "sockets": dict(Counter(connection.route for connection in self._app.connections)),
            "backplane": _backplane(self._app.backplane),
            "gauges": _gauges(self._app.gauges),
        }
        process = str(os.getpid())
        if self._send is not None:
            self._send(json.dumps({"process": process, "looks": self._watchers > 0, "figures": figures}).encode())
        if self._watchers:
            now = loop.time()
            self._others = {name: each for name, each in self._others.items() if now - each[0] < _ATTENTION}
            self._show({process: figures, **{name: each[1] for name, each in self._others.items()}})


def _backplane(backplane: Any) -> dict[str, Any] | None:
    if backplane is None:
        return None
    names = ("name", "connected", "published", "received", "dropped", "queued", "outages")
    return {name: getattr(backplane, name, None) for name in names}


def _gauges(gauges: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """Return the numbers that extensions show; one that can't be read is left out."""
    read = {}
    for name, function in gauges.items():
        with suppress(Exception):
            read[name] = float(function())
    return read


def _names(app: Any) -> Iterator[tuple[CodeType, str]]:
    """Yield the code of each handler, hook and member, and what it is called."""
    for route in app.routes:
        handlers = route.handler.values() if isinstance(route.handler, dict) else [route.handler]
        for handler in handlers:
            yield from _code(handler, f"handler {route.method} {route.pattern}")
    yield from _scope_names(app.inspect())


def _scope_names(inspection: Any) -> Iterator[tuple[CodeType, str]]:
    for hook in inspection.hooks:
        owner = "app" if hook.provenance is None else hook.provenance.extension
        yield from _code(hook.function, f"{hook.event} {getattr(hook.function, '__name__', '')} ({owner})")
    for name, member in inspection.members.items():
        yield from _code(getattr(member, "function", None), f"{name} ({member.provenance.extension})")
    for scope in inspection.scopes:
        yield from _scope_names(scope)


def _code(function: Any, name: str) -> Iterator[tuple[CodeType, str]]:
    code = getattr(function, "__code__", None)
    if isinstance(code, CodeType):
        yield code, name
