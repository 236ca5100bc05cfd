"""The server's side of a check of members: routes and sockets that call them in every style, and keep the observations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from inspect import isawaitable, iscoroutine
from time import perf_counter
from typing import Any, Final
from urllib.parse import unquote

from .calls import Call
from .observation import Observation, Steps, current, mark, shown
from .places import EVENTS, PREFIX

_TEXT: Final = 1
_FILL: Final = 256 * 1024  # bytes
_POOLED: Final = (
    "the core reuses the response when a sync handler has returned, so that it can't be answered from a coroutine "
    "(docs/safety.md, H11)"
)


class Probe:
    """Call members on an app's requests, responses and sockets.

    Args:
        app: a stock or an installed one.
        calls: how each member is called, by "target.name".
        is_pooled: whether the core takes a response back into its pool when a sync handler has returned.
    """

    def __init__(self, app: Any, calls: Mapping[str, Call], *, is_pooled: bool) -> None:
        self.app = app
        self.calls = calls
        self.is_pooled = is_pooled
        self.begun: set[str] = set()
        self.done: dict[str, Observation] = {}
        self.promise: Promise

    def add_routes(self, place: Any) -> None:
        """Add the routes to the app, or to a scope of it."""
        handlers = {"sync": self.answer_sync, "async": self.answer_async, "late": self.answer_late}
        for style, handler in handlers.items():
            for method in (place.get, place.post):
                method(f"{PREFIX}/http/{style}/:member/:cell/:extra", handler)
            place.ws(f"{PREFIX}/upgrade/{style}/:member/:cell", {"upgrade": self.upgrading(style)})
            events = {event: self.on_event(event, style) for event in EVENTS}
            behavior = {"upgrade": self.accept, "max_backpressure": 64 * 1024 * 1024, **events}
            place.ws(f"{PREFIX}/ws/{style}/:member/:cell/:event", behavior)

    # -- requests

    def answer_sync(self, res: Any, req: Any) -> None:
        """Call a member, and answer unless it does, at once or later."""
        cell = req.get_parameter(1)
        observation, value = self.begin(unquote(req.get_parameter(0)), cell, req, res)
        value = self.dropped(observation, value)
        if isawaitable(value):
            self.promise.run_apart(self.finish(observation, value, cell, res))
        else:
            self.complete(observation, value, cell)
            self.end(res)

    async def answer_async(self, res: Any, req: Any) -> None:
        """Call a member in a coroutine, before its first await, and answer unless it does."""
        cell = req.get_parameter(1)
        observation, value = self.begin(unquote(req.get_parameter(0)), cell, req, res)
        await self.finish(observation, value, cell, res)

    async def answer_late(self, res: Any, req: Any) -> None:
        """Call a member in a coroutine that was suspended before, and answer unless it does."""
        await asyncio.sleep(0.001)
        await self.answer_async(res, req)

    def begin(self, member: str, cell: str, req: Any, res: Any, **more: Any) -> tuple[Observation, Any]:
        """Call a member of a request or a response."""
        there = {"request": req, "response": res, **more}
        self.promise = Promise(res)
        return self.call(member, cell, req if member.startswith("request.") else res, there)

    def dropped(self, observation: Observation, value: Any) -> Any:
        """Return a value, None in place of a coroutine that the core can't run from a sync handler."""
        if not self.is_pooled or not isawaitable(value):
            return value
        if iscoroutine(value):
            value.close()
        observation.outcome, observation.error = "impossible", _POOLED
        return None

    def end(self, res: Any) -> None:
        """Answer unless the member has, or has promised to."""
        if not self.promise.kept_for_later() and not res.has_responded():
            res.end(b"")

    def call(self, member: str, cell: str, target: Any, there: Mapping[str, Any]) -> tuple[Observation, Any]:
        """Call a member, and begin its observation."""
        observation = Observation(left=shown({**vars(target)} if hasattr(target, "__dict__") else {}))
        current.set(observation)
        self.begun.add(cell)
        value = None
        start = perf_counter()
        try:
            value = self.calls[member].run(target, {**there, "tag": cell})
        except BaseException as error:
            self.failed(observation, error, cell)
        observation.take(perf_counter() - start)
        if isinstance(value, AbstractAsyncContextManager) and not isawaitable(value):
            value = _within(value, cell)
        return observation, value

    def failed(self, observation: Observation, error: BaseException, cell: str) -> None:
        """Record what a member raised; what ends the process goes on to do so."""
        if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
            raise error
        observation.fail(error)
        if observation.outcome == "ended":
            self.complete(observation, None, cell)
            raise error

    async def finish(self, observation: Observation, value: Any, cell: str, res: Any) -> None:
        """Await what a member returned, and answer unless it has."""
        if res is not None:
            self.promise.is_noting = True
        if isawaitable(value):
            try:
                value = await Steps(value, observation)
            except BaseException as error:
                self.failed(observation, error, cell)
                value = None
        self.complete(observation, value, cell)
        if res is not None:
            self.end(res)

    def complete(self, observation: Observation, value: Any, cell: str) -> None:
        """End the observation."""
        observation.look_at(value, cell)
        self.done[cell] = observation

    # -- sockets

    def accept(self, res: Any, req: Any, context: Any) -> None:
        """Accept a socket with the member and the event of its call."""
        member, cell, event = (req.get_parameter(index) for index in range(3))
        names = ("key", "protocol", "extensions")
        data = {"username": cell, "member": unquote(member), "cell": cell, "event": event}
        res.upgrade(*(req.get_header(f"sec-websocket-{name}") for name in names), context, data)

    def upgrading(self, style: str) -> Callable[..., Any]:
        """Call a member of a request or a response before the upgrade."""

        def upgrade(res: Any, req: Any, context: Any) -> None:
            cell = req.get_parameter(1)
            observation, value = self.begin(unquote(req.get_parameter(0)), cell, req, res, context=context)
            value = self.dropped(observation, value)
            if isawaitable(value):
                self.promise.run_apart(go_on(observation, value, cell, res, req, context))
            else:
                self.complete(observation, value, cell)
                self.accept_after(res, req, context, cell)

        async def go_on(observation: Observation, value: Any, cell: str, res: Any, req: Any, context: Any) -> None:
            self.promise.is_noting = True
            if isawaitable(value):
                await self.finish(observation, value, cell, None)
            else:
                self.complete(observation, value, cell)
            self.accept_after(res, req, context, cell)

        async def upgrade_async(res: Any, req: Any, context: Any) -> None:
            if style == "late":
                await asyncio.sleep(0.001)
            cell = req.get_parameter(1)
            observation, value = self.begin(unquote(req.get_parameter(0)), cell, req, res, context=context)
            await go_on(observation, value, cell, res, req, context)

        return upgrade if style == "sync" else upgrade_async

    def accept_after(self, res: Any, req: Any, context: Any, cell: str) -> None:
        """Upgrade unless the member has answered."""
        if not self.promise.kept_for_later() and not res.has_responded():
            names = ("key", "protocol", "extensions")
            res.upgrade(*(req.get_header(f"sec-websocket-{name}") for name in names), context, {"username": cell})

    def on_event(self, event: str, style: str) -> Callable[..., Any]:
        """Return an event's handler, which calls the member if the socket was made for this event."""

        def sync(ws: Any, *_: Any) -> None:
            data = self.prepare(ws, event)
            if data is not None:
                observation, value = self.call(data["member"], data["cell"], ws, {"ws": ws})
                if isawaitable(value):
                    self.app.loop.run_async(self.finish(observation, value, data["cell"], None))
                else:
                    self.complete(observation, value, data["cell"])

        async def suspending(ws: Any, *_: Any) -> None:
            data = self.prepare(ws, event)
            if data is not None:
                if style == "late":
                    await asyncio.sleep(0.001)
                observation, value = self.call(data["member"], data["cell"], ws, {"ws": ws})
                await self.finish(observation, value, data["cell"], None)

        async def message(ws: Any, data: Any, opcode: Any) -> None:
            await suspending(ws, data, opcode)

        if style == "sync":
            return sync
        return message if event == "message" else suspending

    def prepare(self, ws: Any, event: str) -> dict[str, Any] | None:
        """Trigger the events, and return the socket's data if it was made for this event."""
        data: dict[str, Any] = ws.get_user_data()
        if event == "open" and data["event"] == "subscription":
            ws.subscribe(data["cell"])
        if event == "message" and data["event"] == "drain":
            while not ws.get_buffered_amount():
                ws.send(bytes(_FILL))
            ws.send("full", _TEXT)
        if data["event"] != event or data["cell"] in self.done:
            return None
        return data


