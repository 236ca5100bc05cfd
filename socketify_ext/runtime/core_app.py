"""The core's `App`, with its routes, sockets and loop led to the runtime; what touches its private names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import errors
from ..declaration import Declaration
from ..resolution import Reserved
from ..spec import TARGETS, Target
from .core import NULL, OpCode, core, lib, reserved_names
from .dispatch import prepare_route
from .listeners import Backplane, Listeners
from .server import Server
from .sockets import prepare_socket
from .stock import earlier_declaration, is_managed
from .websocket import encode_message, encode_topic

native_publish = lib.uws_publish


class CoreApp(core.App):  # type: ignore[misc]  # the core has no types
    """A core app that serves through the runtime; `socketify_ext.App` adds extensions and lifecycle."""

    _server: Server

    def _earlier(self) -> list[Declaration]:
        """Give the declarations of the extensions that the app has as a stock app."""
        earlier: list[Declaration] = []
        request: Any = self._request_extension
        if is_managed(request):
            earlier.extend(request.stock.binding.declarations)
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

    def _take_over_core(self) -> None:
        """Drop the core's pools and extensions, and take its loop."""
        self._factory = self._ws_factory = None
        self._request_extension = self._response_extension = self._ws_extension = None
        self._server.take_loop()

    def _take_core_lifecycle(self) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None]:
        """Take the one start and the one shutdown function that the core holds."""
        app: Any = self
        taken = app._on_start_handler, app._on_shutdown_handler
        self._on_start_handler = self._on_shutdown_handler = None
        return taken

    def _reserved_names(self) -> Mapping[Target, Reserved]:
        return {target: reserved_names(target, self._server.bases[target]) for target in TARGETS}

    # -- routes

    def get(self, path: str, handler: Callable[..., Any]) -> Any:
        """Serve GET."""
        return self._route("get", path, handler)

    def post(self, path: str, handler: Callable[..., Any]) -> Any:
        """Serve POST."""
        return self._route("post", path, handler)

    def put(self, path: str, handler: Callable[..., Any]) -> Any:
        """Serve PUT."""
        return self._route("put", path, handler)

    def patch(self, path: str, handler: Callable[..., Any]) -> Any:
        """Serve PATCH."""
        return self._route("patch", path, handler)

    def delete(self, path: str, handler: Callable[..., Any]) -> Any:
        """Serve DELETE."""
        return self._route("delete", path, handler)

    def options(self, path: str, handler: Callable[..., Any]) -> Any:
        """Serve OPTIONS."""
        return self._route("options", path, handler)

    def head(self, path: str, handler: Callable[..., Any]) -> Any:
        """Serve HEAD."""
        return self._route("head", path, handler)

    def connect(self, path: str, handler: Callable[..., Any]) -> Any:
        """Serve CONNECT."""
        return self._route("connect", path, handler)

    def trace(self, path: str, handler: Callable[..., Any]) -> Any:
        """Serve TRACE."""
        return self._route("trace", path, handler)

    def any(self, path: str, handler: Callable[..., Any]) -> Any:
        """Serve every method that has no route of its own."""
        return self._route("any", path, handler)

    def _route(self, method: str, path: str, handler: Callable[..., Any]) -> Any:
        prepare_route(self._server, method, path, handler)()
        return self

    def _prepare(self, method: str, path: str, target: Any) -> Callable[[], Any]:
        """Make a route that an extension has declared ready; gives what puts it into effect."""
        if method == "static":
            return lambda: self.static(path, target)
        if method == "ws":
            return prepare_socket(self._server, path, target)
        return prepare_route(self._server, method, path, target)

    def ws(self, path: str, behavior: Mapping[str, Any]) -> Any:
        """Serve WebSockets; `behavior` holds handlers by event and the core's limits."""
        if not isinstance(behavior, Mapping):
            raise TypeError(f"the behavior of {path} is a {type(behavior).__name__}, not a dict")
        prepare_socket(self._server, path, behavior)()
        return self

    def json_serializer(self, json_serializer: Any) -> None:
        """Serialise objects that are sent with another module: anything with `dumps` and `loads`."""
        super().json_serializer(json_serializer)
        self._server.use_json(json_serializer)

    def publish(self, topic: str | bytes, message: Any, opcode: int = OpCode.BINARY, compress: bool = False) -> bool:
        """Send text, bytes, or any other object as JSON to all WebSockets that listen on a topic."""
        server = self._server
        server.core_loop.is_idle = False
        name, data = encode_topic(topic), encode_message(message, server)
        if server.listeners is not None:
            server.listeners.backplane.publish(name, data, opcode, compress)
            server.flush_soon()
        if not server.has_topics:
            return False
        return bool(native_publish(server.ssl, self.app, name, len(name), data, len(data), opcode, compress))

    def publish_here(self, topic: bytes, data: bytes, opcode: int = OpCode.BINARY, compress: bool = False) -> bool:
        """Send to the WebSockets of this process only, whatever backplane there is, and soon, from any place."""
        server = self._server
        if not server.has_topics:
            return False
        server.flush_soon()
        return bool(native_publish(server.ssl, self.app, topic, len(topic), data, len(data), opcode, compress))

    def num_subscribers(self, topic: str | bytes) -> int:
        """Count the WebSockets of this process that listen on a topic."""
        return int(super().num_subscribers(topic)) if self._server.has_topics else 0

    @property
    def backplane(self) -> Any:
        """Give what carries publications to other processes; None where there is nothing."""
        listeners = self._server.listeners
        return None if listeners is None else listeners.backplane

    def use_backplane(self, backplane: Backplane) -> None:
        """Carry publications to other processes by `backplane`; there is one at most, and it is there before the start.

        Raises:
            InstallError: there is one already.
        """
        self._check_backplane(backplane)
        self._server.listeners = Listeners(backplane)

    def _check_backplane(self, backplane: Backplane) -> None:
        """Refuse a second backplane."""
        if self.backplane is not None:
            raise errors.InstallError(
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

    def _listen_core(self, port_or_options: Any, handler: Callable[[Any], Any] | None) -> None:
        self._server.bind_sockets()
        self.socket = NULL
        # Without a handler the core would not keep the listen socket, and could not close it.
        super().listen(port_or_options, handler or _ignore)
        if self.socket == NULL:
            raise errors.ListenError(
                "the server",
                f"can't listen on {port_or_options}",
                "the port or path is taken or not allowed",
                "Stop the other server, or choose another port",
            )
        self._server.listening.append(self.socket)

    def _run_core(self) -> None:
        self.loop.run()

    def _stop_core(self) -> None:
        self.loop.stop()

    def _close_listen_socket(self) -> None:
        self.socket = NULL
        while self._server.listening:
            lib.us_listen_socket_close(self.SSL, self._server.listening.pop())


def _ignore(config: Any) -> None:
    """Listen without a word."""
