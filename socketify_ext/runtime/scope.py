"""Scopes: a part of an app with a path prefix, whose extensions, hooks and options hold for its own routes alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .. import errors
from ..sdk.declaration import as_extension
from ..sdk.declared_route import DeclaredRoute
from ..sdk.path_prefix import Segments
from ..sdk.request_hooks import AppHooks
from ..sdk.route_info import RouteInfo
from ..sdk.route_methods import RouteMethods
from ..sdk.route_option import RouteOptions
from .change import changing
from .declared_routes import check_declared, made_routes, names_of
from .patterns import check_pattern
from .scope_node import ScopeNode

if TYPE_CHECKING:
    from ..sdk.app_surface import AppSurface
    from ..sdk.declaration import Declaration
    from ..sdk.request_hooks import RequestHook
    from ..sdk.route_option import RouteOption
    from .change import Change

Registered = TypeVar("Registered")
Function = TypeVar("Function", bound=Callable[..., Any])

# What a scope can't have of its own: each with what to do instead.
_OF_THE_APP: Final[Mapping[str, str]] = {
    **dict.fromkeys(("listen", "run", "close"), "Call it on the app"),
    **dict.fromkeys(("json_serializer", "use_backplane", "template"), "Call it on the app; it holds for all routes"),
    "set_error_handler": "Call it on the app, or register an on_error hook on the scope",
    "router": "Make a scope in the scope: scope.scope(prefix)",
}


class ScopeMethods(AppHooks, RouteOptions, RouteMethods):
    """What an app and a scope have in common: extensions, routes, hooks, route options, and scopes in them."""

    __slots__ = ()

    _node: ScopeNode

    @property
    def routes(self) -> tuple[RouteInfo, ...]:
        """Return the routes of the app, or those of the scope and of the scopes in it, in the order of their addition."""
        nodes = set(self._node.subtree())
        found = [route for route in self._node.server.routes if route.node in nodes]
        return tuple(route.info for route in found if route.is_listed)

    @property
    def root(self) -> Any:
        """Return the app itself, of a scope the one that it is a part of."""
        return self._node.server.app

    def register(self, extension: Registered) -> Registered:
        """Register an extension, loaded or declared, or a bare function; existing routes get its members too.

        Returns:
            The given extension, so that this works as a decorator.

        Raises:
            ExtensionError: see `docs/errors.md`; the app is as it was.
        """
        node = self._node
        node.server.check_thread("register")
        with changing(node.server) as change:
            plan = node.registration.plan(as_extension(extension))
            if plan.new:
                for declaration in plan.new:
                    self._check_new(declaration)
                change.register(node, plan)
                for declaration in plan.new:
                    self._apply(change, declaration)
        return extension

    def scope(self, prefix: str = "") -> Scope:
        """Make a scope: what is put on it holds for its own routes alone, whose paths begin with the prefix.

        Args:
            prefix: leading segments, as in "/admin"; by default none.

        Raises:
            RouteError: the prefix is not valid.
        """
        node = self._node
        node.server.check_thread("scope")
        whole = node.prefix + _checked_prefix(prefix)
        with changing(node.server) as change:
            made = Scope(node, whole)
            change.set(node, "children", (*node.children, made._node))
            change.refresh(made._node)
            if node.server.unmatched is not None:
                node.server.unmatched.enter(made._node)
        return made

    def _check_new(self, declaration: Declaration) -> None:
        """Refuse an extension that can't be registered here."""
        asked = {"serializer": "json_serializer", "declared_backplane": "use_backplane"}
        for name, method in asked.items():
            if self._node.parent is not None and getattr(declaration.app, name) is not None:
                raise errors.ScopeError(
                    f"extension {declaration.spec.provenance}",
                    f"calls app.{method}",
                    "it is registered in a scope, and this concerns the whole app",
                    "Register it on the app",
                )
        self._node.server.app._check_in_time(declaration)

    def _apply(self, change: Change, declaration: Declaration) -> None:
        """Put what an extension has recorded into effect, beside its members, hooks and options."""
        for route in declaration.app.declared_routes:
            self._add_route(route)
        self._node.server.app._use_services(change, declaration)

    def _add_route(self, route: DeclaredRoute) -> Any:
        node = self._node
        node.server.check_thread(f"the route {route.method.upper()} {route.path}")
        check_declared(node, route)
        with changing(node.server) as change:
            if route.method == "not_found":
                change.set(node, "not_found", route.target)
            else:
                for name in names_of(node, route):
                    node.server.check_free(route.who, name)
                for made in made_routes(node, route):
                    change.add_route(made)
        return self

    def remove_hook(self, function: Callable[..., Any]) -> None:
        """Run a function no more, which was put on the app or the scope as a hook.

        Raises:
            LifecycleError: a WebSocket needs it.
        """
        self._node.server.check_thread("app.remove_hook")
        self._remove_hook(self._node, "own_hooks", function)

    def _remove_hook(self, owner: Any, name: str, function: Callable[..., Any]) -> None:
        with changing(self._node.server) as change:
            change.set(owner, name, tuple(hook for hook in getattr(owner, name) if hook.function != function))
            change.refresh(self._node)

    def _add_hook(self, hook: RequestHook) -> None:
        self._add_own("own_hooks", hook)

    def _add_option(self, option: RouteOption) -> None:
        self._add_own("own_options", option)

    def _add_own(self, name: str, item: Any) -> None:
        self._node.server.check_thread(f"app.{name.removeprefix('own_')}")
        self._extend(self._node, name, item)

    def _add_declared(self, surface: AppSurface, name: str, item: Any) -> None:
        """Add a hook or an option that an extension has declared after its registration."""
        self._node.server.check_thread(f"app.{name}")
        self._extend(surface, name, item)

    def _extend(self, owner: Any, name: str, item: Any) -> None:
        with changing(self._node.server) as change:
            change.set(owner, name, (*getattr(owner, name), item))
            change.refresh(self._node)

    @property
    def _base(self) -> Segments:
        return self._node.segments


