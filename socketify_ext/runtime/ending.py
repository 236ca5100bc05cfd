"""The end of a server's work: what is waited for, and what is cancelled then."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import stat
from typing import TYPE_CHECKING, Final

from .pending import pending
from .request_body import hold
from .variables import run_in

if TYPE_CHECKING:
    from .response import Response
    from .server import Server

log = logging.getLogger("socketify_ext")

PATIENCE: Final = 1.0
"""Seconds that the end waits for a client that does not go on, for an endless answer, and for what is no request."""

_STEP: Final = 0.01  # seconds between two looks
_LOOK: Final = 0.05  # seconds between two looks at the connections
_DESCRIPTORS: Final = "/dev/fd"
_NAMED: Final = 5  # handlers that a line of the log names


def open_responses(server: Server) -> list[Response]:
    """Return the responses that are not answered yet, of requests that have outlived their handler's first step."""
    return [response for response in list(pending.values()) if response._server is server]


class Drain:
    """Decides whether the work of a server is worth waiting for, and notes how far clients have come."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._began = server.loop.time()
        self._progress: dict[Response, tuple[int, float]] = {}  # bytes of a request, and when they last grew
        for response in self._open_ones():
            self._is_awaited(response, self._began)

    def is_over(self) -> bool:
        """Check whether nothing is left that has to be waited for."""
        server, now = self._server, self._server.loop.time()
        if now - self._began < PATIENCE:
            return not server.tasks and not self._open_ones()
        working = [owner for owner in server.tasks.values() if not isinstance(owner, str)]
        return not any(self._is_awaited(response, now) for response in [*self._open_ones(), *working])

    def _open_ones(self) -> list[Response]:
        return open_responses(self._server)

    def _is_awaited(self, response: Response, now: float) -> bool:
        """Check whether a request makes progress: its handler works, or its client sends or takes."""
        if response._answered:
            return True  # its handler goes on after the answer
        if response._head_sent and response._fixed_length is None:
            return False  # a stream, which may have no end
        if not response._head_sent and (response._data_handler in (None, hold) or response._body_ended):
            waiting = response._part or response._dataFuture
            if waiting is None or waiting.done():
                return True
        done = response._received + response.get_write_offset()
        earlier, since = self._progress.get(response, (-1, now))
        if done != earlier:
            self._progress[response] = done, now
            return True
        return now - since < PATIENCE


async def wait_for_requests(server: Server, grace: float) -> None:
    """Wait until no request is open and no coroutine runs that is worth waiting for, `grace` seconds at most."""
    drain, deadline = Drain(server), server.loop.time() + grace
    while server.loop.time() < deadline:
        end_events(server)
        if drain.is_over():
            return
        await asyncio.sleep(_STEP)


async def wait_for_clients(server: Server, linger: float) -> None:
    """Wait until no client is connected, `linger` seconds at most.

    A connection that the server closes may carry a request already, which its client would lose. Each answer says now
    that its connection ends, so those in use close by themselves.
    """
    deadline = server.loop.time() + linger
    while server.loop.time() < deadline and has_clients(server):  # noqa: ASYNC110 - the core tells nobody of them
        await asyncio.sleep(_LOOK)
    await wait_for_requests(server, max(deadline - server.loop.time(), 0.0))


def has_clients(server: Server) -> bool:
    """Check whether a connection that a client has made is open."""
    return any(_is_client(server, int(name)) for name in os.listdir(_DESCRIPTORS))  # noqa: PTH208 - names alone


def _is_client(server: Server, descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            with socket.socket(fileno=os.dup(descriptor)) as copy:
                name = copy.getsockname()
                copy.getpeername()  # an error where it is not connected
                return (name if isinstance(name, str) else name[1]) in server.places
    return False


def end_events(server: Server) -> None:
    """End answers that send events: their clients come back by themselves, to a server that goes on."""
    for response in open_responses(server):
        if response._is_endless and response._head_sent:
            response.end()


async def cancel_handlers(server: Server, timeout: float) -> None:
    """Cancel all coroutines of a server, and wait for their `finally`, `timeout` seconds at most.

    Requests without an answer get 503. What ignores its cancellation is logged and left.
    """
    server.is_ending = True
    cancelled = dict(server.tasks)
    open_ones = open_responses(server)
    if cancelled or open_ones:
        names = [_name(owner) for owner in cancelled.values()] + [_name(each) for each in open_ones if not each._tasks]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        log.warning("the server ends: cancelled %s%s", ", ".join(names[:_NAMED]), more)
    for response in open_ones:
        if not response._tasks:
            run_in(response._variables, response._fail, 503, b"Service Unavailable", b"text/plain")
    for task in cancelled:
        if task is not None:
            task.cancel()
    deadline = server.loop.time() + timeout
    await asyncio.sleep(0)  # the hooks after these answers
    while (running := [task for task in server.tasks if task is not None]) and server.loop.time() < deadline:
        await asyncio.wait(running, timeout=deadline - server.loop.time())
        await asyncio.sleep(0)
    for task, owner in server.tasks.items():
        ignored = "ignores its cancellation" if task in cancelled else "was left"
        log.error("%s: the handler %s", _name(owner), ignored)


def _name(owner: Response | str) -> str:
    return (owner if isinstance(owner, str) else owner._route) or "a coroutine"
