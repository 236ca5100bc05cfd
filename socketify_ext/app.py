"""`App` and `install(app)`: register, lifecycle, introspection."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from threading import get_ident
from typing import Any, TypeVar

from . import errors
from .lifecycle import Lifecycle, LifecycleEntry
from .registration import Plan, Registration
from .registry.registry import Registry, default_registry
from .runtime.core_app import CoreApp
from .runtime.fork import is_forked
from .runtime.listening import address_of
from .runtime.request_body import MAX_BODY, MAX_HELD_BODIES
from .runtime.server import Server
from .runtime.stock import is_managed
from .sdk.compilation import subclass
from .sdk.declaration import as_extension
from .sdk.request_hooks import RequestHook, RequestHooks
from .sdk.resolution import Policy, Settled
from .sdk.spec import ExtensionSpec, MemberSpec

log = logging.getLogger("socketify_ext")

Function = TypeVar("Function", bound=Callable[..., Any])
Registered = TypeVar("Registered")


class App(CoreApp, RequestHooks):
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
        shutdown_grace: seconds that running requests get after the listen socket has closed.
        shutdown_timeout: seconds that all shutdown functions together get.
        max_body: bytes of a request's body that are kept until the handler reads it, and that `get_data` reads without
            a limit of its own; a larger body is answered with 413.
        max_held_bodies: bytes of all bodies together; a request beyond that is answered with 503.
    """

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
    ) -> None:
        super().__init__(
            options,
            lifespan=lifespan,
            idle_relaxation_time=idle_relaxation_time,
            task_factory_max_items=task_factory_max_items,
        )
        self._initialise(on_collision, registry, shutdown_grace, shutdown_timeout)
        self._limit_bodies(max_body, max_held_bodies)

    def _initialise(self, on_collision: Policy, registry: Registry | None, grace: float, timeout: float) -> None:
        """Set up a new app, or one that someone else made."""
        earlier = self._earlier()
        self._server = Server(self)
        self._grace = grace
        self._lifecycle = Lifecycle(timeout)
        self._own_hooks: list[RequestHook] = []
        self._own_startup: list[Callable[..., Any]] = []
        self._own_shutdown: list[Callable[..., Any]] = []
        self._closing: asyncio.Task[None] | None = None
        self._signalled = self._running = False
        self._handled: tuple[signal.Signals, ...] = ()
        for taken, functions in zip(self._take_core_lifecycle(), (self._own_startup, self._own_shutdown), strict=True):
            if taken is not None:
                functions.append(taken)
        self._registration = Registration(
            self, registry or default_registry(), self._server.bases, self._reserved_names(), on_collision
        )
        self._apply(self._registration.plan_declared(earlier))
        self._detach_pools()

    # -- extensions

    def register(self, extension: Registered) -> Registered:
        """Register an extension, loaded or declared, or a bare function; existing routes get its members too.

        Returns:
            The given extension, so that this works as a decorator.

        Raises:
            ExtensionError: see `docs/errors.md`; the app is as it was.
        """
        self._server.check_thread("register")
        self._apply(self._registration.plan(as_extension(extension)))
        return extension

    def _apply(self, plan: Plan) -> None:
        """Put a plan into effect, or drop it and leave the app as it was."""
        new = plan.new
        if not new:
            return
        for declaration in new:
            if declaration.app.startup and self._lifecycle.state != "new":
                raise errors.LifecycleError(
                    f"extension {declaration.spec.provenance}",
                    "has start-up functions",
                    "the app has already started",
                    "Register it before app.listen()",
                )
            if declaration.app.backplane is not None:
                self._check_backplane(declaration.app.backplane)
        self._check_routes(new)
        routes = [self._prepare(*route) for declaration in new for route in declaration.app.routes]
        try:
            self._exchange(plan)
            for bind in routes:
                bind()
            for declaration in new:
                if declaration.app.serializer is not None:
                    self.json_serializer(declaration.app.serializer)
                if declaration.app.backplane is not None:
                    self.use_backplane(declaration.app.backplane)
        except BaseException:
            self._exchange(self._registration.current)
            raise
        self._registration.complete(plan)

    def _exchange(self, plan: Plan) -> None:
        members = [member for declaration in plan.declarations.values() for member in declaration.spec.members]
        self._server.exchange(plan.classes, members, [*plan.hooks(), *self._own_hooks])

    def _add_hook(self, hook: RequestHook) -> None:
        self._server.check_thread("a request hook")
        self._own_hooks.append(hook)
        try:
            self.apply_hooks()
        except BaseException:
            self._own_hooks.remove(hook)
            raise

    def apply_hooks(self) -> None:
        """Put the current request hooks of the extensions and of the app around its routes.

        Raises:
            LifecycleError: a hook comes too late for a WebSocket; nothing has changed.
        """
        self._server.use_hooks([*self._registration.current.hooks(), *self._own_hooks])

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
        self._handle_signals()
        try:
            if self.lifespan and self._lifecycle.state == "new":
                own = LifecycleEntry("the app", self._own_startup, self._own_shutdown)
                entries = [*self._registration.current.lifecycle_entries(), own]
                self._server.loop.run_until_complete(self._lifecycle.start(entries))
            self._listen_core(address, handler, reuse_port)
        except BaseException:
            self._leave_signals()
            raise
        return self

    def run(self) -> App:
        """Serve until `close()`, SIGINT or SIGTERM, then shut down in order.

        Raises:
            LifecycleError: the app runs already, or was closed before.
            SystemExit: a forked process got a signal, which ends it as in the core; the core's CLI, and programs that
                fork like it, would serve again in a worker whose `run()` returns.
        """
        loop = self._server.loop
        self._check_unspent("run")
        self._handle_signals()
        self._running = True
        if self._signalled:  # during start-up
            loop.call_soon(self.close)
        try:
            self._run_core()
        finally:
            self._running = False
            self._leave_signals()
            if self._lifecycle.state == "started":
                loop.run_until_complete(self._lifecycle.stop())
        if self._server.exit is not None:
            raise self._server.exit
        if self._signalled and is_forked():
            raise SystemExit(0)
        return self

    def _check_unspent(self, what: str) -> None:
        """Check that the app has not served yet: it serves once."""
        why, fix = "", "Make another App to serve again"
        if self._closing is not None or self._lifecycle.state in ("stopping", "stopped"):
            why = "it has served and was closed"
        elif what == "run" and self._server.loop.is_running():
            why, fix = "it runs already", "Call app.run() once, outside of its own handlers"
        if why:
            raise errors.LifecycleError("the app", f"can't {what}", why, fix)

    def _handle_signals(self) -> None:
        """Handle SIGINT and SIGTERM from the start-up on, so that all that has started is stopped."""
        if self._handled or threading.current_thread() is not threading.main_thread():
            return
        self._handled = (signal.SIGINT, signal.SIGTERM)
        for number in self._handled:
            self._server.loop.add_signal_handler(number, self._on_signal)

    def _leave_signals(self) -> None:
        for number in self._handled:
            self._server.loop.remove_signal_handler(number)
        self._handled = ()

    def _on_signal(self) -> None:
        again, self._signalled = self._signalled, True
        if again:  # a second signal does not wait
            if not self._running:
                raise SystemExit(1)
            if self._lifecycle.stopping is not None:
                log.error("a second signal: the process ends without waiting for %s", self._lifecycle.stopping)
            self._stop_core()
        elif self._running:
            self.close()

    def close(self) -> App:
        """Stop listening, give running requests their grace, run the shutdown functions, and end `run()`."""
        if self._server.loop.is_running() and get_ident() != self._server.thread:
            self._server.hand_over("close", self.close)
            return self
        self._close_listen_socket()
        if self._server.loop.is_running():
            if self._closing is None:
                self._closing = self._server.loop.create_task(self._shut_down())
        elif self._lifecycle.state == "started":
            self._server.loop.run_until_complete(self._lifecycle.stop())
        return self

    async def _shut_down(self) -> None:
        try:
            await self._server.drained(self._grace)
            self._server.close_connections()
            await self._lifecycle.stop()
        finally:
            self._stop_core()


