"""The server's side of a check: routes and sockets that call members in every style, and report the observations."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict
from inspect import isawaitable
from typing import Any, Final
from urllib.parse import unquote

from .calls import Call
from .observation import Observation, Steps, current, shown
from .places import EVENTS, PREFIX

_TEXT: Final = 1
_FILL: Final = 256 * 1024  # bytes
_PATIENCE: Final = 1.0  # seconds that a member's own tasks get to end


class Probe:
    """Call members on an app's requests, responses and sockets.

    Args:
        app: a stock or an installed one; it gets the routes.
        calls: how each member is called, by "target.name".
    """

    def __init__(self, app: Any, calls: Mapping[str, Call]) -> None:
        self.app = app
        self.calls = calls
        self.done: dict[str, Observation] = {}
        self.changed = asyncio.Event()
        self.before: set[Any] = set()
        self.started: set[Any] = set()
        self.promise: Promise

    def add_routes(self) -> None:
        """Add the routes to the app."""
        handlers = {"sync": self.answer_sync, "async": self.answer_async, "late": self.answer_late}
        for style, handler in handlers.items():
            self.app.get(f"{PREFIX}/http/{style}/:member/:cell/:extra", handler)
            self.app.ws(f"{PREFIX}/upgrade/{style}/:member/:cell", {"upgrade": self.upgrading(style)})
            events = {event: self.on_event(event, style) for event in EVENTS}
            behavior = {"upgrade": self.accept, "max_backpressure": 64 * 1024 * 1024, **events}
            self.app.ws(f"{PREFIX}/ws/{style}/:member/:cell/:event", behavior)
        self.app.get(f"{PREFIX}/observed/:cell", self.report)

    # -- requests

    def answer_sync(self, res: Any, req: Any) -> None:
        """Call a member, and answer unless it does, at once or later."""
        cell = req.get_parameter(1)
        observation, value = self.begin(unquote(req.get_parameter(0)), cell, req, res)
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

    def begin(self, member: str, cell: str, req: Any, res: Any) -> tuple[Observation, Any]:
        """Call a member of a request or a response."""
        there = {"request": req, "response": res}
        self.promise = Promise(res)
        return self.call(member, cell, req if member.startswith("request.") else res, there)

    def end(self, res: Any) -> None:
        """Answer unless the member has, or has promised to."""
        if not self.promise.kept_for_later() and not res.has_responded():
            res.end(b"")

    def call(self, member: str, cell: str, target: Any, there: Mapping[str, Any]) -> tuple[Observation, Any]:
        """Call a member, and begin its observation."""
        observation = Observation(left=shown({**vars(target)} if hasattr(target, "__dict__") else {}))
        current.set(observation)
        self.before = asyncio.all_tasks(self.app.loop.loop)
        value = None
        start = time.perf_counter()
        try:
            value = self.calls[member](target, {**there, "tag": cell})
        except Exception as error:  # the check looks for it
            observation.fail(error)
        observation.take(time.perf_counter() - start)
        return observation, value

    async def finish(self, observation: Observation, value: Any, cell: str, res: Any) -> None:
        """Await what a member returned, and answer unless it has."""
        if res is not None:
            self.promise.is_noting = True
        if isawaitable(value):
            try:
                value = await Steps(value, observation)
            except Exception as error:  # the check looks for it
                observation.fail(error)
                value = None
        self.complete(observation, value, cell)
        if res is not None:
            self.end(res)

    def complete(self, observation: Observation, value: Any, cell: str) -> None:
        """End the observation."""
        observation.look_at(value, cell)
        self.started = self.fresh_tasks()  # one that ends before the report is looked at, too
        self.done[cell] = observation
        self.changed.set()
        self.changed.clear()

    def fresh_tasks(self) -> set[Any]:
        """Return the tasks that have begun since the member was called, except the running one."""
        loop = self.app.loop.loop
        return asyncio.all_tasks(loop) - self.before - {asyncio.current_task(loop)}

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
            observation, value = self.begin(unquote(req.get_parameter(0)), cell, req, res)
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
            observation, value = self.begin(unquote(req.get_parameter(0)), cell, req, res)
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

    # -- what was seen

    async def report(self, res: Any, req: Any) -> None:
        """Answer with the observation of a cell once it is complete, its member's own tasks included."""
        cell = req.get_parameter(0)
        current.set(None)
        while cell not in self.done:
            await self.changed.wait()
        await self.settle(self.done[cell])
        res.cork_end(asdict(self.done[cell]))

    async def settle(self, observation: Observation) -> None:
        """Wait until what the member has started is done, or a limit is reached."""
        fresh = (self.started | self.fresh_tasks()) - {asyncio.current_task()}
        if fresh:
            ended, _ = await asyncio.wait(fresh, timeout=_PATIENCE)
            for task in ended:
                error = None if task.cancelled() else task.exception()
                if error is not None:
                    observation.logged.append(f"a task of its own ended with {type(error).__name__}: {error}")
        await asyncio.sleep(0)
        await asyncio.sleep(0)


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
