"""Corking: the writes of a synchronous callback go out in one piece, and its errors reach the caller."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .. import errors
from .core import ffi, from_handle


class CorkedCall:
    """A callback that runs inside a cork, and its error.

    Raises:
        CorkError: the callback is a coroutine function.
        TypeError: it can't be called.
    """

    __slots__ = ("callback", "error", "instance")

    def __init__(self, callback: Callable[[Any], Any], instance: Any) -> None:
        if inspect.iscoroutinefunction(callback):
            raise errors.CorkError(
                "cork", "was given a coroutine function", "calls inside it are synchronous", "Await first, then cork"
            )
        if not callable(callback):
            raise TypeError(f"cork takes a function, not a {type(callback).__name__}")
        self.callback = callback
        self.instance = instance
        self.error: BaseException | None = None

    def run(self) -> None:
        """Run the callback; the caller is C, which no error may pass through."""
        try:
            self.callback(self.instance)
        except BaseException as error:  # it can't pass through C; the caller raises it
            self.error = error


@ffi.callback("void(uws_res_t*, void*)")  # type: ignore[untyped-decorator]
def _on_response_cork(res: Any, user_data: Any) -> None:
    from_handle(user_data).run()


@ffi.callback("void(void*)")  # type: ignore[untyped-decorator]
def _on_websocket_cork(user_data: Any) -> None:
    from_handle(user_data).run()


def cork_response(library: Any, ssl: Any, res: Any, call: CorkedCall) -> None:
    """Run a callback inside a cork of the response `res`, and raise its error."""
    handle = ffi.new_handle(call)
    library.uws_res_cork(ssl, res, _on_response_cork, handle)
    if call.error is not None:
        raise call.error


def cork_websocket(library: Any, ssl: Any, ws: Any, call: CorkedCall) -> None:
    """Run a callback inside a cork of the socket `ws`, and raise its error."""
    handle = ffi.new_handle(call)
    library.uws_ws_cork(ssl, ws, _on_websocket_cork, handle)
    if call.error is not None:
        raise call.error
