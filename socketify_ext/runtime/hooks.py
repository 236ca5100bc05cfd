"""Request hooks at work: the wrappers around the handlers of a route, and the response that reports its end.

Routes are wrapped when they are bound and when hooks change; a route without hooks keeps its own handlers and the
plain response.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from time import perf_counter
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Final

from ..sdk.compilation import subclass
from ..sdk.request_hooks import RequestHook
from .outcome import Outcome
from .shared_keys import prime_shared_keys

if TYPE_CHECKING:
    from ..sdk.request_hooks import Event
    from .routes import Route

Handler = Callable[..., Any]


class Applied(tuple[tuple[RequestHook, bool], ...]):
    """The hooks of one event that concern a route, each with whether it depends on a request's path."""

    __slots__ = ()

    @property
    def by_path(self) -> bool:
        """Return whether the path of a request matters."""
        return any(undecided for _, undecided in self)

    def on(self, path: str | None) -> list[RequestHook]:
        """Return the hooks that apply to a request with this path."""
        return [hook for hook, undecided in self if not undecided or hook.matches(path)]


class Hooks:
    """The hooks of the routes of a scope, in the order in which they run.

    Args:
        places: for each extension, and for the app and each scope themselves, what stands for it and its hooks; the hooks
            that its options have put on a single route come behind them.
    """

    def __init__(self, places: Sequence[tuple[Any, Sequence[RequestHook]]] = ()) -> None:
        self._places = tuple((place, tuple(hooks)) for place, hooks in places)
        self.on_route = tuple(hook for _, hooks in places for hook in hooks if hook.event == "on_route")
        self._are_none = not any(hooks for _, hooks in places)
        self._observed: dict[type, type] = {}

    def of(self, event: Event, route: Route) -> Applied:
        """Return the hooks of an event that may concern a route's requests."""
        if self._are_none and not route.option_hooks:
            return Applied()
        every = (hook for place, hooks in self._places for hook in (*hooks, *route.option_hooks.get(place, ())))
        found = [(hook, route.concerns(hook)) for hook in every if hook.event == event]
        return Applied((hook, concerns is None) for hook, concerns in found if concerns is not False)

    def need_upgrade(self, route: Route) -> bool:
        """Check whether an upgrade to a WebSocket must run the hooks, instead of being done by the core."""
        requests = self.of("before_request", route) or self.of("after_response", route)
        return bool(requests) or self._sockets_by_path(route)

    def observed(self, response_class: type) -> type:
        """Return the class of responses that report their end."""
        if response_class not in self._observed:
            made = self._observed[response_class] = subclass(response_class, {}, bases=(Observed, response_class))
            prime_shared_keys("response", made, "_watched", "_began", "_admitted_by")
        return self._observed[response_class]

    def surround(self, route: Route, handler: Handler, *, for_socket: bool = False) -> Handler:
        """Put the hooks of a route around a handler of its requests, and choose the class of their responses.

        Args:
            route: what the handler belongs to; its classes are set.
            handler: takes a response, a request and, for upgrades, a context.
            for_socket: whether it upgrades, and the hooks of the WebSocket may ask for the path.
        """
        before = self.of("before_request", route)
        route.after = after = self.of("after_response", route)
        if before:
            handler = _guarded(before, handler)
        by_path = after.by_path or (for_socket and self._sockets_by_path(route))
        if after or by_path:
            route.response_class = self.observed(route.response_class)
            handler = _watched(route, handler, with_path=by_path)
        return handler

    def _sockets_by_path(self, route: Route) -> bool:
        return any(self.of(event, route).by_path for event in ("on_ws_open", "on_ws_close"))

    def opening(self, route: Route, handler: Handler | None) -> Handler | None:
        """Put the hooks of a WebSocket route before its handler of the open event."""
        hooks = self.of("on_ws_open", route)
        by_path = self._sockets_by_path(route)
        if not hooks and not by_path:
            return handler
        server = route.server

        def opened(ws: Any) -> Any:
            if by_path:
                ws._path = server.upgrading_path
            for hook in hooks.on(ws._path):
                _run(route, hook, ws)
                if ws.closed:
                    return None
            return None if handler is None else handler(ws)

        return opened

    def closing(self, route: Route, handler: Handler | None) -> Handler | None:
        """Put the hooks of a WebSocket route before its handler of the close event."""
        hooks = self.of("on_ws_close", route)
        if not hooks:
            return handler

        def closed(ws: Any, code: int, message: Any) -> Any:
            for hook in hooks.on(ws._path):
                _run(route, hook, ws, code, message)
            return None if handler is None else handler(ws, code, message)

        return closed


