"""The cost of one call of a member without a server: time, and peak memory."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from inspect import isawaitable
from typing import Any, Final

from ..sdk.spec import MemberSpec
from ..testing.fakes.making import copied, fake_request, fake_response, fake_websocket
from .calls import DRY_RUN_TAG, Call
from .members import redeclare
from .observation import Steps
from .report import Cost

_ROUNDS: Final = 200
_MEMORY_ROUNDS: Final = 20
_SECONDS: Final = 0.3  # for one member at most
_MAKERS: Final[Mapping[str, Callable[..., Any]]] = {
    "request": fake_request,
    "response": fake_response,
    "ws": fake_websocket,
}


def costs(members: Mapping[str, MemberSpec], calls: Mapping[str, Call]) -> Iterator[tuple[str, Cost]]:
    """Yield the cost of each member that runs without a server.

    Args:
        members: all of an app, by "target.name".
        calls: of the members to measure.
    """
    extension = redeclare(members)
    user_data = {"username": DRY_RUN_TAG}
    templates = {
        each: make(extension, **({"user_data": user_data} if each == "ws" else {})) for each, make in _MAKERS.items()
    }
    for name, call in calls.items():
        if call.upgrades:
            continue
        try:
            yield name, asyncio.run(_measured(templates, name.partition(".")[0], call))
        except Exception:  # noqa: S112 - the probes report what a member raises
            continue


async def _measured(templates: Mapping[str, Any], target: str, call: Call) -> Cost:
    gc.collect()
    gc.disable()
    try:
        times: list[int] = []
        until = time.perf_counter() + _SECONDS
        while len(times) < _ROUNDS and (len(times) < 3 or time.perf_counter() < until):
            times.append(await _timed(await _ready(templates, target, call)))
        empty = [await _timed(lambda: None) for _ in range(_ROUNDS)]
        peaks: list[int] = []
        tracemalloc.start()
        until = time.perf_counter() + _SECONDS
        while len(peaks) < _MEMORY_ROUNDS and (not peaks or time.perf_counter() < until):
            peaks.append(await _peak(await _ready(templates, target, call)))
    finally:
        tracemalloc.stop()
        gc.enable()
    return Cost(max(0, int(statistics.median(times) - statistics.median(empty))), int(statistics.median(peaks)))


async def _ready(templates: Mapping[str, Any], target: str, call: Call) -> Callable[[], Any]:
    """Make fresh objects and the calls that go before; return a function that calls the member on one of them."""
    live = {each: copied(template) for each, template in templates.items()}
    there = {**live, "tag": DRY_RUN_TAG}
    for name, earlier in call.earlier:
        value = earlier(live[name], there)
        if isawaitable(value):
            await value
    return call.bound(live[target], there)


class _Sum:
    """Adds up the steps of a coroutine, without the time that it waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def take(self, seconds: float) -> None:
        self.seconds += seconds


async def _timed(run: Callable[[], Any]) -> int:
    steps = _Sum()
    start = time.perf_counter_ns()
    value = run()
    taken = time.perf_counter_ns() - start
    if isawaitable(value):
        await Steps(value, steps)
    return taken + int(steps.seconds * 1e9)


async def _peak(run: Callable[[], Any]) -> int:
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    value = run()
    if isawaitable(value):
        await value
    _, peak = tracemalloc.get_traced_memory()
    return max(0, peak - before)
