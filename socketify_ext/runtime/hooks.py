"""Request hooks at work: the wrappers around the handlers of a route, and the classes of its responses.

Routes are wrapped when they are bound and when hooks change; a route without hooks keeps its own handlers and the
plain response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from inspect import isawaitable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from ..sdk.compilation import subclass
from ..sdk.request_hooks import RequestHook
from .before_send import BeforeSend
from .hook_calls import Applied, call, run_logged, wait_for
from .observed import Observed
from .preserved import Preserved
from .received import Receiver, close_in_order
from .shared_keys import prime_shared_keys
from .variables import owner

if TYPE_CHECKING:
    from ..sdk.request_hooks import Event
    from .routes import Route
    from .websocket_routes import SocketRoute

Handler = Callable[..., Any]

_OF_UPGRADES: Final[tuple[Event, ...]] = ("before_request", "before_upgrade", "before_send", "after_response")
_OF_SOCKETS: Final[tuple[Event, ...]] = ("on_ws_open", "on_ws_message", "on_ws_close")
# What is often set on responses with hooks.
_ATTRIBUTES: Final = ("_watched", "_began", "_admitted", "_begun", "_decided", "_content")


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
        self._classes: dict[Any, type] = {}

    def __iter__(self) -> Iterator[RequestHook]:
        """Yield the hooks of the scope, in order; those of single routes are left out."""
        for _, hooks in self._places:
            yield from hooks

    def concern(self, route: Route) -> bool:
        """Check whether there are hooks that may concern a route."""
        return not self._are_none or bool(route.option_hooks)

    def of(self, event: Event, route: Route) -> Applied:
        """Return the hooks of an event that may concern a route's requests."""
        every = (hook for place, hooks in self._places for hook in (*hooks, *route.option_hooks.get(place, ())))
        found = [(hook, route.concerns(hook)) for hook in every if hook.event == event]
        return Applied((hook, concerns is None) for hook, concerns in found if concerns is not False)

    def need_upgrade(self, route: Route) -> bool:
        """Check whether an upgrade to a WebSocket must run the hooks, instead of being done by the core."""
        return (
            bool(route.wrappers) or any(self.of(event, route) for event in _OF_UPGRADES) or self._sockets_by_path(route)
        )

    def observed(self, response_class: type) -> type:
        """Return the class of responses that report their end."""
        return self._made(response_class, () if issubclass(response_class, Observed) else (Observed,))

    def _made(self, base: type, mixins: tuple[type, ...], **hooks: Applied) -> type:
        """Return the class of responses with these mixins and hooks; it is the same for all routes that have the same."""
        attributes = {f"_{event}": applied for event, applied in hooks.items() if applied}
        if not mixins and not attributes:
            return base
        key = (base, mixins, *((name, *((id(hook), flag) for hook, flag in each)) for name, each in attributes.items()))
        if key not in self._classes:
            made = self._classes[key] = subclass(base, attributes, bases=(*mixins, base))
            prime_shared_keys("response", made, *_ATTRIBUTES)
        return self._classes[key]

    def wrapped(self, route: Route, handler: Handler) -> Handler:
        """Put around a route's own handler what options have put there, the earliest extension outermost."""
        if route.encoder is not None:
            handler = _encoded(route.encoder, handler)
        if route.wrappers:
            for place, _ in reversed(self._places):
                for wrap in reversed(route.wrappers.get(place, ())):
                    handler = wrap(handler)
        return handler

    def surround(self, route: Route, handler: Handler, *, for_socket: bool = False) -> Handler:
        """Put the hooks of a route around a handler of its requests, and choose the class of their responses.

        Args:
            route: what the handler belongs to; its classes are set.
            handler: takes a response, a request and, for upgrades, a context.
            for_socket: whether it upgrades, and the hooks of the WebSocket may ask for the path.
        """
        if not self.concern(route):
            return handler
        before = self.of("before_request", route)
        upgrades = self.of("before_upgrade", route) if for_socket else ()
        sends, errors = self.of("before_send", route), self.of("on_error", route)
        route.after = after = self.of("after_response", route)
        for hooks in (upgrades, before):
            if hooks:
                handler = _guarded(hooks, handler)
        by_path = after.by_path or (for_socket and self._sockets_by_path(route))
        is_watched = bool(after or by_path)
        if is_watched:
            handler = _watched(route, handler, with_path=by_path)
        mixins: tuple[type, ...] = (BeforeSend,) if sends else (Observed,) if is_watched else ()
        if sends or errors:
            handler = _owned(handler)
            mixins = mixins if sends else (Preserved, *mixins)
        route.response_class = self._made(route.response_class, mixins, before_send=sends, on_error=errors)
        return handler

    def _sockets_by_path(self, route: Route) -> bool:
        return any(self.of(event, route).by_path for event in _OF_SOCKETS)

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
                run_logged(route, hook, ws)
                if ws.closed:
                    return None
            return None if handler is None else handler(ws)

        return opened

    def receiving(self, route: SocketRoute, handler: Handler) -> Handler:
        """Put the hooks of a WebSocket route before its handler of messages."""
        hooks = self.of("on_ws_message", route)
        return Receiver(route, hooks, handler) if hooks else handler

    def closing(self, route: Route, handler: Handler | None) -> Handler | None:
        """Put the hooks of a WebSocket route before its handler of the close event."""
        hooks = self.of("on_ws_close", route)
        closed = self._closed(route, hooks, handler) if hooks else handler
        return close_in_order(closed) if closed is not None and self.of("on_ws_message", route) else closed

    def _closed(self, route: Route, hooks: Applied, handler: Handler | None) -> Handler:
        def closed(ws: Any, code: int, message: Any) -> Any:
            for hook in hooks.on(ws._path):
                run_logged(route, hook, ws, code, message)
            return None if handler is None else handler(ws, code, message)

        return closed


