"""WebSocket dispatch: the core's native events to handlers, one object for each connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import copy_context
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any, Final

from ..errors import HTTPError
from .core import OpCode, ffi, from_handle, lib, unpack
from .dispatched import dispatches
from .patterns import EVENTS
from .routes import Route, adopt_yielded, drop_unserved, handle_result, require_abort_handler, yield_response
from .variables import run_in

if TYPE_CHECKING:
    from ..sdk.route_info import RouteInfo
    from .scope_node import ScopeNode

OPCODES: Final = {int(code): code for code in OpCode}
_TEXT: Final = OpCode.TEXT


class SocketRoute(Route):
    """One WebSocket route and the handlers of its events."""

    __slots__ = ("behavior", "native", "socket_class", *EVENTS)
    native: Any  # the core's description of the route, kept alive
    socket_class: Any
    upgrade: Callable[..., Any] | None
    open: Callable[..., Any] | None
    message: Callable[..., Any]
    close: Callable[..., Any] | None

    def __init__(self, node: ScopeNode, info: RouteInfo, behavior: Mapping[str, Any]) -> None:
        self.behavior = {event: behavior.get(event) for event in EVENTS}
        for event, handler in self.behavior.items():
            setattr(self, event, handler)
        super().__init__(node, info, _no_handler)
        self.method = "GET"
        self.native = _described(behavior, node.server.native_message)

    def use(self) -> None:
        """Take the classes and the hooks of the scope from now on."""
        classes = self.node.classes
        self.request_class, self.response_class = classes["request"], classes["response"]
        self.socket_class = classes["ws"]
        hooks, own = self.node.hooks, self.behavior
        self.upgrade = own["upgrade"] or (_upgrade if hooks.need_upgrade(self) else None)
        if self.upgrade is not None:
            self.upgrade = hooks.surround(self, hooks.wrapped(self, self.upgrade), for_socket=True)
        self.open = hooks.opening(self, own["open"])
        self.message = hooks.receiving(self, own["message"] or _no_message)
        self.close = hooks.closing(self, own["close"])

    def bind(self) -> None:
        """Bind the route to the core, once it is known whether a hook wants its upgrades."""
        self.server.bind_socket(self)

    def bind_now(self) -> None:
        """Add the route to the core, which upgrades by itself unless a handler or a hook decides."""
        self.native.upgrade = ffi.NULL if self.upgrade is None else on_upgrade
        self.server.has_topics = True
        lib.uws_ws(self.server.app.SSL, self.server.app.app, self.pattern.encode(), self.native[0], self.handle)

    def run(self, event: str, handler: Callable[..., Any], connection: Any, *arguments: Any) -> None:
        """Call an event's handler in the connection's context; an error is logged, and the connection goes on."""
        who = f"{self.name} {event}"
        try:
            result = run_in(connection._variables, handler, connection, *arguments)
            if iscoroutine(result):
                self.server.start(result, None, None, who, connection._variables)
        except BaseException as error:
            self.server.fail(error, None, None, who)


def _upgrade(response: Any, request: Any, context: Any) -> None:
    """Upgrade as the core does where a route has no handler for it."""
    names = ("sec-websocket-key", "sec-websocket-protocol", "sec-websocket-extensions")
    response.upgrade(*map(request.get_header, names), context)


def _check_version(req: Any) -> None:
    """Refuse an upgrade over HTTP/1.0 (RFC 6455, 4.1): the core lets go of its connection, and a late one would be of freed memory.

    Raises:
        HTTPError: it is one.
    """
    if lib.uws_req_is_ancient(req):
        raise HTTPError(400, "a WebSocket needs HTTP/1.1")


def _no_message(ws: Any, message: Any, opcode: Any) -> None:
    """Ignore a message of a route that has no handler for it."""


def _no_handler(response: Any, request: Any) -> None:
    raise AssertionError("a WebSocket route handles no request")


def _described(behavior: Mapping[str, Any], message: Any) -> Any:
    """Describe a route to the core; `behavior` holds handlers by event and the core's limits."""
    native = ffi.new("uws_socket_behavior_t *")
    native.compression = behavior.get("compression", 0)
    native.maxPayloadLength = behavior.get("max_payload_length", 16 * 1024)
    native.idleTimeout = behavior.get("idle_timeout", 60 * 2)
    native.maxBackpressure = behavior.get("max_backpressure", 64 * 1024)
    native.closeOnBackpressureLimit = bool(behavior.get("close_on_backpressure_limit", False))
    native.resetIdleTimeoutOnSend = bool(behavior.get("reset_idle_timeout_on_send", False))
    native.sendPingsAutomatically = bool(behavior.get("send_pings_automatically", False))
    native.maxLifetime = behavior.get("max_lifetime", 0)
    native.open, native.close = on_open, on_close  # always: they keep the table of connections
    native.message = message  # always: a hook may come later
    callbacks = {
        "drain": on_drain,
        "ping": on_ping,
        "pong": on_pong,
        "subscription": on_subscription,
    }
    for event, callback in callbacks.items():
        setattr(native, event, callback if behavior.get(event) else ffi.NULL)
    return native


