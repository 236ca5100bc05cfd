"""The response of a request whose handler's first step runs.

A request does not keep its response, which keeps the request: the two would be garbage for the collector after each
request. In the first step the native callback that has made both is on the stack, and is looked up there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Final, TypeVar

Callback = TypeVar("Callback", bound=Callable[..., Any])

_CALLBACKS: Final[set[CodeType]] = set()


def dispatches(callback: Callback) -> Callback:
    """Mark a native callback that keeps a request and its response in variables of these names."""
    _CALLBACKS.add(callback.__code__)
    return callback


def is_dispatcher(code: CodeType) -> bool:
    """Check whether code belongs to a marked callback."""
    return code in _CALLBACKS


def dispatched_response(request: Any, is_callback: Callable[[CodeType], bool] = is_dispatcher) -> Any:
    """Return the response of a request that a native callback handles now in this thread, or None."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if is_callback(frame.f_code) and frame.f_locals.get("request") is request:
            return frame.f_locals.get("response")
        frame = frame.f_back
    return None