async def _within(manager: AbstractAsyncContextManager[Any], cell: str) -> Any:
    """Use a context manager that a member has returned, as its caller would, and leave a mark in what it gives."""
    async with manager as value:
        mark(value, cell)
    return value


class Promise:
    """Records whether a member leaves the answer of a response for later."""

    def __init__(self, res: Any) -> None:
        self.res = res
        self.later = False
        self.is_noting = True
        for name in ("run_async", "on_aborted", "on_writable", "on_data", "grab_aborted_handler"):
            self._note(name, later=True)
        self._note("get_data", later=False)  # reading a body is not a promise to answer

    def _note(self, name: str, *, later: bool) -> None:
        inner = getattr(self.res, name)

        def noting(*arguments: Any) -> Any:
            noted = self.later or (later and self.is_noting)
            result = inner(*arguments)
            self.later = noted
            return result

        setattr(self.res, name, noting)

    def kept_for_later(self) -> bool:
        """Return the record, and stop recording."""
        for name in ("run_async", "on_aborted", "on_writable", "on_data", "grab_aborted_handler", "get_data"):
            vars(self.res).pop(name, None)
        return self.later

    def run_apart(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run our own coroutine on the response, which is not a promise of the member's; it resumes the recording."""
        self.is_noting = False
        self.res.run_async(coroutine)