def install(
    app: Any,
    *,
    on_collision: Policy = "error",
    registry: Registry | None = None,
    shutdown_grace: float = 5.0,
    shutdown_timeout: float = 10.0,
    max_body: int = MAX_BODY,
    max_held_bodies: int = MAX_HELD_BODIES,
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
            f"has {len(app.handlers)} route{'' if len(app.handlers) == 1 else 's'} already",
            "the core has bound them to its own dispatch, which can't be taken back",
            "Call socketify_ext.install(app) right after the app was made, before its first route",
        )
    kind, attributes = type(app), dict(vars(app))
    app.__class__ = App if App.__mro__[2] is kind else subclass(kind, {}, bases=(kind, App))
    try:
        app._initialise(on_collision, registry, shutdown_grace, shutdown_timeout)
        app._limit_bodies(max_body, max_held_bodies)
    except BaseException:
        app.__class__ = kind
        vars(app).clear()
        vars(app).update(attributes)
        raise
    return app  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Inspection:
    """The extensions of an app in order, its members by "target.name", and the settled collisions."""

    order: tuple[ExtensionSpec, ...]
    members: dict[str, MemberSpec]
    settled: tuple[Settled, ...]

    def __str__(self) -> str:
        """Return the extensions in order as a tree, with their members."""
        lines: list[str] = []
        for spec in self.order:
            asked = f", required by {spec.provenance.required_by}" if spec.provenance.required_by else ""
            lines.append(f"{spec.provenance}{asked}")
            own = [member for member in self.members.values() if member.provenance.extension == spec.name]
            for index, member in enumerate(own, 1):
                branch = "└──" if index == len(own) else "├──"
                lines.append(f"{branch} {member.target}.{member.name}{member.signature}")
        return "\n".join(lines)


def inspect(app: Any) -> Inspection:
    """Report the extensions of an app, stock or installed, and the origin of each member."""
    adapter = getattr(app, "_request_extension", None)
    if isinstance(app, App):
        resolution = app._registration.current.resolution
    elif is_managed(adapter):
        resolution = adapter.stock.registration.current.resolution  # type: ignore[union-attr]
    else:
        return Inspection((), {}, ())
    members = {f"{target}.{name}": member for (target, name), member in resolution.members.items()}
    return Inspection(resolution.order, members, resolution.settled)
