"""What each request asks of its server, in slots: the compiled hot path reads and sets it at its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .response import Response
    from .routes import Route


class ServerState:
    """The part of a server that each request reads or sets."""

    __slots__ = ("dump_json", "entered", "yielded")

    dump_json: Callable[[Any], bytes]
    entered: Route | None
    yielded: Response | None

    def __init__(self) -> None:
        self.entered = None  # whose handler's first step has begun last
        self.yielded = None  # the response that a route has just yielded to the next one
