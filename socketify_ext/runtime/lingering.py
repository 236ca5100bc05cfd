"""Connections that close behind an answer while their client still sends (RFC 9112, 9.6).

A connection that is closed with unread bytes is reset, and the client may lose the answer. So only the writing side
closes; what comes is read and dropped for a while. It is done on a descriptor of our own, since the core's connection
may end, and its number be another one's, at any time.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Any, Final

from .core import cast, ffi

if TYPE_CHECKING:
    from .response import Response

_SECONDS: Final = 2.0
_MOST: Final = 256  # at a time; those beyond them stay open until their clients or the core's timeout close them
_NUMBER: Final = ffi.typeof("intptr_t")


def close_behind_answer(response: Response) -> None:
    """Close the connection of a response that is about to be answered."""
    server = response._server
    if len(server.lingering) >= _MOST:
        return
    # As one without TLS: its handle is the descriptor.
    handle = response._lib.uws_res_get_native_handle(0, response.res)
    if handle is None:  # a fake has no connection
        return
    number = int(cast(_NUMBER, handle))
    with contextlib.suppress(OSError):  # too many open files
        connection = socket.socket(fileno=os.dup(number))
        server.lingering.add(connection)
        server.loop.call_soon(_shut, connection, socket.SHUT_WR)  # behind the answer, which is sent in this event
        server.loop.call_later(_SECONDS, _end, server.lingering, connection)


def close_all(lingering: set[socket.socket]) -> None:
    """Close the connections whose time is not over yet."""
    for connection in list(lingering):
        _end(lingering, connection)


def _end(lingering: set[socket.socket], connection: Any) -> None:
    lingering.discard(connection)
    _shut(connection, socket.SHUT_RDWR)
    connection.close()


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # the client was faster
        connection.shutdown(how)
