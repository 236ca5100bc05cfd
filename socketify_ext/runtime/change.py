"""One change of an app's routes, hooks, options, extensions and scopes: put into effect as a whole, or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import errors
from ..errors import ExtensionError
from ..sdk.request_hooks import RequestHook
from ..sdk.route_option import RouteOption, unknown_option
from ..sdk.route_surface import RouteSurface
from .patterns import check_max_body, check_not_awaitable, route_key
from .shared_keys import prime_all_shared_keys

if TYPE_CHECKING:
    from ..registration import Plan, Registration
    from .routes import Route
    from .scope_node import ScopeNode
    from .server import Server

Cause = RequestHook | RouteOption
"""On whose behalf a route is added."""


class Change:
    """All that a call changes, and how to take it back.

    Code of extensions runs meanwhile: hooks that are told of routes, and what their options do. Calls that it makes on the
    app belong to the same change. Nothing is bound to the core until everything else has succeeded, since that can't be
    taken back.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._undo: list[Callable[[], object]] = []
        self._queue: deque[Route] = deque()  # routes that hooks may not know yet, or options not applied to
        self._stale: dict[Route, None] = {}  # routes that take their classes and hooks anew
        self._stale_nodes: dict[ScopeNode, None] = {}
        self._new: list[Route] = []
        self._plans: list[tuple[Registration, Plan]] = []
        self._has_plans = False
        self._is_closed = False  # the routes take up what is new, and nothing may be added
        self._causes: tuple[Cause, ...] = ()
        self._causes_of: dict[Route, tuple[Cause, ...]] = {}

    # -- what is recorded

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute, until the change is taken back."""
        self._undo.append(partial(setattr, owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def on_undo(self, function: Callable[[], object]) -> None:
        """Call a function if the change is taken back."""
        self._undo.append(function)

    def add_route(self, route: Route) -> None:
        """Add a route, whose method and pattern are free."""
        self._check_cycle(route)
        key, keys = route_key(route.name), self._server.route_names
        keys[key] = route.name
        self._server.routes.append(route)
        self._new.append(route)
        self._undo += [partial(keys.pop, key), self._server.routes.pop, self._new.pop]
        if self._causes:
            self._causes_of[route] = self._causes
        self._queue.append(route)

    def refresh(self, node: ScopeNode) -> None:
        """Work out anew what follows for a scope and those in it, and let their routes take it up.

        Raises:
            RouteError: this is asked on behalf of a route, and may never end.
        """
        if self._causes:
            raise errors.RouteError(
                str(self._causes[-1]),
                "changes more of the app than its routes",
                "it is called while a route is added",
                "Register hooks, options, scopes and extensions beforehand, and add routes only",
            )
        nodes = set[Any]()
        for each in node.subtree():
            nodes.add(each)
            self._stale_nodes[each] = None
            self.set(each, "hooks", each.made_hooks())
            self.set(each, "options", each.made_options())
        for route in self._server.routes:
            if route.node in nodes:
                self._stale[route] = None
                if route.waiting or route.node.hooks.on_route:
                    self._queue.append(route)

    def register(self, node: ScopeNode, plan: Plan) -> None:
        """Make a plan the current one of a scope, and those of the scopes in it follow."""
        for each in node.subtree():
            current = plan if each is node else each.registration.plan_below(each.parent.registration.current)  # type: ignore[union-attr]
            self.set(each.registration, "current", current)
            prime_all_shared_keys(current.classes)
        self.refresh(node)
        for declaration in plan.new:
            self.set(declaration.app, "_committed", True)
        self._has_plans = True
        self._plans.append((node.registration, plan))
        self._undo.append(self._plans.pop)

    # -- what follows

    def settle(self) -> None:
        """Tell hooks of routes, apply options, and let routes take up what is new.

        Raises:
            ExtensionError: an option does not fit, or a hook or what an option does has failed.
            LifecycleError: a hook comes too late for a WebSocket.
        """
        while self._queue:
            route = self._queue.popleft()
            self._tell(route)
            self._apply(route)
            self._stale[route] = None
        self._is_closed = True
        self._server.check_upgrades(self._stale)
        self._take_up()

    def _take_up(self) -> None:
        """Let the stale routes take their classes and hooks."""
        for route in self._stale:
            route.refresh()
        for node in self._stale_nodes:
            if node.last is not None:
                node.last.refresh()
        if self._has_plans:
            self._server.use_members()

    def commit(self) -> None:
        """Bind what is new to the core, and end the registrations."""
        for route in self._new:
            route.bind()
        for registration, plan in self._plans:
            registration.finish(plan)

    def roll_back(self) -> None:
        """Take everything back."""
        self._is_closed = True
        self.roll_back_to(0)
        self._take_up()

    def roll_back_to(self, point: int) -> None:
        """Take back all that came after a point."""
        while len(self._undo) > point:
            self._undo.pop()()
        kept = set(self._server.routes)
        self._queue = deque(route for route in self._queue if route in kept)
        self._stale = {route: None for route in self._stale if route in kept}

    def point(self) -> int:
        """Return the point that has been reached.

        Raises:
            LifecycleError: the change is all but made.
        """
        if self._is_closed:
            raise errors.LifecycleError(
                "the app",
                "can't be changed",
                "a `where` has called it, while a route is bound",
                "Let `where` look at its route, and do nothing else",
            )
        return len(self._undo)

    # -- each route

    def _tell(self, route: Route) -> None:
        causes = self._causes_of.get(route, ())
        for hook in route.node.hooks.on_route:
            if hook in route.told:
                continue
            self.set(route, "told", (*route.told, hook))
            if (causes and causes[-1] is hook) or not self._concerns(route, hook):
                continue
            with self._because(hook, route):
                given = hook.function(route.info)
                self._add_options(route, hook, given)

    def _concerns(self, route: Route, hook: RequestHook) -> bool:
        self._is_closed = True
        try:
            return route.concerns(hook) is not False
        finally:
            self._is_closed = False

    def _add_options(self, route: Route, hook: RequestHook, given: Any) -> None:
        if given is None:
            return
        check_not_awaitable(given)
        if not isinstance(given, Mapping):
            raise errors.RouteOptionError(
                str(hook),
                f"returns a {type(given).__name__} for the route {route.info}",
                "it is neither None nor a mapping of options",
                "Return options by their names, as in {'auth': ['read']}",
                route=route.info,
            )
        further = {name: value for name, value in given.items() if name not in route.info.options}
        if further:
            self.set(route, "info", route.info.with_options(further))
            self.set(route, "waiting", {**route.waiting, **further})
            self.set(route, "verdicts", {})

    def _apply(self, route: Route) -> None:
        """Apply the options that are declared; after the server has begun to listen, all must be."""
        for name, value in list(route.waiting.items()):
            option = route.node.options.get(name)
            if name == "max_body":
                check_max_body(f"route {route.info}", route.info.method.lower(), route.pattern, value)
                self.set(route, "max_body", value)
            elif option is not None:
                with self._because(option, route):
                    validated = option.validate(route.info, value)
                self.set(route, "info", route.info.with_options({name: validated}))
                if option.apply is not None:
                    self._apply_option(route, option, validated)
            elif self._server.is_bound:
                raise unknown_option(route.info, name, route.node.options)
            else:
                continue
            self.set(route, "waiting", {key: each for key, each in route.waiting.items() if key != name})
            self.set(route, "verdicts", {})

    def _apply_option(self, route: Route, option: RouteOption, value: Any) -> None:
        surface = RouteSurface(route.info, option.name, option.provenance)
        with self._because(option, route):
            check_not_awaitable(option.apply(surface, value))  # type: ignore[misc]  # it has one
            surface.is_open = False
        if surface.max_body is not None and "max_body" not in route.info.options:
            self.set(route, "max_body", surface.max_body)
        place = route.node.place_of(option)
        if surface.wrappers:
            wrappers = (*route.wrappers.get(place, ()), *surface.wrappers)
            self.set(route, "wrappers", {**route.wrappers, place: wrappers})
        if surface.encoder is not None:
            self.set(route, "encoder", surface.encoder)
        if surface.hooks:
            hooks = (*route.option_hooks.get(place, ()), *surface.hooks)
            self.set(route, "option_hooks", {**route.option_hooks, place: hooks})

    @contextmanager
    def _because(self, cause: Cause, route: Route) -> Iterator[None]:
        """Call code of an extension for a route: routes that it adds come from it, and its errors name the route."""
        before, self._causes = self._causes, (*self._causes_of.get(route, ()), cause)
        try:
            yield
        except ExtensionError:
            raise
        except Exception as error:
            kind = errors.RouteError if isinstance(cause, RequestHook) else errors.RouteOptionError
            raise kind(
                str(cause),
                f"fails for the route {route.info}",
                f"{type(error).__name__}: {error}",
                "Correct the chained cause of this error",
                route=route.info,
            ) from error
        finally:
            self._causes = before

    def _check_cycle(self, route: Route) -> None:
        """Refuse a route that is added on behalf of what has led to itself."""
        if self._causes and self._causes[-1] in self._causes[:-1]:
            raise errors.RouteError(
                str(self._causes[-1]),
                f"adds the route {route.info}",
                f"it would do so without end: {' -> '.join(map(str, self._causes))}",
                "Add routes for those of others only, not for routes that were added for your own",
            )


def check_options(server: Server) -> None:
    """Check that the options of all routes are declared, before the server listens.

    Raises:
        RouteOptionError: one is not.
    """
    for route in server.routes:
        for name in route.waiting:
            raise unknown_option(route.info, name, route.node.options)


@contextmanager
def changing(server: Server) -> Iterator[Change]:
    """Make a change of a server, or a part of the one that is being made.

    A part that fails is taken back by itself, so that the code which made it may go on.
    """
    with server.lock:
        change = server.change
        if change is not None:
            point = change.point()
            try:
                yield change
            except BaseException:
                change.roll_back_to(point)
                raise
            return
        change = server.change = Change(server)
        try:
            yield change
            change.settle()
        except BaseException:
            change.roll_back()
            raise
        finally:
            server.change = None
        change.commit()
