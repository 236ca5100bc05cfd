"""What each request and each publication asks of its server, in slots: the compiled hot path finds it at its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .core import cast, ffi

if TYPE_CHECKING:
    from .response import Response
    from .routes import Route
    from .topics import TopicCounts

_NUMBER = ffi.typeof("uintptr_t")


class ServerState:
    """The part of a server that is read or set most often.

    Args:
        app: the core's app.
    """

    __slots__ = ("address", "dump_json", "entered", "has_topics", "ssl", "thread", "topic_counts", "yielded")

    dump_json: Callable[[Any], bytes]
    thread: int

    def __init__(self, app: Any) -> None:
        self.address = int(cast(_NUMBER, app.app))  # of the native app
        self.ssl = int(app.SSL)  # the core's own is a C object, which costs more to convert
        self.entered: Route | None = None  # whose handler's first step has begun last
        self.yielded: Response | None = None  # the response that a route has just yielded to the next one
        self.has_topics = False  # the core makes its table of topics with the first WebSocket route
        self.topic_counts: TopicCounts | None = None
