"""`App` and `install(app)`: register, lifecycle, introspection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from dataclasses import replace
from os import getpid
from threading import get_ident
from typing import Any, TypeVar

from . import errors
from .lifecycle import RESERVE, Lifecycle, LifecycleEntry, announce_listening
from .registration import Plan, Registration
from .registry.registry import Registry, default_registry
from .runtime.change import changing
from .runtime.core_app import CoreApp
from .runtime.ending import cancel_handlers, wait_for_clients, wait_for_requests
from .runtime.fork import is_forked
from .runtime.listening import address_of
from .runtime.loop import shared_loop
from .runtime.request_body import MAX_BODY, MAX_HELD_BODIES
from .runtime.scope import ScopeMethods
from .runtime.scope_node import ScopeNode
from .runtime.server import Server
from .runtime.stock import is_managed
from .sdk.app_surface import AppSurface
from .sdk.compilation import subclass
from .sdk.declaration import Declaration
from .sdk.inspection import Inspection
from .sdk.plural import counted
from .sdk.request_hooks import LIFECYCLE_PARAMETERS, RequestHooks, check_function
from .sdk.resolution import Policy

log = logging.getLogger("socketify_ext")

Function = TypeVar("Function", bound=Callable[..., Any])


class App(CoreApp):
    """A socketify app whose extensions are validated, whose requests are safe, and which starts and stops in order.

    Args:
        options: `socketify.AppOptions` for TLS, or None.
        request_response_factory_max_items, websocket_factory_max_items, task_factory_max_items: accepted as in the
            core, and ignored: nothing is pooled here.
        lifespan: whether start-up and shutdown functions run.
        idle_relaxation_time: as in the core, in seconds.
        on_collision: settles a member that two extensions add: "error", "keep" the earlier one, or "replace"
            it.
        registry: loads the extensions that others require.
        shutdown_grace: seconds that running requests get after the listen socket has closed; see docs/settings.md.
        shutdown_timeout: seconds that the cancelled handlers of others and all shutdown functions together get.
        max_body: bytes that the body of a request may have, where its route has no `max_body` of its own; a larger one
            is answered with 413.
        max_held_bodies: bytes of all bodies together that are held or collected; a request beyond that is answered with 503.
        cancel_on_abort: whether a client that leaves before the answer cancels the coroutine of its handler.

    Attributes:
        shutdown_grace: as above.
        shutdown_linger: seconds that idle connections get to send one more request when the app closes; none by default.
    """

    shutdown_linger = 0.0

    def __init__(
        self,
        options: Any = None,
        request_response_factory_max_items: int = 0,
        websocket_factory_max_items: int = 0,
        task_factory_max_items: int = 100_000,
        lifespan: bool = True,
        idle_relaxation_time: float = 0.01,
        *,
        on_collision: Policy = "error",
        registry: Registry | None = None,
        shutdown_grace: float = 5.0,
        shutdown_timeout: float = 10.0,
        max_body: int = MAX_BODY,
        max_held_bodies: int = MAX_HELD_BODIES,
        cancel_on_abort: bool = False,
    ) -> None:
        shared_loop()  # an error of this thread leaves nothing half made
        super().__init__(
            options,
            lifespan=lifespan,
            idle_relaxation_time=idle_relaxation_time,
            task_factory_max_items=task_factory_max_items,
        )
        self._initialise(on_collision, registry, shutdown_grace, shutdown_timeout)
        self._limit_bodies(max_body, max_held_bodies)
        self._server.cancel_on_abort = bool(cancel_on_abort)

    def _initialise(self, on_collision: Policy, registry: Registry | None, grace: float, timeout: float) -> None:
        """Set up a new app, or one that someone else made."""
        earlier = self._earlier()
        self._server = Server(self)
        self.shutdown_grace = grace
        self._lifecycle = Lifecycle(timeout)
        self._own_startup: list[Callable[..., Any]] = []
        self._own_shutdown: list[Callable[..., Any]] = []
        self._own_listening: list[Callable[..., Any]] = []
        self._own_closing: list[Callable[..., Any]] = []
        self._closing: asyncio.Task[None] | None = None
        self._signalled = False
        for taken, functions in zip(self._take_core_lifecycle(), (self._own_startup, self._own_shutdown), strict=True):
            if taken is not None:
                functions.append(taken)
        registration = Registration(
            self, registry or default_registry(), self._server.bases, self._reserved_names(), on_collision
        )
        self._node = self._server.root = ScopeNode(self._server, self, registration, "", None)
        with changing(self._server) as change:
            change.register(self._node, registration.plan_declared(earlier))
        self._detach_pools()

    # -- extensions

    def _check_in_time(self, declaration: Declaration) -> None:
        """Refuse an extension whose start-up functions would not run."""
        if declaration.app.startup and self._lifecycle.state != "new":
            raise errors.LifecycleError(
                f"extension {declaration.spec.provenance}",
                "has start-up functions",
                "the app has already started",
                "Register it before app.listen()",
            )

    # The core's name for set_error_handler, which is about the errors of handlers alone.
    on_error = RequestHooks.on_error

    def inspect(self) -> Inspection:
        """Report the extensions of the app and the origin of each member, as `socketify_ext.inspect(app)`."""
        return inspect(self)

    @property
    def gauges(self) -> dict[str, Callable[[], float]]:
        """Return the numbers that extensions show, by "extension: name"."""
        return {
            f"{name}: {gauge}": read
            for node in self._node.subtree()
            for name, declaration in node.registration.current.own.items()
            for gauge, read in declaration.app.declared_gauges.items()
        }

    # -- lifecycle

    def on_startup(self, function: Function) -> Function:
        """Run `function`, sync or async, before the server listens, after the extensions have started."""
        self._own_startup.append(function)
        return function

    def on_start(self, method: Function) -> Function:
        """Run `method` as `on_startup` does; this is the core's name, and several functions run in order."""
        return self.on_startup(method)

    def on_shutdown(self, method: Function) -> Function:
        """Run `method`, sync or async, once the server has stopped, before the extensions stop; the last first."""
        self._own_shutdown.append(method)
        return method

    def on_listen(self, function: Function) -> Function:
        """Run `function(address)`, sync or async, once the server listens, after those of the extensions.

        An async function, and those behind it, run while the loop does: `listen` does not wait for them.

        Args:
            function: gets the address as `handler` of `listen` does: an object with `port`, `host` and `domain`. Its errors
                are logged.

        Raises:
            SignatureError: the function takes other arguments.
        """
        check_function(None, "on_listen", LIFECYCLE_PARAMETERS["on_listen"], function)
        self._own_listening.append(function)
        return function

    def before_close(self, function: Function) -> Function:
        """Run `function`, sync or async, when closing begins: the server still listens and answers.

        It comes after those of the extensions. All together get `shutdown_grace` seconds, of which requests then get
        what is left.

        Args:
            function: its errors are logged.

        Raises:
            SignatureError: the function takes arguments.
        """
        check_function(None, "before_close", LIFECYCLE_PARAMETERS["before_close"], function)
        self._own_closing.append(function)
        return function

    def _lifecycle_entries(self) -> list[LifecycleEntry]:
        """Return the lifecycle functions in order: of the app's extensions, of those of its scopes, and the app's own."""
        plans = [node.registration.current for node in self._node.subtree()]
        own = LifecycleEntry("the app", self._own_startup, self._own_shutdown, self._own_listening, self._own_closing)
        return [*(entry for plan in plans for entry in plan.lifecycle_entries()), own]

    def listen(
        self,
        port_or_options: Any = None,
        handler: Callable[[Any], Any] | None = None,
        *,
        reuse_port: bool | None = None,
    ) -> App:
        """Start up, then listen.

        Args:
            port_or_options: a port of all addresses, a dict with `port`, `host` or `domain`, the path of a Unix socket,
                or `socketify.AppListenOptions`; any free port by default.
            handler: called with an `AppListenOptions`, which has the port.
            reuse_port: whether several processes may listen there, each with `reuse_port=True`; the path of a Unix
                socket is taken over. By default the workers that a program forks share, and nobody else.

        Raises:
            LifecycleError: a start-up function failed, and all that had started was stopped; or the app was closed before.
            ListenError: the port or path can't be used; another server listens there, for example.
        """
        address = address_of(port_or_options)
        self._check_unspent("listen")
        loop_runs = self._enter("listen")
        new = self._server.served.enter(self, self._server.loop)
        try:
            if self.lifespan and self._lifecycle.state == "new":
                starting = self._lifecycle.start(self._lifecycle_entries())
                if loop_runs:
                    _run_now(starting)
                else:
                    self._server.loop.run_until_complete(starting)
            place = self._listen_core(address, handler, reuse_port)
        except BaseException:
            if new:
                self._close_listen_socket()
                self._server.served.leave(self, self._server.loop)
            raise
        self._announce_listening(place)
        return self

    def _announce_listening(self, place: Any) -> None:
        others = copy_context().run(announce_listening, self._lifecycle_entries(), place)
        if others is not None:
            self._server.start(others, None, None, "on_listen")

    def run(self) -> App:
        """Serve until `close()`, SIGINT or SIGTERM, then shut down in order.

        Other apps of the thread that listen are served too, and end with this one.

        Raises:
            LifecycleError: the app runs already, was closed before, or belongs to another thread or process.
            SystemExit: a forked process got a signal, which ends it as in the core; the core's CLI, and programs that
                fork like it, would serve again in a worker whose `run()` returns.
        """
        self._check_unspent("run")
        self._enter("run")
        server = self._server
        loop, served = server.loop, server.served
        served.enter(self, loop)
        if self._signalled:  # during start-up
            loop.call_soon(self.close)
        try:
            self._run_core()
        finally:
            if self._lifecycle.state == "started" and self._closing is not None:  # a second signal has come
                self._close_listen_socket()
                loop.run_until_complete(self._lifecycle.stop())
            elif self._closing is None:  # the loop was stopped
                loop.run_until_complete(self._end_all(0.0))
            served.leave(self, loop)
        if server.exit is not None:
            raise server.exit
        if self._signalled and is_forked():
            raise SystemExit(0)
        return self

    def _check_unspent(self, what: str) -> None:
        """Check that the app has not served yet: it serves once."""
        why, fix = "", "Make another App to serve again"
        if self._closing is not None or self._lifecycle.state in ("stopping", "stopped"):
            why = "it has served and was closed"
        elif self in self._server.served.apps and not self._server.is_here():
            why = "it listens already, in another thread or in the process that has forked this one"
            fix = "Call listen() and run() in one thread of one process"
        elif what == "run" and self._server.loop.is_running():
            why = "it runs already" if self._server.served.running is self else "the loop of this thread runs already"
            fix = "Call app.run() once, outside of handlers and coroutines"
        if why:
            raise errors.LifecycleError("the app", f"can't {what}", why, fix)

    def _enter(self, what: str) -> bool:
        """Serve in this thread and process; return whether the loop runs, as it does for another app."""
        self._server.enter()
        functions = [entry.startup for entry in self._lifecycle_entries()]
        runs = self._server.loop.is_running()
        if runs and what == "listen" and self._lifecycle.state == "new" and self.lifespan and any(functions):
            fix = "Call listen() before app.run(), outside of handlers and coroutines"
            why = "it has start-up functions, and the loop that would run them runs already"
            raise errors.LifecycleError("the app", "can't listen", why, fix)
        return runs

    def _on_signal(self) -> None:
        again, self._signalled = self._signalled, True
        running = self._server.served.running is self
        if again:  # a second signal does not wait
            if not running:
                raise SystemExit(1)
            if self._lifecycle.stopping is not None:
                log.error("a second signal: the process ends without waiting for %s", self._lifecycle.stopping)
            self._stop_core()
        elif running:
            self.close()

    def dispose(self) -> None:
        """Close the app; what the core has of it is freed with the last reference to the app, when nothing runs any more."""
        self.close()

    def close(self) -> App:
        """Stop listening, give running requests their grace, run the shutdown functions, and end `run()`.

        Where `run()` of another app serves this one, that goes on; where this one runs, the others end with it. In a
        process that was forked by the server, it only closes the sockets that came along.
        """
        server = self._server
        if server.process != getpid():
            server.leave_parent_listening()
            self._close_listen_socket()
            return self
        if server.loop.is_running() and get_ident() != server.thread:
            server.hand_over("close", self.close)
            return self
        if not self._awaits_close():
            self._close_listen_socket()
        if server.loop.is_running():
            if self._closing is None:
                self._closing = server.loop.create_task(self._shut_down())
        else:
            if self._awaits_close():
                server.loop.run_until_complete(self._stop_listening(self.shutdown_grace))
            if self._lifecycle.state == "started":
                server.loop.run_until_complete(self._lifecycle.stop())
            server.served.leave(self, server.loop)
        return self

    def _awaits_close(self) -> bool:
        """Check whether hooks run before the listen socket closes."""
        return bool(self._server.listening) and any(entry.closing for entry in self._lifecycle_entries())

    async def _stop_listening(self, grace: float) -> float:
        """Close the listen socket, after the hooks that come before; return how much of the grace is left."""
        began = self._server.loop.time()
        if self._awaits_close():
            try:
                await self._lifecycle.announce_close(self._lifecycle_entries(), max(grace, RESERVE))
            finally:
                self._close_listen_socket()
        self._close_listen_socket()
        return max(grace - (self._server.loop.time() - began), 0.0)

    async def _shut_down(self) -> None:
        served = self._server.served
        try:
            if served.running is self:
                await self._end_all(self.shutdown_grace)
            else:
                await self._end(self.shutdown_grace)
                served.leave(self, self._server.loop)
        finally:
            if served.running in (self, None):
                self._stop_core()

    async def _end_all(self, grace: float) -> None:
        """End this app, and the others of its loop, which nobody would serve."""
        others = self._server.served.others(self)
        for other in others:
            other.close()
        await self._end(grace)
        closing = [other._closing for other in others if other._closing is not None]
        if closing:
            await asyncio.wait(closing)

    async def _end(self, grace: float) -> None:
        """Wait for requests, cancel what is left, close connections, and run the shutdown functions."""
        server, lifecycle = self._server, self._lifecycle
        grace = await self._stop_listening(grace)
        server.announce_end()
        await wait_for_requests(server, grace)
        server.close_connections()
        await wait_for_clients(server, min(self.shutdown_linger, grace))
        began = server.loop.time()
        await cancel_handlers(server, lifecycle.timeout / 2)
        await lifecycle.stop(lifecycle.timeout - (server.loop.time() - began))


