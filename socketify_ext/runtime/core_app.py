"""The core's `App`, with its routes, sockets and loop served by the runtime; the only user of its private names."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Any

from .. import errors
from ..sdk.declaration import Declaration
from ..sdk.resolution import Reserved
from ..sdk.route_methods import Handler, RouteMethods
from ..sdk.spec import TARGETS, Target
from .core import NULL, OpCode, core, lib, reserved_names
from .encoding import encode_message, encode_topic
from .files.sending import bind_indexes, folder_of, prepare_static
from .listening import Address, listen
from .patterns import check_behavior, check_handler, check_max_body, check_pattern, route_names
from .routes import prepare_route
from .server import Server
from .stock import earlier_declaration, is_managed
from .thread import get_ident
from .topics import Backplane, TopicCounts
from .unmatched import bind_unmatched
from .websocket import encode_opcode
from .websocket_routes import prepare_socket

native_publish = lib.uws_publish


class CoreApp(core.App, RouteMethods):  # type: ignore[misc]  # the core has no types
    """A core app that serves through the runtime; `socketify_ext.App` adds extensions and lifecycle."""

    _server: Server

    def _earlier(self) -> list[Declaration]:
        """Return the declarations of the extensions that were registered while this was a stock app."""
        earlier: list[Declaration] = []
        request: Any = self._request_extension
        if is_managed(request):
            earlier.extend(request.stock.registration.current.declarations.values())
        elif request is not None:
            given: dict[Target, Any] = {
                "request": request,
                "response": self._response_extension,
                "ws": self._ws_extension,
            }
            declaration = earlier_declaration(given)
            if declaration is not None:
                earlier.append(declaration)
        return earlier

    def _detach_pools(self) -> None:
        """Drop the core's pools and extensions, and take its loop."""
        self._factory = self._ws_factory = None
        self._request_extension = self._response_extension = self._ws_extension = None
        self._server.take_loop()

    def _limit_bodies(self, max_body: int, max_held_bodies: int) -> None:
        """Limit how many bytes of request bodies are kept.

        Raises:
            TypeError, ValueError: a limit is not an int, or negative.
        """
        one, together = operator.index(max_body), operator.index(max_held_bodies)
        if one < 0 or together < 0:
            raise ValueError(f"max_body={one} and max_held_bodies={together}: give numbers of bytes")
        self._server.max_body, self._server.max_held_bodies = one, together

    def _take_core_lifecycle(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        """Return the one start and the one shutdown function that the core holds, and clear them."""
        app: Any = self
        taken = app._on_start_handler, app._on_shutdown_handler
        self._on_start_handler = self._on_shutdown_handler = None
        return taken

    def _reserved_names(self) -> Mapping[Target, Reserved]:
        return {target: reserved_names(target, self._server.bases[target]) for target in TARGETS}

    # -- routes

    # The core's class is the first base, so that a stock app can become one of this class.
    get, post, put = RouteMethods.get, RouteMethods.post, RouteMethods.put
    patch, delete, options = RouteMethods.patch, RouteMethods.delete, RouteMethods.options
    head, connect, trace, any = RouteMethods.head, RouteMethods.connect, RouteMethods.trace, RouteMethods.any

    def static(self, route: str, directory: str | PathLike[str]) -> Any:
        """Serve the files of a folder below `route`: see docs/files.md.

        Raises:
            RouteError: there is no such folder, or the route is not a plain path.
            DuplicateRouteError: something is served there already.
        """
        return self._route("static", route, directory)

    def not_found(self, handler: Handler) -> Handler:
        """Answer requests that match no route, and files of a folder that are not there, with `handler(res, req)`.

        The status is 404 unless the handler sets another. The last handler counts; works as a decorator.

        Args:
            handler: sync or async.

        Raises:
            RouteError: it can't be called with a response and a request.
        """
        self._route("not_found", "/*", handler)
        return handler

    def ws(self, path: str, behavior: Mapping[str, Any]) -> Any:
        """Serve WebSockets; `behavior` holds handlers by event and the core's limits.

        Raises:
            RouteError: a key of `behavior` is unknown, or a handler can't be called.
        """
        return self._route("ws", path, behavior)

    def _route(self, method: str, path: str, target: Any, max_body: int | None = None) -> Any:
        self._server.check_thread(f"the route {method.upper()} {path}")
        self._check_route("the app", method, path, target, max_body)
        self._server.check_free("the app", route_names(method, path))
        self._prepare(method, path, target, max_body)()
        return self

    def _check_routes(self, new: Iterable[Declaration]) -> None:
        """Refuse declared routes that can't be served, or that exist already."""
        declared: list[str] = []
        for declaration in new:
            if not declaration.app.routes:
                continue
            who = f"extension {declaration.spec.provenance}"
            for method, path, target, max_body in declaration.app.routes:
                self._check_route(who, method, path, target, max_body)
                declared += route_names(method, path)
            self._server.check_free(who, declared)

    def _check_route(self, who: str, method: str, path: str, target: Any, max_body: int | None) -> None:
        """Refuse a route that the core would read differently than written, or that can't be served."""
        check_pattern(who, method, path)
        check_max_body(who, method, path, max_body)
        if method == "static":
            folder_of(who, path, target)
        elif method != "ws":
            check_handler(who, method, path, target)
        elif isinstance(target, Mapping):
            check_behavior(who, path, target)
        else:
            raise errors.ArgumentError(
                who,
                f"adds WS {path}",
                f"its behavior is a {type(target).__name__}, not a dict",
                "Give a dict of handlers",
            )

    def _prepare(self, method: str, path: str, target: Any, max_body: int | None) -> Callable[[], Any]:
        """Prepare a checked route; return a function that puts it into effect."""
        if method == "static":
            return prepare_static(self._server, path.removesuffix("/"), folder_of("the app", path, target))
        if method == "ws":
            return prepare_socket(self._server, path, target)
        if method == "not_found":
            return lambda: setattr(self._server, "not_found", target)
        return prepare_route(self._server, method, path, target, max_body)

    def json_serializer(self, json_serializer: Any) -> None:
        """Serialise objects that are sent with another module: anything with `dumps` and `loads`."""
        super().json_serializer(json_serializer)
        self._server.use_json(json_serializer)

    def publish(self, topic: str | bytes, message: Any, opcode: int = OpCode.BINARY, compress: bool = False) -> bool:
        """Send text, bytes, or any other object as JSON to all WebSockets that listen on a topic.

        Returns:
            Whether anybody listens in this process; True from another thread, which hands the message over.

        Raises:
            TypeError, ValueError: the message can't be serialised, or the opcode carries no message.
        """
        server = self._server
        name, data = encode_topic(topic), encode_message(message, server.dump_json)
        opcode, compress = encode_opcode(opcode, len(data)), bool(compress)
        if get_ident() != server.thread and server.loop.is_running():
            server.hand_over("publish", self.publish, name, data, opcode, compress)
            return True
        if server.topic_counts is not None:
            server.topic_counts.backplane.publish(name, data, opcode, compress)
        if not server.has_topics:
            return False
        return bool(native_publish(server.ssl, self.app, name, len(name), data, len(data), opcode, compress))

    def publish_here(self, topic: bytes, data: bytes, opcode: int = OpCode.BINARY, compress: bool = False) -> bool:
        """Send to the WebSockets of this process only, without the backplane, and soon, from any place."""
        server = self._server
        if not server.has_topics:
            return False
        return bool(native_publish(server.ssl, self.app, topic, len(topic), data, len(data), opcode, compress))

    def num_subscribers(self, topic: str | bytes) -> int:
        """Return how many WebSockets of this process listen on a topic."""
        name, server = encode_topic(topic), self._server
        server.check_thread("num_subscribers")
        if not server.has_topics:
            return 0
        return int(lib.uws_num_subscribers(server.ssl, self.app, name, len(name)))

    @property
    def backplane(self) -> Any:
        """Return the backplane that carries publications to other processes, or None."""
        counts = self._server.topic_counts
        return None if counts is None else counts.backplane

    def use_backplane(self, backplane: Backplane) -> None:
        """Carry publications to other processes by `backplane`: one at most, set before the start.

        Raises:
            DuplicateBackplaneError: there is one already.
        """
        self._check_backplane(backplane)
        self._server.topic_counts = TopicCounts(backplane)

    def _check_backplane(self, backplane: Backplane) -> None:
        """Refuse a second backplane."""
        if self.backplane is not None:
            raise errors.DuplicateBackplaneError(
                f"a {type(backplane).__name__}",
                "is to carry publications",
                f"a {type(self.backplane).__name__} does so already",
                "Register one backplane",
            )

    # -- the loop

    def trigger_error(self, error: Any, response: Any, request: Any) -> None:
        """Handle an error as the core does, under our guards."""
        if isinstance(error, BaseException):
            self._server.fail(error, response, request, "")

    def _listen_core(self, address: Address, handler: Callable[[Any], Any] | None, reuse_port: bool | None) -> Any:
        """Listen; return the address, with the port."""
        bind_indexes(self._server)
        self._server.bind_sockets()
        bind_unmatched(self._server)
        self.socket, place = listen(self, address, reuse_port)
        self._server.listening.append(self.socket)
        if handler is not None:
            handler(place)
        return place

    def _run_core(self) -> None:
        served = self._server.served
        for app in served.apps:
            app._server.enter_thread()
        served.running = self
        try:
            self.loop.run()
        finally:
            served.running = None

    def _stop_core(self) -> None:
        self.loop.stop()

    def _close_listen_socket(self) -> None:
        self.socket = NULL
        while self._server.listening:
            lib.us_listen_socket_close(self.SSL, self._server.listening.pop())
