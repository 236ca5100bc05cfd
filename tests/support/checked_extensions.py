"""Extensions for the conformance check: one for each kind of finding, and good ones that look suspicious."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, Literal

import socketify
from pydantic import BaseModel

import socketify_ext
from socketify_ext import HTTPError, extension


def declare(name, *parts, **arguments):
    """Declare a documented extension of functions that add one member each."""

    def function(request, response, ws):
        """Be checked."""
        for part in parts:
            part(request, response, ws)

    return extension(name, **arguments)(function)


def member_of(target):
    """Add the decorated function to a target."""

    def add(function):
        def part(request, response, ws):
            {"request": request, "response": response, "ws": ws}[target].method(function)

        return part

    return add


# -- one for each kind of finding

seen: list[Any] = []


@extension("leaks-in-a-global")
def leaks_in_a_global(request: Any, response: Any, ws: Any) -> None:
    """Remember everybody."""

    @request.method
    def visitors(self: Any) -> list[str]:
        """Name everybody who came."""
        seen.append(self.get_header("x-visitor"))
        return list(seen)


@extension("leaks-in-a-default")
def leaks_in_a_default(request: Any, response: Any, ws: Any) -> None:
    """Return everybody one basket."""
    basket: list[str] = []
    request.property("basket", default_factory=lambda: basket, type=list[str])


@extension("leaks-in-a-value")
def leaks_in_a_value(request: Any, response: Any, ws: Any) -> None:
    """Compute everybody the same."""
    rights: list[str] = []

    @request.property
    async def rights_of_all(self: Any) -> list[str]:
        """Look the rights up."""
        await asyncio.sleep(0)
        return rights


@extension("blocks-in-a-value")
def blocks_in_a_value(request: Any, response: Any, ws: Any) -> None:
    """Hold everybody up."""

    @request.property
    async def slow(self: Any) -> int:
        """Look it up."""
        await asyncio.sleep(0)
        time.sleep(0.06)  # noqa: ASYNC251 - what is to be found
        return 1


@extension("leaks-in-an-answer")
def leaks_in_an_answer(request: Any, response: Any, ws: Any) -> None:
    """Answer all with what the first one asked for."""
    cache: dict[str, bytes] = {}

    @response.method
    def cached(self: Any, text: str) -> None:
        """Answer from the cache."""
        self.end(cache.setdefault("page", text.encode()))


@extension("leaks-on-a-socket")
def leaks_on_a_socket(request: Any, response: Any, ws: Any) -> None:
    """Remember the last speaker."""
    last: dict[str, str] = {}

    @ws.method
    def previous(self: Any) -> str:
        """Name who spoke before."""
        previous = last.get("name", "")
        last["name"] = self.get_user_data()["username"]
        return previous


@member_of("request")
async def looked_up(self: Any) -> str:
    """Look something up."""
    await asyncio.sleep(0)
    time.sleep(0.06)  # noqa: ASYNC251 - what is to be found
    return "found"


blocks = declare("blocks", looked_up)


@member_of("request")
def audit(self: Any) -> None:
    """Write a line later."""

    async def write() -> None:
        await asyncio.sleep(0.01)
        self.get_header("user-agent")

    self.task = self.app.loop.loop.create_task(write())


late_read = declare("late-read", audit)


@member_of("response")
def exact(self: Any) -> None:
    """Answer with a complex number."""
    self.end({"value": 1j})


answer = declare("answer", exact)


@member_of("request")
def task_name(self: Any) -> str:
    """Name the task."""
    task = asyncio.current_task()
    if task is None:
        raise LookupError("no task runs")
    return "task"


differs = declare("differs", task_name)


@member_of("request")
def page(self: Any) -> int:
    """Return the page."""
    return int(self.get_query("page"))


raises = declare("raises", page)


@member_of("response")
def twice(self: Any) -> None:
    """Answer twice."""
    self.end("once")
    self.end("again")


logged = declare("logged", twice)


@member_of("response")
def forgotten(self: Any) -> None:
    """Promise an answer."""
    self.on_aborted(lambda res: None)


hangs = declare("hangs", forgotten)


@member_of("ws")
def leave(self: Any) -> None:
    """End it all."""
    os._exit(3)


crashes = declare("crashes", leave)


@extension("types")
def types(request: Any, response: Any, ws: Any) -> None:
    """Say nothing of types."""

    @request.method
    def untyped(self, value=1) -> int:
        """Return a value."""
        return value

    @request.method
    def no_result(self: Any):
        """Return nothing."""

    request.property("mood", "calm")


@extension("docs")
def docs(request: Any, response: Any, ws: Any) -> None:
    @request.method
    def silent(self: Any) -> None: ...


def register(request: Any, response: Any, ws: Any) -> None:
    """Take a name that is the core's."""
    request.method(lambda self: None, name="get_header")