def _guarded(hooks: Applied, handler: Handler) -> Handler:
    """Wrap a handler so that it gets only requests that the hooks let pass; each once, where routes yield a request."""
    by_path, every = hooks.by_path, tuple(hook for hook, _ in hooks)

    def handle(response: Any, request: Any, *context: Any) -> Any:
        chosen = tuple(hooks.on(request.get_url())) if by_path else every
        passed = response._admitted_by
        if passed:  # another route has yielded it
            chosen = tuple(hook for hook in chosen if hook not in passed)
        for number, hook in enumerate(chosen, 1):
            result = _call(hook, response, request)
            if result is not None and isawaitable(result):
                return _go_on(hook, result, chosen, number, handler, response, request, *context)
            if response._answered or request._yielded:
                return None
        response._admitted_by = passed + chosen
        return handler(response, request, *context)

    return handle


async def _go_on(
    hook: RequestHook,
    result: Any,
    chosen: tuple[RequestHook, ...],
    done: int,
    handler: Handler,
    response: Any,
    request: Any,
    *context: Any,
) -> Any:
    """Run the other hooks in a coroutine, from the first hook that is async, then the handler, whose result is returned."""
    await _await(hook, result)
    for other in chosen[done:]:
        if response._answered or request._yielded:
            return None
        result = _call(other, response, request)
        if result is not None and isawaitable(result):
            await _await(other, result)
    if response._answered or request._yielded:
        return None
    response._admitted_by += chosen
    result = handler(response, request, *context)
    return await result if isawaitable(result) else result


def _watched(route: Route, handler: Handler, *, with_path: bool) -> Handler:
    """Wrap a handler so that the start and the route of its requests are noted."""

    def handle(response: Any, request: Any, *context: Any) -> Any:
        if response._watched is None:
            response._began = perf_counter()
            if with_path:
                response._path = request.get_url()
        response._watched = route
        if route.method == "ANY":
            response._method = request.get_method()
        return handler(response, request, *context)

    return handle


class Observed:
    """A mixin whose response reports its end, in whichever way it ends: each sets `_answered`."""

    # Of the response.
    _server: Any
    _status: bytes | None
    _head_sent: bool
    _request: Any
    _variables: Any
    aborted: bool
    # Ours.
    _over = False
    _line: bytes | None = None  # the status line that has gone to the client, or None
    _dropped = False  # the connection is being closed without an answer
    _watched: Any = None  # the route that has the request
    _began = 0.0
    _path: str | None = None
    _method: str | None = None

    @property
    def _answered(self) -> bool:
        return self._over

    @_answered.setter
    def _answered(self, over: bool) -> None:
        if over and not self._over and self._watched is not None:
            # Its hooks come when this event has been dealt with, so that the client does not wait for them.
            self._server.loop.call_soon(_finished, self._watched, self._outcome(), context=self._variables)
        self._over = over

    def _outcome(self) -> Outcome:
        ended_early = self.aborted or self._dropped
        line = self._line if self._head_sent or ended_early else self._status or b"200"
        route = self._watched
        return Outcome(
            status=None if line is None else int(line[:3]),
            route=route.pattern,
            method=route.method if self._method is None else self._method,
            duration=perf_counter() - self._began,
            aborted=ended_early,
            response=self,  # type: ignore[arg-type]  # it is put before a response's class
            request=self._request,
        )

    def _write_head(self, *arguments: Any, **options: Any) -> None:
        self._line = self._status or b"200"
        super()._write_head(*arguments, **options)  # type: ignore[misc]

    def upgrade(self, *arguments: Any, **options: Any) -> Any:
        """Turn the request into a WebSocket, which is its end too."""
        if self._over:
            return super().upgrade(*arguments, **options)  # type: ignore[misc]
        status, self._status = self._status, b"101"
        self._server.upgrading_path = self._path
        try:
            return super().upgrade(*arguments, **options)  # type: ignore[misc]
        finally:
            self._server.upgrading_path = None
            if not self._over:
                self._status = status

    def _drop(self) -> None:
        self._dropped = True
        super()._drop()  # type: ignore[misc]


def _finished(route: Route, outcome: Outcome) -> None:
    response: Any = outcome.response
    for hook in route.after.on(response._path):
        _run(route, hook, outcome)


def _run(route: Route, hook: RequestHook, *arguments: Any) -> None:
    """Call a hook whose result is ignored; its error is logged."""
    try:
        result = _call(hook, *arguments)
        if result is not None and isawaitable(result):
            route.server.start(_await(hook, result), None, None, route.name)
    except BaseException as error:
        route.server.fail(error, None, None, route.name)


def _call(hook: RequestHook, *arguments: Any) -> Any:
    return hook.function(*arguments)


async def _await(hook: RequestHook, awaitable: Awaitable[Any]) -> None:
    await awaitable


_CALLS: Final[frozenset[CodeType]] = frozenset((_call.__code__, _await.__code__))


def hook_in(frame: FrameType) -> RequestHook | None:
    """Return the hook that a frame of a traceback calls."""
    return frame.f_locals["hook"] if frame.f_code in _CALLS else None
