"""From a route as it was written to the routes that are bound for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .. import errors
from ..sdk.route_info import RouteInfo
from .files.folder import Folder
from .files.sending import StaticFiles, folder_of
from .patterns import check_behavior, check_handler, check_max_body, check_pattern
from .routes import Route
from .websocket_routes import SocketRoute

if TYPE_CHECKING:
    from ..sdk.declared_route import DeclaredRoute
    from .scope_node import ScopeNode


def pattern_of(node: ScopeNode, route: DeclaredRoute) -> str:
    """Return the whole pattern of a route in a scope; a folder's is that of its files."""
    pattern = node.prefix + route.path
    return f"{pattern.removesuffix('/')}/*" if route.method == "static" else pattern


def methods_of(route: DeclaredRoute) -> list[str]:
    """Return the methods that a call adds: two for a folder."""
    return ["GET", "HEAD"] if route.method == "static" else [route.method.upper()]


def names_of(node: ScopeNode, route: DeclaredRoute) -> list[str]:
    """Return the names of the routes that a call adds, as in "GET /users/:id"."""
    return [f"{method} {pattern_of(node, route)}" for method in methods_of(route)]


def check_declared(node: ScopeNode, route: DeclaredRoute) -> None:
    """Refuse a route that the core would read differently than written, or that can't be served.

    Raises:
        RouteError: see `docs/errors.md`.
        ArgumentError: the behavior of a WebSocket is not a mapping.
    """
    who, method, path, target = route.who, route.method, route.path, route.target
    if isinstance(path, str) and node.prefix and (path.startswith("/") or not path):
        path = node.prefix + path
    check_pattern(who, method, path)
    if "max_body" in route.options:
        check_max_body(who, method, path, route.options["max_body"])
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


def made_routes(node: ScopeNode, route: DeclaredRoute) -> list[Route]:
    """Make the routes of a checked call; they are not bound yet."""
    pattern, target = pattern_of(node, route), route.target
    if route.method == "ws":
        return [SocketRoute(node, _info(node, route, "WS", pattern, MappingProxyType(dict(target))), target)]
    if route.method == "static":
        target = StaticFiles(node, pattern.removesuffix("/*"), Folder(folder_of(route.who, pattern, target)))
    return [Route(node, _info(node, route, method, pattern, target), target) for method in methods_of(route)]


def _info(node: ScopeNode, route: DeclaredRoute, method: str, pattern: str, handler: Any) -> RouteInfo:
    extension = None if route.provenance is None else route.provenance.extension
    options = MappingProxyType(dict(route.options))
    return RouteInfo(method, pattern, node.prefix, handler, route.location, options, extension)
