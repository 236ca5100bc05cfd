"""The loop of a thread: asyncio and libuv wait in one place, and sleep while nothing happens.

The core polls both in turn. Here libuv waits, for its own sockets and for the descriptor of asyncio's selector; asyncio
looks at its selector only when that descriptor is readable. So a wake-up costs one system call, and there is none
without a reason.

uWebSockets binds to the first native loop that a thread makes and goes on using it, so all apps of a thread share one
native loop, which lives as long as the process, and one asyncio loop. Another thread may run them if it has none of its
own; a forked process goes on with the native loop and a new asyncio loop.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import selectors
import threading
from collections.abc import Sequence
from selectors import SelectorKey
from types import TracebackType
from typing import Any, Final

from socketify import loop as core_loop_module
from socketify.uv import UVLoop

from .. import errors
from .core import ffi, lib, uv
from .served import ServedApps
from .thread import get_ident

_ONCE, _NOWAIT = 1, 2  # modes of uv_run
_POLL, _TIMER = 8, 13  # types of handles
_READABLE: Final = 1
_ON_POLL: Final = ffi.typeof("void(*)(void *, int, int)")
_ON_TIMER: Final = ffi.typeof("void(*)(void *)")
_FALLBACK: Final = 0.001  # seconds between two polls where asyncio's loop has no selector

_of_thread = threading.local()
_closed: list[Any] = []  # handles of loops that were closed; libuv may still look at them


class SharedLoop(UVLoop):  # type: ignore[misc]  # the core has no types
    """A native loop that lives as long as the process, the asyncio loop that runs with it, and the apps of both."""

    asyncio: asyncio.AbstractEventLoop | None = None
    process = 0
    thread = 0  # the one that serves
    served: ServedApps

    def is_run_elsewhere(self) -> bool:
        """Check whether it serves apps in another thread."""
        return bool(self.served.apps) and self.thread != get_ident()

    def dispose(self) -> None:
        """Do nothing: others may use the loop, and uWebSockets does."""

    def __del__(self) -> None:
        """Do nothing, as `dispose`."""


def shared_loop() -> SharedLoop:
    """Return the native loop of this thread; the core makes its apps' loops by this function, those of stock apps too.

    Raises:
        LifecycleError: another thread runs it.
    """
    found: SharedLoop | None = getattr(_of_thread, "loop", None)
    if found is None:
        found = _of_thread.loop = SharedLoop()
        _begin(found)
    elif found.process != os.getpid():
        _leave_parent(found)
    elif found.is_run_elsewhere():
        raise errors.LifecycleError(
            "an app",
            "can't be made in this thread",
            "another thread runs the app that was made here before, and with it the loop of this thread",
            "Make the app in the thread that runs it",
        )
    return found


def _begin(shared: SharedLoop) -> None:
    """Begin with no apps in this process."""
    shared.process, shared.asyncio, shared.thread = os.getpid(), None, get_ident()
    shared.served = ServedApps()


def _leave_parent(shared: SharedLoop) -> None:
    """Take a loop over in a forked process, with a descriptor of its own in place of the one shared with the parent.

    Raises:
        LifecycleError: the parent served then: its connections are here too, and two processes would read them.
    """
    if shared.served.apps:
        raise errors.LifecycleError(
            "an app",
            "can't be made or served in this process",
            "it was forked by one that listened already, whose connections came with it",
            "Fork before app.listen(), or start another program",
        )
    earlier: Any = shared.asyncio
    _begin(shared)
    uv.uv_loop_fork(shared.get_native_loop())
    selector = getattr(earlier, "_selector", None)
    if isinstance(selector, SleepingSelector):
        selector.close()
        if not earlier.is_running():
            # Without its selector: closing must not unregister what the parent goes on waiting for.
            earlier._selector = selectors.SelectSelector()
            earlier.close()


def _adopt_earlier_loops() -> None:
    """Keep the loops of stock apps that are older than this module; uWebSockets is bound to the first one."""
    for earlier in [each for each in gc.get_objects() if type(each) is UVLoop]:
        earlier.__class__ = SharedLoop
        _begin(earlier)
        if not hasattr(_of_thread, "loop"):
            _of_thread.loop = earlier


_adopt_earlier_loops()
core_loop_module.UVLoop = shared_loop


class SleepingSelector:
    """A selector that waits inside libuv, in place of the one that an asyncio loop has.

    Args:
        loop: the asyncio loop.
        selector: its own selector, which must have a descriptor.
        native: the libuv loop.
    """

    def __init__(self, loop: Any, selector: Any, native: Any) -> None:
        self.register, self.unregister, self.modify = selector.register, selector.unregister, selector.modify
        self.get_key, self.get_map = selector.get_key, selector.get_map
        self._loop = loop
        self._selector = selector
        self._native = native
        self._woken = False  # asyncio's descriptor is readable, or its time has come
        self._error: BaseException | None = None
        self._on_readable = ffi.callback(_ON_POLL, self._wake, onerror=self._fail)
        self._on_timer = ffi.callback(_ON_TIMER, self._wake, onerror=self._fail)
        self._poll = ffi.new("char[]", uv.uv_handle_size(_POLL))
        self._timer = ffi.new("char[]", uv.uv_handle_size(_TIMER))
        uv.uv_timer_init(native, self._timer)
        uv.uv_poll_init(native, self._poll, self._selector.fileno())
        uv.uv_poll_start(self._poll, _READABLE, self._on_readable)

    def _wake(self, *_: Any) -> None:
        self._woken = True

    def _fail(self, _kind: type[BaseException], error: BaseException, _traceback: TracebackType) -> None:
        """Keep what a signal handler has raised inside of libuv, to raise it outside."""
        self._woken, self._error = True, error

    def select(self, timeout: float | None = None) -> Sequence[tuple[SelectorKey, int]]:
        """Run libuv until asyncio has something to do, `timeout` seconds at most."""
        loop, native, run = self._loop, self._native, uv.uv_run
        scheduled = loop._scheduled
        first = scheduled[0] if scheduled else None
        run(native, _NOWAIT)
        if timeout is None or timeout > 0:
            ready = loop._ready
            if timeout is not None:
                uv.uv_update_time(native)
                uv.uv_timer_start(self._timer, self._on_timer, math.ceil(timeout * 1000), 0)
            # What a native callback does may be asyncio's next task or its next timer.
            while not (self._woken or ready or loop._stopping) and (scheduled[0] if scheduled else None) is first:
                run(native, _ONCE)
            if timeout is not None:
                uv.uv_timer_stop(self._timer)
        if not self._woken:
            return ()
        self._woken = False
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        found: Sequence[tuple[SelectorKey, int]] = self._selector.select(0)
        return found

    def close(self) -> None:
        """Leave the native loop, and close asyncio's selector."""
        for handle in (self._poll, self._timer):
            uv.uv_close(handle, ffi.NULL)
        _closed.append((self._poll, self._timer, self._on_readable, self._on_timer))
        self._selector.close()


