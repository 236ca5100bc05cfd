"""Requests that no route has taken: HEAD of a GET route, OPTIONS, a wrong method, and a path that is not there.

Behind all routes a catch-all of our own is bound to the core, so that a request which a route takes costs nothing more.
The core tells the catch-all neither the routes of a path nor their methods, so it finds them in a tree of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..errors import HTTPError
from ..sdk.route_info import RouteInfo
from .core import ffi, from_handle, lib
from .framing import check_headers
from .routes import Route, TwinRoute, drop_unserved, on_request
from .websocket_routes import SocketRoute

if TYPE_CHECKING:
    from .request import Request
    from .response import Response
    from .scope_node import ScopeNode
    from .server import Server

PATTERN: Final = "/*"
# To the core's router a wildcard too, and another pattern, which it tries behind the first.
_BEHIND: Final = b"/**"
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE")
# They say nothing of what is at a path: a route of theirs often takes all paths, as for CORS.
_ABOUT: Final = frozenset(("OPTIONS", "TRACE"))
_KEY_LENGTH: Final = 24


class HeadRoute(TwinRoute):
    """A GET route that answers HEAD (RFC 9110, 9.3.2); it is not bound to the core."""

    __slots__ = ()

    def __init__(self, route: Route) -> None:
        super().__init__(route, "HEAD", route.pattern)

    def use(self) -> None:
        """Take what the GET route has, and read the parameters from the path: the core knows those of a match alone."""
        super().use()
        handler = self.handler
        positions = [number for number, part in enumerate(self.pattern.split("/")) if part.startswith(":")]

        def handle(response: Response, request: Request) -> Any:
            segments = (request.get_url() or "").split("/")
            request._params = [segments[number] for number in positions]
            return handler(response, request)

        self.handler = handle


class LastRoute(Route):
    """The route of requests that nothing else has answered, for the paths below a scope."""

    __slots__ = ()

    def __init__(self, node: ScopeNode, handler: Callable[..., Any]) -> None:
        super().__init__(node, RouteInfo("ANY", PATTERN, node.prefix), handler)
        self.name = "no route"
        self.use()

    def use(self) -> None:
        """Take the classes and the hooks of the scope, and let nothing yield: no route comes next."""
        super().use()
        handler = self.handler

        def handle(response: Response, request: Request) -> Any:
            result = handler(response, request)
            if request._yielded:
                request.set_yield(False)
            return result

        self.handler = handle


class Unmatched:
    """Answers the requests that no route of a server has taken."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._root: ScopeNode = server.root
        self._heads: dict[Route, HeadRoute] = {}
        self._late: Route | None = None  # an `any` of all paths that came after the catch-all, whose place it has
        self._has_place = all(route.name != f"ANY {PATTERN}" for route in server.routes)
        self._handle = ffi.new_handle(self)
        self.enter(server.root)

    def enter(self, node: ScopeNode) -> None:
        """Answer for a scope, and for those in it, too."""
        for each in node.subtree():
            each.last = LastRoute(each, partial(self._answer, each))

    def bind(self) -> None:
        """Bind the catch-all to the core, behind all routes."""
        pattern = PATTERN.encode() if self._has_place else _BEHIND
        lib.uws_app_any(self.server.app.SSL, self.server.app.app, pattern, on_unmatched, self._handle)

    def takes(self, route: Route) -> bool:
        """Take requests for a new route in whose place the catch-all stands; the core would end the process."""
        if not self._has_place or route.name != f"ANY {PATTERN}":
            return False
        self._late = route
        return True

    def outranks(self, route: Route, path: str) -> bool:
        """Check whether a GET route whose pattern is more specific than that of `route` matches a path."""
        if isinstance(route, LastRoute):  # all of them have yielded
            return False
        for found in self.server.matches(path):
            if route in found:
                return False
            if any(each.method == "GET" and not isinstance(each, SocketRoute) for each in found):
                return True
        return False

    def routes_for(self, method: str, path: str) -> Iterator[Route]:
        """Return the routes that may answer a request, in order: each may yield it to the next."""
        if self._late is not None:
            yield self._late
        if method == "HEAD":
            for found in self.server.matches(path):
                for route in found:
                    if route.method == "GET" and not isinstance(route, SocketRoute):
                        yield self._head_of(route)
        yield self._scope_of(path).last  # type: ignore[misc]  # each has one since the server listens

    def _scope_of(self, path: str) -> ScopeNode:
        """Return the scope that answers where no route does.

        It is the deepest one whose prefix the path is below; of scopes in it without a prefix, the one that all routes of
        the path belong to.
        """
        found = self._root.find(path)
        nodes = [route.node for routes in self.server.matches(path) for route in routes]
        if not nodes:
            return found
        common = [each for each in nodes[0].path if all(each in node.path for node in nodes)]
        return common[-1] if found in common else found

    def _head_of(self, route: Route) -> HeadRoute:
        found = self._heads.get(route)
        if found is None:
            found = self._heads[route] = HeadRoute(route)
        return found

    def _answer(self, node: ScopeNode, response: Response, request: Request) -> Any:
        """Answer a request to which no route is an answer.

        Raises:
            HTTPError: 404, nothing is at the path; 405, the method is not allowed there; 426, a WebSocket is; 400, the
                request to become one is malformed.
        """
        check_headers(response, request)  # its body is dropped unread
        if response._answered:
            return None
        method = request.get_method() or ""
        found = [route for routes in self.server.matches(request.get_url() or "") for route in routes]
        methods = {route.method for route in found}
        if "GET" in methods:
            methods.add("HEAD")
        if not methods - _ABOUT:
            return node.answer_not_found(response, request)
        if method in methods or "ANY" in methods:  # a route has yielded it, or has asked for a WebSocket
            if method in ("GET", "HEAD") and any(isinstance(route, SocketRoute) for route in found):
                raise _upgrade_required(request)
            return node.answer_not_found(response, request)
        methods.add("OPTIONS")
        allow = ", ".join(each for each in METHODS if each in methods)
        if method != "OPTIONS":
            raise HTTPError(405, headers={"Allow": allow})
        return response.write_status(204).write_header("Allow", allow).end_without_body()


def _upgrade_required(request: Request) -> HTTPError:
    """Return the answer to a request for a WebSocket's path that does not ask for one (RFC 9110, 15.5.22)."""
    if "websocket" in map(str.lower, request.get_header_list("upgrade")):
        if len(request.get_header("sec-websocket-key") or "") != _KEY_LENGTH:  # RFC 6455, 4.2.1
            return HTTPError(400, "Sec-WebSocket-Key is missing or malformed")
        return HTTPError(404)  # its upgrade handler has yielded
    return HTTPError(
        426,
        "this path is for WebSockets",
        {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"},
    )


def bind_unmatched(server: Server) -> None:
    """Answer what no route takes, from now on."""
    if server.unmatched is None:
        server.unmatched = Unmatched(server)
        server.unmatched.bind()


@ffi.callback("void(uws_res_t*, uws_req_t*, void*)", onerror=drop_unserved)  # type: ignore[untyped-decorator]
def on_unmatched(res: Any, req: Any, user_data: Any) -> None:
    """Handle a request that no route of the core has taken."""
    unmatched = from_handle(user_data)
    server = unmatched.server
    request = server.bases["request"]()
    request.req = req
    method, path = request.get_method(), request.get_url()
    request.req = None
    for route in unmatched.routes_for(method, path):
        lib.uws_req_set_yield(req, 0)
        on_request(res, req, route.handle)
        if server.yielded is None:
            return