def _run_now(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("it waits")


def install(
    app: Any,
    *,
    on_collision: Policy = "error",
    registry: Registry | None = None,
    shutdown_grace: float = 5.0,
    shutdown_timeout: float = 10.0,
    max_body: int = MAX_BODY,
    max_held_bodies: int = MAX_HELD_BODIES,
    cancel_on_abort: bool = False,
) -> App:
    """Turn an app that someone else made, such as the core's CLI, into a `socketify_ext.App`.

    It keeps the extensions that it has. The arguments are those of `App`.

    Returns:
        The same object.

    Raises:
        ArgumentError: it is not a socketify App.
        InstallError: it has routes already, which the core would go on to serve.
        ExtensionError: an extension that it has already is not valid; the app is as it was.
    """
    if isinstance(app, App):
        return app
    if not isinstance(app, CoreApp.__mro__[1]):
        raise errors.ArgumentError(
            f"a {type(app).__name__}", "can't be installed", "it is not a socketify App", "Pass the App itself"
        )
    if app.handlers:
        raise errors.InstallError(
            "this app",
            f"has {counted(len(app.handlers), 'route')} already",
            "the core has bound them to its own dispatch, which can't be taken back",
            "Call socketify_ext.install(app) right after the app was made, before its first route",
        )
    kind, attributes = type(app), dict(vars(app))
    app.__class__ = App if App.__mro__[2] is kind else subclass(kind, {}, bases=(kind, App))
    try:
        app._initialise(on_collision, registry, shutdown_grace, shutdown_timeout)
        app._limit_bodies(max_body, max_held_bodies)
        app._server.cancel_on_abort = bool(cancel_on_abort)
    except BaseException:
        app.__class__ = kind
        vars(app).clear()
        vars(app).update(attributes)
        raise
    return app  # type: ignore[no-any-return]


def inspect(app: Any) -> Inspection:
    """Report the extensions of an app, stock or installed, or of a scope, and the origin of each member."""
    if isinstance(app, AppSurface):  # what an extension has as its app
        app = app._app
    adapter = getattr(app, "_request_extension", None)
    if isinstance(app, ScopeMethods):
        return _inspected(app._node)
    if is_managed(adapter):
        return _of_plan(adapter.stock.registration.current)  # type: ignore[union-attr]
    return Inspection((), {}, ())


def _inspected(node: ScopeNode) -> Inspection:
    return replace(
        _of_plan(node.registration.current),
        prefix=node.prefix,
        routes=tuple(node.own_routes()),
        hooks=tuple(node.hooks),
        scopes=tuple(_inspected(child) for child in node.children),
    )


def _of_plan(plan: Plan) -> Inspection:
    resolution = plan.resolution
    members = {f"{target}.{name}": member for (target, name), member in resolution.members.items()}
    return Inspection(resolution.order, members, resolution.settled, own=tuple(plan.own))