def take_loop(core_loop: Any) -> None:
    """Let a core `Loop` run the loops of this thread, asleep while nothing happens."""
    shared, made = shared_loop(), core_loop.loop
    core_loop.uv_loop = shared
    if shared.asyncio is None or shared.asyncio.is_closed() or made.is_running():
        shared.asyncio = made
    elif made is not shared.asyncio:
        made.close()
        asyncio.set_event_loop(shared.asyncio)
        core_loop.loop = shared.asyncio
    core_loop._keep_alive = _sleeping(shared.asyncio, shared)


def enter_loop(core_loop: Any) -> None:
    """Let this thread of this process run the loops of a core `Loop`, which another may have made.

    Raises:
        LifecycleError: another thread runs them, or this one has others, to which uWebSockets is bound; or the process was
            forked by a server.
    """
    shared = core_loop.uv_loop
    own = getattr(_of_thread, "loop", None)
    why = ""
    if shared.process != os.getpid():
        _leave_parent(shared)
    elif shared.is_run_elsewhere():
        why = "another thread runs the loop that it shares with the other apps of the thread that made it"
    if own is None:
        lib.uws_get_loop_with_native(shared.get_native_loop())
        _of_thread.loop = shared
    elif own is not shared:
        why = "it was made in another thread, and this one has made an app of its own"
    if why:
        fix = "Make the app in the thread that runs it"
        raise errors.LifecycleError("the app", "can't be served by this thread", why, fix)
    shared.thread = get_ident()
    if core_loop.loop.is_closed():
        if shared.asyncio is None or shared.asyncio.is_closed():
            shared.asyncio = asyncio.new_event_loop()
        asyncio.set_event_loop(shared.asyncio)
        core_loop.loop = shared.asyncio
        core_loop._keep_alive = _sleeping(shared.asyncio, shared)


def leave_parent_listening(core_loop: Any) -> None:
    """Let a forked process close sockets that it shares with its parent, which keeps its own."""
    if core_loop.uv_loop.process != os.getpid():
        uv.uv_loop_fork(core_loop.get_native_loop())


def _sleeping(loop: Any, shared: SharedLoop) -> Any:
    """Make an asyncio loop wait inside libuv; return what it calls when it begins to run."""
    selector = getattr(loop, "_selector", None)
    if isinstance(selector, SleepingSelector):
        return _nothing
    if selector is not None and hasattr(selector, "fileno"):
        loop._selector = SleepingSelector(loop, selector, shared.get_native_loop())
        return _nothing

    def poll() -> None:
        shared.run_nowait()
        loop.call_later(_FALLBACK, poll)

    return poll


def _nothing() -> None:
    """Do nothing: the loop waits by itself."""