@ffi.callback("void(uws_res_t*, uws_req_t*, uws_socket_context_t*, void*)", onerror=drop_unserved)  # type: ignore[untyped-decorator]
@dispatches
def on_upgrade(res: Any, req: Any, context: Any, user_data: Any) -> None:
    """Handle a request to become a WebSocket."""
    route = from_handle(user_data)
    yielded = route.server.yielded
    response = route.response_class() if yielded is None else adopt_yielded(route, yielded, res)
    request = route.request_class()
    response.res = res
    response._context = context
    response._request = request
    if yielded is None:
        response._variables = copy_context()
    request.req = req
    route.server.entered = route
    try:
        _check_version(req)
        result = response._variables.run(route.upgrade, response, request, context)
        if response._answered:
            response._deliver()
        else:
            handle_result(route, response, request, result)
    except BaseException as error:
        route.server.fail(error, response, request, f"{route.name} upgrade")
        require_abort_handler(response)
    if request._yielded:
        yield_response(route.server, response, request)
    request.req = None


@ffi.callback("void(uws_websocket_t*, void*)")  # type: ignore[untyped-decorator]
def on_open(ws: Any, user_data: Any) -> None:
    """Make the connection's object; comes from inside `upgrade`."""
    route = from_handle(user_data)
    server = route.server
    server.drop_yielded()
    connection = route.socket_class()
    connection.ws = ws
    connection._route = route
    connection._variables = copy_context()
    if server.upgrading is not None:
        connection.socket_data, server.upgrading = server.upgrading, None
    server.connections[ws] = connection
    if route.open is not None:
        route.run("open", route.open, connection)


def receive(ws: Any, message: Any, length: int, opcode: int, user_data: Any) -> None:
    """Handle a message, text as str, anything else as bytes; the core calls it as `on_message`."""
    route = from_handle(user_data)
    try:
        code = OPCODES[opcode]
        data = unpack(message, length) if length else b""
        if code is _TEXT:
            data = data.decode()
        connection = route.server.connections[ws]
        result = connection._variables.run(route.message, connection, data, code)
        if result is not None and iscoroutine(result):
            route.server.start(result, None, None, f"{route.name} message", connection._variables)
    except BaseException as error:
        route.server.fail(error, None, None, f"{route.name} message")


on_message: Any = ffi.callback("void(uws_websocket_t*, const char*, size_t, uws_opcode_t, void*)", receive)


@ffi.callback("void(uws_websocket_t*, void*)")  # type: ignore[untyped-decorator]
def on_drain(ws: Any, user_data: Any) -> None:
    """Handle that the client has taken the buffered messages."""
    route = from_handle(user_data)
    connection = route.server.connections.get(ws)
    if connection is not None:
        route.run("drain", route.drain, connection)


@ffi.callback("void(uws_websocket_t*, const char*, size_t, void*)")  # type: ignore[untyped-decorator]
def on_ping(ws: Any, message: Any, length: int, user_data: Any) -> None:
    """Handle a ping; the core has answered it."""
    route = from_handle(user_data)
    route.run("ping", route.ping, route.server.connections[ws], _payload(message, length))


@ffi.callback("void(uws_websocket_t*, const char*, size_t, void*)")  # type: ignore[untyped-decorator]
def on_pong(ws: Any, message: Any, length: int, user_data: Any) -> None:
    """Handle a pong."""
    route = from_handle(user_data)
    route.run("pong", route.pong, route.server.connections[ws], _payload(message, length))


@ffi.callback("void(uws_websocket_t*, int, const char*, size_t, void*)")  # type: ignore[untyped-decorator]
def on_close(ws: Any, code: int, message: Any, length: int, user_data: Any) -> None:
    """Handle the end of a connection; its object is closed when the handler's first step is done."""
    route = from_handle(user_data)
    connection = route.server.connections.get(ws)
    if connection is None:
        return
    connection._closing = True
    try:
        if route.close is not None:
            route.run("close", route.close, connection, int(code), _payload(message, length))
    finally:
        connection.ws = None
        route.server.connections.pop(ws, None)
        if connection._topics:
            route.server.topic_counts.remove_all(connection)


@ffi.callback("void(uws_websocket_t*, const char *, size_t, int, int, void*)")  # type: ignore[untyped-decorator]
def on_subscription(ws: Any, topic: Any, length: int, new: int, old: int, user_data: Any) -> None:
    """Handle that the number of a topic's subscribers has changed."""
    route = from_handle(user_data)
    connection = route.server.connections.get(ws)
    if connection is None:  # the close event has been; the handler still learns of the change
        connection = route.socket_class()
        connection._route = route
        connection._variables = copy_context()
    name = None if topic == ffi.NULL else unpack(topic, length).decode(errors="replace")
    if new < old and not connection._unsubscribing:
        connection._closing = True
    waits, connection._end_waits = connection._end_waits, True
    try:
        route.run("subscription", route.subscription, connection, name, int(new), int(old))
    finally:
        connection._end_waits = waits


def _payload(message: Any, length: int) -> bytes | None:
    return None if message == ffi.NULL else unpack(message, length)