BAD = {
    "leaks_in_a_global": "leaks",
    "leaks_in_a_default": "leaks",
    "leaks_in_an_answer": "leaks",
    "leaks_in_a_value": "leaks",
    "leaks_on_a_socket": "leaks",
    "blocks": "blocks",
    "blocks_in_a_value": "blocks",
    "late_read": "late-read",
    "answer": "answer",
    "differs": "differs",
    "raises": "raises",
    "logged": "logged",
    "hangs": "hangs",
    "crashes": "crashes",
    "types": "types",
    "docs": "docs",
    "register": "register",
}


# -- good ones


class Options(BaseModel):
    word: str


@extension("good", options=Options)
def good(request: Any, response: Any, ws: Any, *, options: Options, app: Any) -> None:
    """Do what may be done, in every way that may look wrong."""
    app.get("/good", lambda res, req: res.end("good"))
    request.property("tags", default_factory=dict, type=dict[str, str])

    @request.property
    def tag(self: Any) -> dict[str, Any]:
        """Read the request at once."""
        return {"visitor": self.get_header("x-visitor")}

    @request.property
    async def profile(self: Any) -> dict[str, Any]:
        """Read the request before and after an await."""
        before = self.tag
        await asyncio.sleep(0.001)
        return {"again": self.get_header("x-visitor"), **before}

    @request.property
    async def admin(self: Any) -> None:
        """Refuse everybody."""
        raise HTTPError(403)

    @request.method
    async def visitor(self: Any) -> dict[str, str]:
        """Read before and after an await."""
        before = self.get_header("x-visitor")
        await asyncio.sleep(0.001)
        return {"visitor": before, "again": self.get_header("x-visitor"), "word": options.word}

    @request.method
    def strict(self: Any) -> None:
        """Refuse everybody."""
        raise HTTPError(403)

    @request.method
    def later(self: Any) -> None:
        """Work on after the handler, on a request that was kept."""
        self.preserve()

        async def work() -> None:
            await asyncio.sleep(0.001)
            self.get_header("user-agent")

        self.task = app.loop.loop.create_task(work())

    @response.method
    def promised(self: Any, value: Any) -> None:
        """Answer later."""

        async def answer() -> None:
            await asyncio.sleep(0.001)
            self.end(value)

        self.run_async(answer())

    @response.method
    async def posted(self: Any, *, kind: Literal["json", "text"], to: socketify_ext.Request) -> Any:
        """Read the body, and answer nothing."""
        return await (self.get_json() if kind == "json" else self.get_text())

    @ws.method
    def farewell(self: Any, code: int | None, words: list[str]) -> None:
        """Say so, and close."""
        self.send(" ".join(words))
        self.end(1000)


@extension("unguessable")
def unguessable(request: Any, response: Any, ws: Any) -> None:
    """Take what nobody can make up."""

    @request.method
    def apply(self: Any, function: Callable[[], int]) -> int:
        """Call a function."""
        return function()

    @request.method
    def item(self: Any, key: str) -> int:
        """Look a key up."""
        return {"tea": 1}[key]


def run(app: Any) -> None:
    """Put extensions on an app that the core's command line has made."""
    socketify_ext.install(app)
    app.register(good.configured(word="tea"))
    app.register(docs)


def stuck() -> None:
    """Never come back."""
    time.sleep(60)


def stock() -> Any:
    """Make a stock app."""
    app = socketify.App()
    app.register(declare("blocks", looked_up))
    return app


def bad() -> Any:
    """Make an app with all that is bad and can be registered."""
    app = socketify_ext.App()
    for name in BAD:
        if name not in ("register", "leaks_on_a_socket"):
            app.register(globals()[name])
    app.register(leaks_on_a_socket)
    return app


def unsure() -> Any:
    """Make an app with what can't be called without being told how."""
    app = socketify_ext.App()
    app.register(unguessable)
    return app
