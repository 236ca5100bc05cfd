"""HTTP dispatch: the core's native events to handlers, on compiled classes."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any

from .core import ffi, lib

if TYPE_CHECKING:
    from ..binding import Classes
    from .request import Request
    from .response import Response
    from .server import Server

from_handle = ffi.from_handle


class Route:
    """One route: what its native callback needs, in slots."""

    __slots__ = ("handle", "handler", "loop", "name", "request_class", "response_class", "server")

    def __init__(self, server: Server, name: str, handler: Callable[..., Any]) -> None:
        self.server = server
        self.loop = server.core_loop
        self.name = name
        self.handler = handler
        self.use(server.classes)
        self.handle = ffi.new_handle(self)
        server.routes.append(self)

    def use(self, classes: Classes) -> None:
        """Make requests and responses of these classes from now on."""
        self.request_class: Any = classes["request"]
        self.response_class: Any = classes["response"]


def add_route(server: Server, method: str, path: str, handler: Callable[..., Any]) -> None:
    """Serve `method path` with `handler(response, request)`, sync or async."""
    route = Route(server, f"{method.upper()} {path}", handler)
    add = getattr(lib, f"uws_app_{method}")
    add(server.app.SSL, server.app.app, path.encode(), on_request, route.handle)


@ffi.callback("void(uws_res_t*, uws_req_t*, void*)")  # type: ignore[untyped-decorator]
def on_request(res: Any, req: Any, user_data: Any) -> None:
    """Handle a request."""
    route = from_handle(user_data)
    route.loop.is_idle = False
    response = route.response_class()
    request = route.request_class()
    response.res = res
    response._request = request
    request.req = req
    try:
        result = route.handler(response, request)
        if not response._answered:
            settle(route, response, request, result)
    except BaseException as error:
        route.server.fail(error, response, request, route.name)
        leave_answerable(response)
    request.req = None


def settle(route: Any, response: Response, request: Request, result: Any) -> None:
    """Go on with a request that its handler has not answered: a coroutine, a promise, another route, or a mistake."""
    response._route = route.name
    if iscoroutine(result):
        route.server.start(result, response, request, route.name)
    elif not response._promised and not response._tasks and not request.get_yield():
        route.server.unanswered(response, route.name)


def leave_answerable(response: Response) -> None:
    """Do what the core demands of a request that is not answered when its callback returns."""
    if not response._answered:
        response._wait()
