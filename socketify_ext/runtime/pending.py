"""The table of responses that native callbacks may still come for, and the callbacks that look in it.

A callback finds a response through its number, never through its address, so that a late one finds nothing instead
of freed memory.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from .core import cast, ffi

if TYPE_CHECKING:
    from .response import Response

ADDRESS: Final = ffi.typeof("void *")  # as which a callback gets a number
_NUMBER: Final = ffi.typeof("uintptr_t")

# By the number that the callbacks are given; across all apps of the process, since a callback brings nothing else.
# An entry leaves with its answer or its client.
pending: Final[dict[int, Response]] = {}
next_key: Final = itertools.count(1).__next__


def pending_response(user_data: Any) -> Response | None:
    """Return the response that a native callback comes for, None where it is answered or gone."""
    return pending.get(int(cast(_NUMBER, user_data)))


@ffi.callback("void(uws_res_t*, void*)")  # type: ignore[untyped-decorator]
def on_aborted(res: Any, user_data: Any) -> None:
    """Handle that the client has left."""
    response = pending_response(user_data)
    if response is not None:
        response._leave()


@ffi.callback("bool(uws_res_t*, uintmax_t, void*)")  # type: ignore[untyped-decorator]
def on_writable(res: Any, offset: int, user_data: Any) -> bool:
    """Handle that the client takes more."""
    response = pending_response(user_data)
    if response is None:
        return True
    if response._is_watched:
        response._write_on()
    if response._writable_handler is None or response._answered:
        return True
    return bool(response._server.call(response, response._writable_handler, response, offset))
