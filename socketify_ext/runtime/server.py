"""The server behind one app: its routes and sockets, its tasks, and its handling of errors."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import socket
from collections.abc import Callable, Container, Coroutine, Iterator, Sequence
from contextvars import Context, copy_context
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any

from .. import errors
from ..builtin.json.encoder import make_standard_encoder
from ..builtin.json.plain import encode_plainly, to_json
from ..errors import HTTPError
from ..sdk.compilation import subclass
from .core import ffi
from .error_log import ErrorLog
from .framing import check_headers
from .lingering import close_all
from .loop import enter_loop, leave_parent_listening, take_loop
from .on_error import ask_hooks, is_open
from .patterns import route_key
from .request import Request
from .request_body import MAX_BODY, MAX_HELD_BODIES, BodyRefusedError
from .response import Response
from .returned import answer_awaited, describe_returned
from .route_tree import RouteTree
from .serializer import make_dump
from .server_state import ServerState
from .shared_keys import prime_all_shared_keys
from .speedups import (
    REQUEST_BASES,
    RESPONSE_BASES,
    WEBSOCKET_BASES,
    forget_classes,
    native_callback,
    native_message,
)
from .tasks import start
from .thread import check_thread, get_ident
from .variables import free, run_in
from .websocket import WebSocket

if TYPE_CHECKING:
    from ..sdk.compilation import Classes
    from .change import Change
    from .routes import Route
    from .scope_node import ScopeNode
    from .served import ServedApps
    from .unmatched import Unmatched
    from .websocket_routes import SocketRoute


log = logging.getLogger("socketify_ext")

_encode_json = make_standard_encoder()


class Server(ServerState):
    """Serve one app."""

    max_body = MAX_BODY
    max_held_bodies = MAX_HELD_BODIES
    held_bytes = 0
    cancel_on_abort = False
    has_warned_of_plain_http = False  # of a Secure cookie
    root: ScopeNode  # the app as a scope
    is_ending = False  # what is cancelled now is so because the server ends
    # What the core calls: the compiled callbacks, where they are found.
    native_callback = staticmethod(native_callback)
    native_message = native_message

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        take_loop(app.loop)
        self.app = app
        self.loop: asyncio.AbstractEventLoop = app.loop.loop
        self._own_loop: asyncio.AbstractEventLoop | None = None  # while it visits another one
        self.listening: list[Any] = []
        self.places: set[int | str] = set()  # the ports and paths at which it listens
        self.upgrading: Any = None
        self.process = os.getpid()
        self.tasks: dict[asyncio.Task[Any] | None, Response | str] = {}  # with what each belongs to, or its name
        self.lingering: set[socket.socket] = set()  # connections that close behind an answer
        self.routes: list[Route] = []
        self._tree = RouteTree(())
        self._tree_size = 0  # how many of the routes it has
        self.route_names: dict[str, str] = {}  # of the routes, by what they are to the core's router
        self.change: Change | None = None  # the one that is being made
        self.lock = RLock()  # held meanwhile
        self.unmatched: Unmatched | None = None  # once it listens
        self.unbound: list[SocketRoute] | None = []  # WebSockets that hooks may ask to upgrade; None once it listens
        self.upgrading_path: str | None = None
        self.connections: dict[Any, WebSocket] = {}
        self.exit: BaseException | None = None
        self.channels: dict[bytes, Callable[[bytes], object]] = {}  # what receives the messages of other workers
        self._upgraded_by_core: list[SocketRoute] = []
        self._error_log = ErrorLog()
        self.thread = get_ident()
        shared = {"app": app, "_server": self, "_ssl": self.ssl, "_thread": self.thread}
        own = {"app": app, "_buffer": ffi.new("char**"), "_thread": self.thread}
        self.bases: Classes = {
            "request": subclass(Request, own, bases=REQUEST_BASES),
            "response": subclass(Response, shared, bases=RESPONSE_BASES),
            "ws": subclass(WebSocket, shared, bases=WEBSOCKET_BASES),
        }
        prime_all_shared_keys(self.bases)
        self.use_json(app._json_serializer)

    def take_loop(self) -> None:
        """Run the app's coroutines from now on."""
        # Tasks as asyncio makes them: the core's own have no current_task(), which anyio and others need.
        self.loop.set_task_factory(None)
        self.loop.set_exception_handler(None)
        self.app.run_async = self.app.loop.run_async = self.run_async

    @property
    def served(self) -> ServedApps:
        """Return the apps that the loop serves."""
        found: ServedApps = self.app.loop.uv_loop.served
        return found

    def enter(self) -> None:
        """Serve in this process and on this thread from now on.

        Raises:
            LifecycleError: that can't be.
        """
        if self._own_loop is not None:
            self.app.loop.loop, self._own_loop = self._own_loop, None
        enter_loop(self.app.loop)
        if self.loop is not self.app.loop.loop:
            self.loop = self.app.loop.loop
            self.take_loop()
        self.process = os.getpid()
        self.enter_thread()

    def visit(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run in a loop that runs already in this thread, without a socket, until `enter` goes back to the app's own."""
        if self.loop is not loop:
            self._own_loop = self._own_loop or self.app.loop.loop
            self.loop = self.app.loop.loop = loop
        self.enter_thread()

    def is_here(self) -> bool:
        """Check whether this is the thread and the process that serve."""
        return self.process == os.getpid() and self.thread == get_ident()

    def leave_parent_listening(self) -> None:
        """Let a forked process close sockets that it shares with its parent."""
        leave_parent_listening(self.app.loop)

    def enter_thread(self) -> None:
        """Let requests, responses and sockets belong to this thread."""
        self.thread = get_ident()
        for base in self.bases.values():
            setattr(base, "_thread", self.thread)  # noqa: B010 - `type` has none

    def check_thread(self, what: str) -> None:
        """Refuse a change of routes from another thread than the server's.

        Raises:
            ThreadError: the loop runs, in another thread.
        """
        if self.loop.is_running():
            check_thread(self.thread, "the app", what)

    def use_json(self, serializer: Any) -> None:
        """Set the serializer of objects that are sent: anything with `dumps`, returning text or bytes."""
        self.dump_json = make_dump(serializer)

    def use_members(self) -> None:
        """Let open connections, and the log of errors, follow a change of extensions."""
        plans = [node.registration.current for node in self.root.subtree()]
        declarations = (each for plan in plans for each in plan.own.values())
        self._error_log = ErrorLog(member for declaration in declarations for member in declaration.spec.members)
        for connection in self.connections.values():
            connection.__class__ = connection._route.socket_class

    @property
    def is_bound(self) -> bool:
        """Whether the server listens, or has begun to: what is added is put into effect as a whole and at once."""
        return self.unbound is None

    def check_upgrades(self, routes: Container[Route]) -> None:
        """Check that no hook comes too late for a WebSocket of these routes.

        Raises:
            LifecycleError: one does.
        """
        for route in self._upgraded_by_core:
            if route in routes and route.node.hooks.need_upgrade(route):
                raise errors.LifecycleError(
                    f"the WebSocket {route.pattern}",
                    "can't be given request hooks",
                    "the server listens, and the core upgrades it since neither a handler nor a hook asked to",
                    "Register hooks before app.listen(), or give the WebSocket an upgrade handler",
                )

    def bind_socket(self, route: SocketRoute) -> None:
        """Bind a WebSocket route to the core, once it is known whether a hook wants its upgrades."""
        if self.unbound is not None and route.upgrade is None:
            self.unbound.append(route)
            return
        if route.upgrade is None:
            self._upgraded_by_core.append(route)
        route.bind_now()

    def bind_sockets(self) -> None:
        """Bind the WebSocket routes that waited for hooks."""
        unbound, self.unbound = self.unbound, None
        for route in unbound or ():
            self.bind_socket(route)

    def check_free(self, who: str, name: str) -> None:
        """Refuse a route that exists already, by its name, as in "GET /users/:id".

        Raises:
            DuplicateRouteError: it does; the core would end the process.
        """
        taken = self.route_names.get(route_key(name))
        if taken is None:
            return
        why = "there is a route of that method and pattern already"
        if taken != name:
            why = f"{taken} is there already, which is the same to the core's router"
        raise errors.DuplicateRouteError(who, f"adds {name}", why, "Give one of the two another path")

    def matches(self, path: str) -> Iterator[list[Route]]:
        """Return the routes of each pattern that matches a path, the most specific one first."""
        if self._tree_size != len(self.routes):
            self._tree, self._tree_size = RouteTree(self.routes), len(self.routes)
        return self._tree.matches(path)

    def drop_yielded(self) -> None:
        """Drop a yielded response where no handler of ours came next."""
        response, self.yielded = self.yielded, None
        if response is not None:
            response._finish()

    # -- coroutines

    def run_async(self, task: Coroutine[Any, Any, Any], response: Response | None = None) -> None:
        """Run a coroutine, to its first await at once; with a response, it may answer."""
        self.check_thread("run_async")
        self.start(task, response, None if response is None else response._request)

    def start(
        self,
        coroutine: Coroutine[Any, Any, Any],
        response: Response | None,
        request: Request | None,
        who: str = "",
        variables: Context | None = None,
    ) -> None:
        """Run a coroutine, to its first await at once; if it suspends, make the request outlive the callback.

        It runs in `variables`, else in the context of its response, else in a copy of the current context. `who` is the
        route where the coroutine is its handler's, whose result is the answer if it is one.
        """
        if response is not None:
            response._tasks += 1
            variables = response._variables if variables is None else variables
        conducted: Any = self._run_task(coroutine, response, request, who)
        task = start(conducted, self.loop, copy_context() if variables is None else free(variables))
        if conducted.cr_frame is None:  # it did not suspend
            return
        if response is None:
            self.tasks[task] = who
        else:
            self.tasks[task] = response
            if self.cancel_on_abort:
                response._coroutines = (*response._coroutines, task)
        if request is not None and request.req is not None:
            request.preserve()
            request.req = None
            if response is not None:
                is_announced = request.has_body
                if is_announced or request._repeated is not None:  # a first Content-Length of 0 announces none
                    check_headers(response, request)
                response._hold_body(is_announced)
        if response is not None and not response._answered:
            response._wait()
            if request is not None and not request._response_key:  # another route has yielded the response
                request._response_key = response._key

    async def _run_task(
        self, coroutine: Coroutine[Any, Any, Any], response: Response | None, request: Request | None, who: str
    ) -> None:
        result = None
        try:
            result = await coroutine
            if result is not None and response is not None and not response._answered and not _yielded(request):
                answer_awaited(response, result, is_handler=bool(who))
        except GeneratorExit:  # the program ends, and the core's memory may be gone
            return
        except BaseException as error:
            self.fail(error, response, request, who)
            if not isinstance(error, Exception):
                self._end_task(response, request, who, result)
                raise
        self._end_task(response, request, who, result)

    def _end_task(self, response: Response | None, request: Request | None, who: str, result: Any) -> None:
        self.tasks.pop(asyncio.current_task(), None)
        if response is not None:
            response._tasks -= 1
            if not (response._answered or response._tasks or response._deferred or _yielded(request)):
                self.unanswered(response, who, result)
            if response._form is not None and response._answered:
                response._close_form()

    def hand_over(self, who: str, function: Callable[..., Any], *arguments: Any) -> None:
        """Make a call without a request on the server's thread; a connection that has closed meanwhile is ignored."""
        self.loop.call_soon_threadsafe(self._run_handed_over, who, function, arguments)

    def _run_handed_over(self, who: str, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
        try:
            function(*arguments)
        except errors.ConnectionClosedError:
            return
        except BaseException as error:
            self.fail(error, None, None, who)

    def call(self, response: Response, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a callback of a response; if it returns a coroutine, run it."""
        try:
            result = run_in(response._variables, function, *arguments)
            if inspect.iscoroutine(result):
                return self.run_async(result, response)
        except BaseException as error:
            return self.fail(error, response, response._request, "")
        return result

    # -- answers that no handler has given

    def check_answered(self, response: Response, who: str, result: Any) -> None:
        """Answer 500 unless the calls that another thread has handed over have answered, or something still may."""
        if not (response._answered or response._tasks or response._deferred):
            self.unanswered(response, who, result)

    def unanswered(self, response: Response, who: str, result: Any) -> None:
        """Fail for a handler that has returned nothing that is an answer."""
        error = errors.UnansweredError(
            f"the handler of {who or _who(response)}",
            f"returned {describe_returned(None if result is response else result)}",
            "its client would wait for ever",
            "Answer by a call such as res.end, or return what is to be answered",
        )
        self.fail(error, response, response._request, who)

    def fail(self, error: BaseException, response: Response | None, request: Any, who: str) -> None:
        """Answer an error that a handler, a member or a callback raised, and log it unless it is an HTTPError.

        Never raises. An error that ends the process, such as SystemExit, ends it after an orderly shutdown.
        """
        if _yielded(request) and request.req is not None:
            request.set_yield(False)  # the error is the answer
        if response is not None:
            response._encode = None  # which is for what the handler answers
        if self.is_ending and isinstance(error, asyncio.CancelledError):
            if response is not None:
                response._fail(503, b"Service Unavailable", b"text/plain")
        elif response is None and isinstance(error, errors.ConnectionClosedError):
            log.info("%s: %s", who, error)  # clients leave at any time
        elif response is None or response.aborted:
            nobody_there = isinstance(error, HTTPError) and response is not None  # it is an answer, and needs no log
            if not isinstance(error, asyncio.CancelledError) and not nobody_there:
                self.report(error, who or _who(response), response)
        elif response._on_error is not None and is_open(response) and isinstance(error, Exception):
            ask_hooks(self, error, response, request, who)
        else:
            self.answer_error(error, response, request, who)
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            self.exit = error
            self.app.close()

    def answer_error(self, error: BaseException, response: Response, request: Any, who: str) -> None:
        """Answer an error that no hook has answered."""
        if isinstance(error, HTTPError):
            self._answer(error, response, request, who)
        elif self.app.error_handler is None or not isinstance(error, Exception):
            self.report(error, who or _who(response), response)
            response._fail(500, b"Internal Server Error", b"text/plain")
        else:
            self._ask_error_handler(error, response, request, who)

    def fail_hook(self, error: BaseException, response: Response) -> None:
        """Log an error of a hook around an answer, which goes on."""
        self.fail(error, None, None, _who(response))

    def _answer(self, error: HTTPError, response: Response, request: Any, who: str) -> None:
        if (response._head_sent or response._begun) and not response._answered:
            self.report(error, who or _who(response), response)
        try:
            if isinstance(error, BodyRefusedError) and not response._answered:
                response._linger()
            kind, body = encode_detail(error.detail, _accept(request))
            response._fail(error.status, body, kind, error.headers)
        except Exception as second:  # its detail, its status or a header can't be sent
            self.report(second, who or _who(response), response)
            response._fail(500, b"Internal Server Error", b"text/plain")

    def _ask_error_handler(self, error: Exception, response: Response, request: Any, who: str) -> None:
        handler = self.app.error_handler
        try:
            result = run_in(response._variables, handler, error, response, request)
            if inspect.iscoroutine(result):
                self.start(_without(result, self, response, who), response, request, who)
            elif not response._answered and not response._deferred:
                response._fail(500, b"Internal Server Error", b"text/plain")
        except BaseException as second:
            self.report(second, f"{who or _who(response)}: the error handler", response)
            response._fail(500, b"Internal Server Error", b"text/plain")

    def report(self, error: BaseException, who: str, response: Response | None = None) -> None:
        """Log an error with the route and, where they are in its traceback, the member and the hook, with extensions.

        It is logged in the context of its request, whose id and span logging may show.
        """
        if isinstance(error, errors.UnansweredError) and response is not None:  # no code of its own has raised it
            line = ("%s: the handler %s", who, error.what)
            run_in(response._variables, partial(log.error, extra={"route": who}), *line)
        elif response is None or response._variables is None:
            self._error_log.report(error, who)
        else:
            run_in(response._variables, self._error_log.report, error, who)

    # -- the end

    def announce_end(self) -> None:
        """Tell clients with each answer from now on that its connection ends (RFC 9112, 9.6): no request is lost then."""
        base: Any = self.bases["response"]
        base._last, base._body_only = True, False
        forget_classes()

    def begin_again(self) -> None:
        """Serve as before the end, where the app has served in a test's process alone and may be started again."""
        base = self.bases["response"]
        for name in vars(base).keys() & {"_last", "_body_only"}:
            delattr(base, name)
        forget_classes()
        self.is_ending = False

    def close_connections(self) -> None:
        """Close every WebSocket with "going away" (RFC 6455, 7.4.1: 1001), and what lingers."""
        close_all(self.lingering)
        for connection in list(self.connections.values()):
            if not connection.closed:
                connection.end(1001, "server shutdown")


async def _without(result: Any, server: Server, response: Response, who: str) -> None:
    """Await an error handler's coroutine, whose own errors must not reach the error handler again."""
    try:
        await result
    except Exception as second:
        server.report(second, f"{who or _who(response)}: the error handler", response)
        response._fail(500, b"Internal Server Error", b"text/plain")


def _who(response: Response | None) -> str:
    """Name the route; in the handler itself, where no route is noted yet, the request's method and path."""
    if response is None:
        return ""
    request = response._request
    if response._route or request is None or request.req is None:
        return response._route or "a request"
    return f"{request.get_method()} {request.get_url()}"


def _yielded(request: Any) -> bool:
    return request is not None and request._yielded


def _accept(request: Any) -> str:
    if request is None or (request.req is None and request._headers is None):
        return ""
    return ", ".join(request.get_header_list("accept"))


def encode_detail(detail: Any, accept: str) -> tuple[bytes, bytes]:
    """Encode the body of an error answer.

    Returns:
        The content type and the body: msgpack where the client accepts that and not JSON, else JSON.
    """
    if "msgpack" in accept and "json" not in accept:
        import msgpack

        return b"application/msgpack", msgpack.packb({"detail": detail}, default=str)
    body = {"detail": detail}
    try:
        return b"application/json", _encode_json(body)
    except TypeError:
        return b"application/json", encode_plainly(body, unknown=_json_or_text)


def _json_or_text(value: Any) -> Any:
    """Convert what JSON has no type for, an unknown object to its text."""
    try:
        return to_json(value)
    except TypeError:
        return str(value)
