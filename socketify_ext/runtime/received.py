"""Messages of a WebSocket on their way through hooks: in order, where later ones wait for a hook that is async."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from inspect import isawaitable, iscoroutine
from typing import TYPE_CHECKING, Any, Final

from .core import pause_socket, resume_socket
from .hook_calls import Applied, call, wait_for

if TYPE_CHECKING:
    from ..sdk.request_hooks import RequestHook
    from .websocket_routes import SocketRoute

Handler = Callable[..., Any]

PAUSE: Final = 256 * 1024  # bytes of messages that wait before reading pauses; the core reads 512 KiB at once
MOST: Final = 4 * 1024 * 1024  # bytes at which the connection is closed: writing to a client makes the core read again
_LEAST: Final = 256  # bytes as which a message counts, however small
_TRY_AGAIN_LATER: Final = 1013  # as IANA has registered it


class Backlog:
    """What has come on a connection since a hook waits."""

    __slots__ = ("close", "is_paused", "messages", "size")

    def __init__(self) -> None:
        self.messages: deque[tuple[Any, Any]] = deque()
        self.size = 0
        self.is_paused = False
        self.close: tuple[Any, ...] | None = None  # the call of the close event

    def add(self, ws: Any, message: Any, opcode: Any) -> None:
        """Keep a message; stop reading when they are many, and close the connection when they are too many."""
        if self.size > MOST:
            ws.end(_TRY_AGAIN_LATER, "too many messages wait")
            return
        self.messages.append((message, opcode))
        self.size += max(len(message), _LEAST)
        if self.size >= PAUSE:  # each time
            self.is_paused = True
            pause_socket(ws._ssl, ws.ws)

    def take(self, ws: Any) -> tuple[Any, Any]:
        """Return the next message; read on when few are left."""
        message, opcode = self.messages.popleft()
        self.size -= max(len(message), _LEAST)
        if self.is_paused and self.size < PAUSE and not ws.closed:
            self.is_paused = False
            resume_socket(ws._ssl, ws.ws)
        return message, opcode


class Receiver:
    """The handler of the messages of a route with hooks."""

    def __init__(self, route: SocketRoute, hooks: Applied, handler: Handler) -> None:
        self._route = route
        self._hooks = hooks
        self._handler = handler
        self._every = None if hooks.by_path else [hook for hook, _ in hooks]

    def __call__(self, ws: Any, message: Any, opcode: Any) -> Any:
        """Handle a message, or keep it where one before it waits."""
        if ws._backlog is not None:
            return ws._backlog.add(ws, message, opcode)
        hooks = self._chosen(ws)
        for number, hook in enumerate(hooks, 1):
            result = call(hook, ws, message, opcode)
            if result is not None and isawaitable(result):
                ws._backlog = Backlog()
                return self._go_on(ws, message, opcode, hooks, number, result)
            if result is False or ws.closed:
                return None
        return self._handler(ws, message, opcode)

    def _chosen(self, ws: Any) -> Sequence[RequestHook]:
        return self._hooks.on(ws._path) if self._every is None else self._every

    async def _go_on(
        self, ws: Any, message: Any, opcode: Any, hooks: Sequence[RequestHook], number: int, result: Any
    ) -> None:
        """Handle a message from its first hook that is async, then those that have come meanwhile."""
        backlog = ws._backlog
        try:
            await self._handle(ws, message, opcode, hooks, number, result)
            while backlog.messages and not ws._ended:
                message, opcode = backlog.take(ws)
                await self._handle(ws, message, opcode, self._chosen(ws), 0, None)
        except asyncio.CancelledError:  # the server ends
            if not self._route.server.is_ending:
                raise
        except GeneratorExit:  # the program ends
            backlog.close = None
            raise
        finally:
            ws._backlog = None
            if backlog.is_paused and not ws.closed:
                resume_socket(ws._ssl, ws.ws)
            if backlog.close is not None:
                self._route.run("close", *backlog.close)

    async def _handle(
        self, ws: Any, message: Any, opcode: Any, hooks: Sequence[RequestHook], number: int, result: Any
    ) -> None:
        """Handle a message from a hook on; an error refuses it, and is logged.

        Raises:
            CancelledError: the server ends.
        """
        server, who = self._route.server, f"{self._route.name} message"
        try:
            if await self._is_let_in(ws, message, opcode, hooks, number, result):
                result = self._handler(ws, message, opcode)
                if result is not None and iscoroutine(result):
                    server.start(result, None, None, who, ws._variables)
        except GeneratorExit:
            raise
        except BaseException as error:
            if server.is_ending and isinstance(error, asyncio.CancelledError):
                raise
            server.fail(error, None, None, who)

    async def _is_let_in(
        self, ws: Any, message: Any, opcode: Any, hooks: Sequence[RequestHook], number: int, result: Any
    ) -> bool:
        """Report whether the hooks let a message pass; the server's own end of the connection lets none."""
        if number and await wait_for(hooks[number - 1], result) is False:
            return False
        for hook in hooks[number:]:
            if ws._ended:
                return False
            result = call(hook, ws, message, opcode)
            if result is not None and isawaitable(result):
                result = await wait_for(hook, result)
            if result is False:
                return False
        return not ws._ended


def close_in_order(handler: Handler) -> Handler:
    """Wrap the handler of the close event so that it comes behind the messages that wait."""

    def closed(ws: Any, code: Any, message: Any) -> Any:
        if ws._backlog is None:
            return handler(ws, code, message)
        ws._backlog.close = (handler, ws, code, message)
        return None

    return closed
