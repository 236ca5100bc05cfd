"""The app and the server behind a fake: it keeps publications, and runs coroutines in the loop of the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from ...runtime.core import OpCode
from ...runtime.request_body import MAX_BODY, MAX_HELD_BODIES
from ...runtime.serializer import make_dump
from ...sdk.compilation import subclass


@dataclass
class Published:
    """One message that was published."""

    topic: str
    message: Any
    opcode: int


class FakeApp:
    """Stand for the app: `published` keeps what was published, `subscribers` has the number of listeners by topic."""

    _template: Any = None

    def __init__(self) -> None:
        self.published: list[Published] = []
        self.subscribers: dict[str, int] = {}
        self._json_serializer: Any = json

    def publish(self, topic: str | bytes, message: Any, opcode: int = OpCode.BINARY, compress: bool = False) -> bool:  # noqa: ARG002 - the core's signature
        """Note a message."""
        self.published.append(Published(text_of(topic), message, int(opcode)))
        return True

    def num_subscribers(self, topic: str | bytes) -> int:
        """Return how many listen on a topic."""
        return self.subscribers.get(text_of(topic), 0)


class FakeServer:
    """Stand for the server behind an app."""

    max_body = MAX_BODY
    max_held_bodies = MAX_HELD_BODIES
    held_bytes = 0
    cancel_on_abort = False
    has_warned_of_plain_http = True  # a fake response has no connection
    upgrading: Any = None
    yielded = None
    topic_counts = None

    def __init__(self, app: Any, serializer: Any) -> None:
        self.app = app
        self.dump_json = make_dump(serializer)
        self.tasks: set[asyncio.Task[Any]] = set()
        self._calls_back = False
        self._error: BaseException | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that runs the test."""
        return asyncio.get_running_loop()

    def start(self, coroutine: Coroutine[Any, Any, Any], *_: Any) -> None:
        """Run what `res.run_async` was given in the loop that runs the test."""
        task = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def call(self, _: Any, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a callback of a response; if it returns a coroutine, run it."""
        try:
            result = function(*arguments)
        except BaseException as error:
            if not self._calls_back:
                raise
            self._error = error  # it can't pass through C; `call_back` raises it
            return None
        return self.start(result) if asyncio.iscoroutine(result) else result

    def call_back(self, callback: Any, *arguments: Any) -> None:
        """Run a native callback as the core does, and raise what a callback of the response raises in it."""
        earlier, self._calls_back = self._calls_back, True
        try:
            callback(*arguments)
        finally:
            self._calls_back = earlier
        error, self._error = self._error, None
        if error is not None:
            raise error


def put_behind(compiled: type, app: Any, serializer: Any, native: Mapping[str, Any]) -> type:
    """Make a class of a compiled one whose objects have `app`, a server in the loop of the test and a native layer."""
    shared = {"app": app, "_server": FakeServer(app, serializer), "_ssl": 0, **native}
    return subclass(compiled, shared)


def text_of(name: str | bytes) -> str:
    """Return a topic's name as text."""
    return name.decode() if isinstance(name, bytes) else name
