"""Real asyncio tasks whose first step runs at once, while the core's request is still valid.

From Python 3.12 on asyncio does this itself (`eager_start`). Before, the first step is run by hand as the new task
(`_enter_task` and `_leave_task` are documented for third-party tasks), and the task goes on from there.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Coroutine, Generator
from typing import Any

if sys.version_info >= (3, 12):

    def start(
        coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop, context: contextvars.Context
    ) -> asyncio.Task[Any]:
        """Start a task in a context, which must not be entered, and run its first step now."""
        return asyncio.Task(coroutine, loop=loop, eager_start=True, context=context)

else:

    def start(
        coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop, context: contextvars.Context
    ) -> asyncio.Task[Any]:
        """Start a task in a context, which must not be entered, and run its first step now."""
        if not loop.is_running():  # as `eager_start`, which then waits for the loop
            return _make_task(coroutine, loop, context)
        begun = _Begun(coroutine)
        task = _make_task(begun, loop, context)
        outer = asyncio.current_task(loop)
        if outer is not None:
            _leave_task(loop, outer)
        _enter_task(loop, task)
        try:
            context.run(begun.begin)
        finally:
            _leave_task(loop, task)
            if outer is not None:
                _enter_task(loop, outer)
        return task

    if sys.version_info >= (3, 11):

        def _make_task(
            coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop, context: contextvars.Context
        ) -> asyncio.Task[Any]:
            return asyncio.Task(coroutine, loop=loop, context=context)

    else:

        def _make_task(
            coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop, context: contextvars.Context
        ) -> asyncio.Task[Any]:
            task = _ContextTask(coroutine, loop=loop)
            task._context = context
            return task

        class _ContextTask(asyncio.tasks._PyTask):  # type: ignore[name-defined,misc]
            """3.10 takes no context, and only the task written in Python lets one be set."""


_UNASKED: Any = object()


class _Begun(Coroutine[Any, Any, Any]):
    """A coroutine whose first step is done: what it waits for is given to the task when that asks for the first time."""

    __slots__ = ("_coroutine", "_outcome", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self._waits_for: Any = _UNASKED
        self._outcome: BaseException | None = None

    def begin(self) -> None:
        try:
            self._waits_for = self._coroutine.send(None)
        except BaseException as error:  # the task gets it in `send`, as if it had run the step
            self._outcome = error

    def send(self, value: Any) -> Any:
        if self._outcome is not None:
            outcome, self._outcome = self._outcome, None
            try:
                raise outcome
            finally:
                del outcome  # its traceback holds this frame
        if self._waits_for is not _UNASKED:
            waits_for, self._waits_for = self._waits_for, _UNASKED
            return waits_for
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        if self._outcome is not None:
            return self.send(None)
        if isinstance(self._waits_for, asyncio.Future) and isinstance(error[0], asyncio.CancelledError):
            self._waits_for.cancel()  # the task has not seen it, which would do so
        self._waits_for = _UNASKED
        try:
            return self._coroutine.throw(*error)
        finally:
            del error  # its traceback holds this frame

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()
