"""One request and its answer without a socket: the core's order of routes, and the app's own dispatch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from ... import errors
from ...lifecycle import Lifecycle
from ...runtime.core import ffi
from ...runtime.route_tree import takers
from ...runtime.routes import dispatch
from ...runtime.websocket_routes import SocketRoute
from ...sdk.compilation import subclass
from .received_answer import ReceivedAnswer, ReceivedAnswerBase
from .sent_request import SentRequest, SentRequestBase

if TYPE_CHECKING:
    from ...app import App
    from ...runtime.routes import Route

_KEY_LENGTH: Final = 24  # of a Sec-WebSocket-Key, at which the core knows a request for a WebSocket


async def start_up(app: App) -> None:
    """Start an app up in the loop that runs, without a socket.

    Raises:
        LifecycleError: a start-up function failed, or the app was closed before.
        InjectError: the app is served already.
    """
    server = app._server
    if app._lifecycle.state == "started" or app in server.served.apps:
        raise _error("can't be started", "it has been", "Leave one of the two out, or make another app")
    app._check_unspent("be started")
    server.visit(asyncio.get_running_loop())
    if app.lifespan:
        await app._lifecycle.start(app._lifecycle_entries())
    try:
        app._bind_core()
    except BaseException:
        await shut_down(app)
        raise


async def shut_down(app: App) -> None:
    """End what an app does in the loop that runs, in order; it may be started again."""
    await app._end(app.shutdown_grace)
    app._lifecycle = Lifecycle(app._lifecycle.timeout)
    app._server.begin_again()


async def exchange(app: App, sent: SentRequest, answer: ReceivedAnswer, timeout: float | None) -> None:
    """Let an app answer a request in the loop that runs.

    Raises:
        InjectError: see `inject`.
    """
    loop = asyncio.get_running_loop()
    _check(app, loop)
    app._server.visit(loop)
    if app._server.unmatched is None:
        app._bind_core()
    loop.call_soon(_dispatch, app, sent, answer)  # as an event of the core: outside of all tasks
    in_time = False
    try:
        in_time = bool((await asyncio.wait((answer.done,), timeout=timeout))[0])
    finally:
        if not in_time:
            answer.leave()
    answer.done.result()
    if answer.closed:
        who = f"the request for {sent.method.decode()} {sent.full_url.decode(errors='replace')}"
        begun = f", after {len(answer.body)} bytes of a body" if answer.body else ""
        if in_time:
            fix = "Look at the app's log, and for res.close()"
            raise errors.InjectError(who, "has no answer", f"the app has closed its connection{begun}", fix)
        fix = "Give a timeout that is long enough; an answer without an end needs a server"
        raise errors.InjectError(who, "has no answer", f"it is not complete after {timeout:g} s{begun}", fix)


def _check(app: App, loop: asyncio.AbstractEventLoop) -> None:
    """Check that an app can serve in a loop.

    Raises:
        InjectError: it can't.
        LifecycleError: it was closed.
    """
    server = app._server
    starts = app.lifespan and any(entry.startup for entry in app._lifecycle_entries())
    if app._lifecycle.state == "started" or app in server.served.apps:
        if server.loop is not loop:
            raise _error("can't be asked here", "it was started in another event loop", "Start it in this one")
        return
    app._check_unspent("be asked")
    if server.loop.is_running() and server.loop is not loop:
        raise _error("can't be asked here", "another thread runs its loop", "Ask it in the thread that runs it")
    if starts:
        raise _error(
            "can't be asked yet",
            "its start-up functions have not run",
            "Write async with started(app): around the requests",
        )


def _error(what: str, why: str, fix: str) -> errors.InjectError:
    return errors.InjectError("the app", what, why, fix)


def _dispatch(app: App, sent: SentRequest, answer: ReceivedAnswer) -> None:
    server = app._server
    try:
        for route in _candidates(app, sent):
            sent.has_yield = False
            dispatch(answer, sent, _Recorded(route).handle)
            if server.yielded is None:
                break
        answer.send_body()
    except BaseException as error:
        if not answer.done.done():
            answer.done.set_exception(error)


def _candidates(app: App, sent: SentRequest) -> Iterator[Route]:
    """Yield the routes that may answer a request, in the order of the core's router, with their parameters."""
    unmatched: Any = app._server.unmatched
    method, path = sent.method.decode(), sent.url.decode(errors="surrogateescape")
    for found in app._server.matches(path):
        for route in takers(found, method):
            if isinstance(route, SocketRoute):
                _check_upgrade(route, sent)
            elif route is not unmatched._late:
                sent.parameters = _parameters(route, sent.url)
                yield route
    sent.parameters = []
    yield from unmatched.routes_for(method, path)


def _check_upgrade(route: SocketRoute, sent: SentRequest) -> None:
    """Refuse a request that the core would make a WebSocket of.

    Raises:
        InjectError: it would.
    """
    if len(sent.first(b"sec-websocket-key") or b"") == _KEY_LENGTH:
        fix = "Open it on a server: with serve(make_app) as server"
        raise errors.InjectError(f"the request for {route.name}", "can't be made", "a WebSocket needs a socket", fix)


def _parameters(route: Route, url: bytes) -> list[bytes]:
    values = zip(route.pattern.split("/"), url.split(b"/"), strict=False)
    return [value for part, value in values if part.startswith(":")]


class _Recorded:
    """A route whose requests and responses have the recording native layer behind them."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self.request_class = _recording(route.request_class, SentRequestBase)
        self.response_class = _recording(route.response_class, ReceivedAnswerBase)
        self.handle = ffi.new_handle(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._route, name)


def _recording(kind: type, base: type) -> type:
    """Return a subclass of a compiled class in which `base` stands behind the members."""
    made: type | None = vars(kind).get("_recording")
    if made is None:
        made = subclass(kind, {}, bases=(kind, base))
        setattr(kind, "_recording", made)  # noqa: B010 - kept as long as the class
    return made
