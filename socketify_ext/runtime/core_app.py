"""The core's `App`, with its routes, sockets and loop served by the runtime; the only user of its private names."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from .. import errors
from ..sdk.declaration import Declaration
from ..sdk.resolution import Reserved
from ..sdk.spec import TARGETS, Target
from .change import check_options
from .core import NULL, OpCode, core, lib, reserved_names
from .encoding import encode_message, encode_topic
from .files.sending import bind_indexes
from .listening import Address, listen
from .route_tree import takers
from .scope import ScopeMethods
from .server import Server
from .speedups import DESCRIPTION, publish_plainly
from .stock import earlier_declaration, is_managed
from .thread import get_ident
from .topics import Backplane, TopicCounts
from .unmatched import bind_unmatched
from .websocket import encode_opcode

if TYPE_CHECKING:
    from ..sdk.route_info import RouteInfo
    from .change import Change

native_publish = lib.uws_publish

CHANNEL: Final = b"\xff channel "
"""Begins the topic of a channel: text can't begin with it."""


class CoreApp(core.App, ScopeMethods):  # type: ignore[misc]  # the core has no types
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
    get, post, put = ScopeMethods.get, ScopeMethods.post, ScopeMethods.put
    patch, delete, options = ScopeMethods.patch, ScopeMethods.delete, ScopeMethods.options
    head, connect, trace, any = ScopeMethods.head, ScopeMethods.connect, ScopeMethods.trace, ScopeMethods.any
    ws, static, register = ScopeMethods.ws, ScopeMethods.static, ScopeMethods.register

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
        if publish_plainly is not None:
            sent = publish_plainly(server, topic, message, opcode, compress)
            if sent is not None:
                return sent
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
        if topic in server.channels:
            server.channels[topic](data)
            return True
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

    def channel(self, name: str, receive: Callable[[bytes], object]) -> Callable[[bytes], None]:
        """Make a channel between the workers of this app; the backplane carries it, and no WebSocket can listen to it.

        Args:
            name: the same in all workers.
            receive: called with each message of another worker.

        Returns:
            A function that sends a message to the other workers; without a backplane there are none.
        """
        server, topic = self._server, CHANNEL + name.encode()
        counts = server.topic_counts

        def send(data: bytes) -> None:
            if counts is not None:
                counts.backplane.publish(topic, data, OpCode.BINARY, False)

        if counts is not None and topic not in server.channels:
            counts.backplane.subscribe(topic)
        server.channels[topic] = receive
        return send

    @property
    def speedups(self) -> str:
        """Return the version of the speedups, or why the app runs without them."""
        return DESCRIPTION

    @property
    def connections(self) -> tuple[Any, ...]:
        """Return the WebSockets of this process that are open."""
        return tuple(self._server.connections.values())

    def use_backplane(self, backplane: Backplane) -> None:
        """Carry publications to other processes by `backplane`: one at most, set before the start.

        Raises:
            DuplicateBackplaneError: there is one already.
        """
        if self.backplane is not None:
            raise errors.DuplicateBackplaneError(
                f"a {type(backplane).__name__}",
                "is to carry publications",
                f"a {type(self.backplane).__name__} does so already",
                "Register one backplane",
            )
        self._server.topic_counts = TopicCounts(backplane)

    def _use_services(self, change: Change, declaration: Declaration) -> None:
        """Take the serializer and the backplane of an extension."""
        server, serializer, backplane = self._server, declaration.app.serializer, declaration.app.declared_backplane
        if serializer is not None:
            change.on_undo(partial(self.json_serializer, self._json_serializer))
            self.json_serializer(serializer)
        if backplane is not None:
            change.set(server, "topic_counts", server.topic_counts)
            self.use_backplane(backplane)

    def find_route(self, method: str, path: str) -> RouteInfo | None:
        """Return the route that a request comes to first, as far as its path says; None where there is none.

        Args:
            method: as it is sent; what answers GET answers HEAD.
            path: as it is sent, without the query.
        """
        for wanted in ("HEAD", "GET") if method == "HEAD" else (method,):
            for found in self._server.matches(path):
                for route in takers(found, wanted):
                    if not route.info.is_websocket:
                        return route.info
        return None

    # -- the loop

    def trigger_error(self, error: Any, response: Any, request: Any) -> None:
        """Handle an error as the core does, under our guards."""
        if isinstance(error, BaseException):
            self._server.fail(error, response, request, "")

    def _listen_core(self, address: Address, handler: Callable[[Any], Any] | None, reuse_port: bool | None) -> Any:
        """Listen; return the address, with the port."""
        self._bind_core()
        self.socket, place = listen(self, address, reuse_port)
        self._server.listening.append(self.socket)
        self._server.places.add(place.domain or place.port)
        if handler is not None:
            handler(place)
        return place

    def _bind_core(self) -> None:
        """Bind what waited for the end of registration; done again, nothing changes.

        Raises:
            RouteOptionError: nothing has declared an option of a route.
        """
        check_options(self._server)
        bind_indexes(self._server)
        self._server.bind_sockets()
        bind_unmatched(self._server)

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