class Scope(ScopeMethods):
    """A part of an app: `admin = app.scope("/admin")`.

    It has the app's methods for extensions, routes, hooks, route options and scopes in it. Paths are relative to its
    prefix. Attributes that are set on it are its own; others are those of the scope above, or the app's.
    """

    def __init__(self, above: ScopeNode, prefix: str) -> None:
        registration = above.registration.within(self, prefix)
        self._node = ScopeNode(above.server, self, registration, prefix, above)

    @property
    def prefix(self) -> str:
        """Return the prefix of all its paths, with those of the scopes above."""
        return self._node.prefix

    def on_startup(self, function: Function) -> Function:
        """Run `function`, sync or async, before the server listens, as `app.on_startup` does."""
        return self._node.server.app.on_startup(function)  # type: ignore[no-any-return]

    def on_shutdown(self, function: Function) -> Function:
        """Run `function`, sync or async, once the server has stopped, as `app.on_shutdown` does."""
        return self._node.server.app.on_shutdown(function)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a Scope has no attribute {name!r}")
        fix = _OF_THE_APP.get(name)
        if fix is not None:
            why = "it concerns the whole app, and a scope is a part of it"
            raise errors.ScopeError(f"the scope {self.prefix or 'without a prefix'}", f"has no {name}", why, fix)
        return getattr(self._node.parent.app, name)  # type: ignore[union-attr]  # a Scope is in another one

    def __repr__(self) -> str:
        return f"<Scope {self.prefix!r}>"


def _checked_prefix(prefix: Any) -> str:
    """Return the prefix of a scope without a slash at its end.

    Raises:
        RouteError: it is not one.
    """
    who = "the app"
    if prefix in ("", "/"):
        return ""
    check_pattern(who, "scope", prefix)
    checked = str(prefix.removesuffix("/"))
    for part in checked[1:].split("/"):
        why = ""
        if part.startswith("*"):
            why = "* stands for the rest of a path, and something comes behind a prefix"
        elif part in ("", ".", ".."):
            why = f"a segment is {part!r}, which clients leave out of paths"
        if why:
            raise errors.RouteError(who, f"makes the scope {prefix}", why, 'Write whole segments, as in "/admin"')
    return checked
