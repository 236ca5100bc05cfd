"""What stands behind a fake: an app that keeps what was published, and a server in the loop of the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from ...runtime.core import OpCode
from ...runtime.json_encoder import make_dump


@dataclass
class Published:
    """One message that was published."""

    topic: str
    message: Any
    opcode: int


class FakeApp:
    """Stand for the app: `published` keeps what was published, `subscribers` tells how many listen on a topic."""

    def __init__(self) -> None:
        self.published: list[Published] = []
        self.subscribers: dict[str, int] = {}
        self._json_serializer: Any = json

    def publish(self, topic: str | bytes, message: Any, opcode: int = OpCode.BINARY, compress: bool = False) -> bool:  # noqa: ARG002 - the core's signature
        """Note a message."""
        self.published.append(Published(text_of(topic), message, int(opcode)))
        return True

    def num_subscribers(self, topic: str | bytes) -> int:
        """Tell how many listen on a topic."""
        return self.subscribers.get(text_of(topic), 0)


class FakeLoop:
    """Stand for the core's loop, which is told that something goes on."""

    is_idle = False


class FakeServer:
    """Stand for the server behind an app."""

    yielded = None

    def __init__(self, app: Any, serializer: Any) -> None:
        self.app = app
        self.dump_json = make_dump(serializer)
        self.tasks: set[asyncio.Task[Any]] = set()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Give the loop that runs the test."""
        return asyncio.get_running_loop()

    def start(self, coroutine: Coroutine[Any, Any, Any], *_: Any) -> None:
        """Run what `res.run_async` was given in the loop that runs the test."""
        task = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def call(self, _: Any, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a callback of a response; if it gives a coroutine, run it."""
        result = function(*arguments)
        if asyncio.iscoroutine(result):
            return self.start(result)
        return result


def put_behind(compiled: type, app: Any, serializer: Any) -> type:
    """Make a class of a compiled fake class whose objects have `app` and a server in the loop of the test."""
    shared = {"app": app, "_server": FakeServer(app, serializer), "_ssl": 0, "_loop": FakeLoop()}
    head = {"__module__": compiled.__module__, "__qualname__": compiled.__qualname__, "__doc__": compiled.__doc__}
    return type(compiled.__name__, (compiled,), head | shared)


def text_of(name: str | bytes) -> str:
    """Give a name as text: a topic's, or a header's."""
    return name.decode() if isinstance(name, bytes) else name
