"""Errors that are about to become answers: hooks are asked first, in order, until one answers."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from ..errors import HTTPError
from .hook_calls import call, wait_for
from .request_body import BodyRefusedError
from .variables import run_for

if TYPE_CHECKING:
    from ..sdk.request_hooks import RequestHook
    from .response import Response
    from .server import Server


def is_open(response: Response) -> bool:
    """Check whether an error may still become the answer."""
    return not (response._answered or response._head_sent or response._begun)


def ask_hooks(server: Server, error: Exception, response: Response, request: Any, who: str) -> None:
    """Ask the hooks of a response about an error, then answer it in the usual way if none has.

    While they run, the response has the head of the usual answer.
    """
    _Asking(server, error, response, request, who).begin()


class _Asking:
    """One error, and the hooks that are asked about it."""

    __slots__ = ("_head", "error", "request", "response", "server", "who")

    def __init__(self, server: Server, error: Exception, response: Response, request: Any, who: str) -> None:
        self.server, self.error, self.response, self.who = server, error, response, who
        self.request = response._request if request is None else request
        self._head = (response._status, response._head, response._length, response._write_jar)

    def begin(self) -> None:
        response = self.response
        self._set_head()
        hooks = response._on_error.of_request(response, self.request)
        run_for(response, self._ask, hooks)

    def _set_head(self) -> None:
        error, response = self.error, self.response
        if isinstance(error, HTTPError):
            with contextlib.suppress(Exception):  # the usual answer reports it
                return response._set_failure(error.status, error.headers)
        return response._set_failure(500, None)

    def _ask(self, hooks: Sequence[RequestHook]) -> None:
        for number, hook in enumerate(hooks, 1):
            result = None
            try:
                result = call(hook, self.error, self.response, self.request)
            except BaseException as second:
                self._fail(second)
            if result is not None and isawaitable(result):
                self.response._hooks_wait += 1
                self.server.start(self._go_on(hook, result, hooks[number:]), self.response, self.request, self.who)
                return
            if not is_open(self.response):
                break
        self._end()

    async def _go_on(self, hook: RequestHook, result: Any, others: Sequence[RequestHook]) -> None:
        await self._finish(hook, result)
        for other in others:
            if not is_open(self.response):
                break
            result = None
            try:
                result = call(other, self.error, self.response, self.request)
            except BaseException as second:
                self._fail(second)
            if result is not None and isawaitable(result):
                await self._finish(other, result)
        self._end()
        self.response._end_hooks()

    async def _finish(self, hook: RequestHook, result: Any) -> None:
        try:
            await wait_for(hook, result)
        except GeneratorExit:  # the program ends
            raise
        except BaseException as second:
            self._fail(second)

    def _fail(self, error: BaseException) -> None:
        self.server.fail_hook(error, self.response)

    def _end(self) -> None:
        """Answer in the usual way, unless a hook has."""
        response = self.response
        if is_open(response):
            response._status, response._head, response._length, response._write_jar = self._head
            self.server.answer_error(self.error, response, self.request, self.who)
        elif isinstance(self.error, BodyRefusedError) and not response.aborted:
            response._linger()