def _encoded(encode: Callable[[Any, int], bytes], handler: Handler) -> Handler:
    """Wrap a handler so that the objects which it answers are encoded by its route."""

    def handle(response: Any, request: Any) -> Any:
        response._encode = encode
        return handler(response, request)

    return handle


def _guarded(hooks: Applied, handler: Handler) -> Handler:
    """Wrap a handler so that it gets only requests that the hooks let pass; once, where routes yield a request."""
    by_path, every = hooks.by_path, [hook for hook, _ in hooks]

    def handle(response: Any, request: Any, *context: Any) -> Any:
        chosen = hooks.on(request.get_url()) if by_path else every
        if response._admitted:  # another route has yielded the request, whose hooks may be others
            chosen = [hook for hook in chosen if hook not in response._admitted]
        for number, hook in enumerate(chosen, 1):
            result = call(hook, response, request)
            if result is not None and isawaitable(result):
                return _go_on(chosen, number, result, handler, response, request, *context)
            if response._answered or request._yielded:
                return None
        response._admitted = (*response._admitted, *chosen)
        return handler(response, request, *context)

    return handle


async def _go_on(
    hooks: Sequence[RequestHook],
    number: int,
    result: Any,
    handler: Handler,
    response: Any,
    request: Any,
    *context: Any,
) -> Any:
    """Run the other hooks in a coroutine, from the first hook that is async, then the handler, whose result is returned."""
    await wait_for(hooks[number - 1], result)
    for other in hooks[number:]:
        if response._answered or request._yielded:
            return None
        result = call(other, response, request)
        if result is not None and isawaitable(result):
            await wait_for(other, result)
    if response._answered or request._yielded:
        return None
    response._admitted = (*response._admitted, *hooks)
    result = handler(response, request, *context)
    return await result if isawaitable(result) else result


def _owned(handler: Handler) -> Handler:
    """Wrap a handler so that hooks around its answer know the context of its request."""

    def handle(response: Any, request: Any, *context: Any) -> Any:
        owner.set(request)
        return handler(response, request, *context)

    return handle


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
