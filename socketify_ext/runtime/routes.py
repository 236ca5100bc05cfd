"""HTTP dispatch: the core's native events to handlers, on compiled classes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import copy_context
from inspect import isawaitable
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Final

from ..errors import ExtensionError, RouteError
from ..sdk.compilation import subclass
from .core import ffi, from_handle, lib
from .dispatched import dispatches
from .framing import check_coding, check_headers, has_refused_coding
from .hook_calls import Applied
from .observed import Observed
from .parameters import parameter_names
from .patterns import check_not_awaitable
from .request_body import check_length, collect_whole
from .returned import answer_returned
from .shared_keys import prime_shared_keys

if TYPE_CHECKING:
    from ..sdk.request_hooks import RequestHook
    from ..sdk.route_info import RouteInfo
    from .request import Request
    from .response import Response
    from .scope_node import ScopeNode
    from .server import Server

log = logging.getLogger("socketify_ext")

native_end = lib.uws_res_end
_NONE: Final[Mapping[Any, Any]] = MappingProxyType({})


class Route:
    """One route: the state that its native callback needs, in slots.

    Args:
        node: the scope that it belongs to.
        info: the route as data.
        handler: called with a response and a request.
        pattern: its own, where it is not that of `info`.
    """

    __slots__ = (
        "after",
        "binding",
        "encoder",
        "handle",
        "handler",
        "info",
        "max_body",
        "method",
        "name",
        "node",
        "option_hooks",
        "own",
        "parameter_names",
        "pattern",
        "request_class",
        "response_class",
        "server",
        "ssl",
        "taker",
        "told",
        "twins",
        "verdicts",
        "waiting",
        "wrappers",
    )

    def __init__(self, node: ScopeNode, info: RouteInfo, handler: Callable[..., Any], pattern: str = "") -> None:
        self.node = node
        self.server = node.server
        self.ssl = node.server.ssl
        self.info = info
        self.method = info.method
        self.pattern = pattern or info.pattern
        self.name = f"{self.method} {self.pattern}"
        self.parameter_names = parameter_names(self.pattern)
        self.own = handler
        self.max_body: int | None = None
        self.waiting: Mapping[str, Any] = info.options  # those that have not been applied
        self.option_hooks: Mapping[Any, tuple[RequestHook, ...]] = _NONE  # by the place of their extension
        self.wrappers: Mapping[Any, tuple[Callable[[Any], Any], ...]] = _NONE  # around the handler, by the same
        self.taker: Callable[[Any, Any, bytes], object] | None = None  # gets the whole body before the handler
        self.encoder: Callable[[Any, int], bytes] | None = None  # makes JSON of what the handler answers
        self.told: tuple[RequestHook, ...] = ()  # the hooks that know of it
        self.twins: tuple[Route, ...] = ()
        self.verdicts: Mapping[RequestHook, bool] = _NONE
        self.after = Applied()
        self.binding: Any = None  # what the compiled hot path has of it, kept alive
        self.handle = ffi.new_handle(self)

    @property
    def is_listed(self) -> bool:
        """Whether it is one of the routes that were written, and not one beside these."""
        return self.pattern == self.info.pattern

    def concerns(self, hook: RequestHook) -> bool | None:
        """Whether a hook is for this route; None if that depends on a request's path.

        Raises:
            RouteError: its `where` fails.
        """
        covered = hook.covers(self.pattern)
        if covered is False or hook.where is None:
            return covered
        if hook not in self.verdicts:
            self.verdicts = {**self.verdicts, hook: _ask(hook.where, hook, self.info)}
        return covered if self.verdicts[hook] else False

    def use(self) -> None:
        """Take the classes and the hooks of the scope from now on."""
        classes = self.node.classes
        self.request_class: Any = classes["request"]
        self.response_class: Any = classes["response"]
        own = self.own if self.encoder is None else _encoded(self.encoder, self.own)
        if self.taker is not None:
            own = _behind_body(self, self.taker, own)
        own = self.node.hooks.wrapped(self, own)
        if self.max_body is not None:
            own = check_length(own, self.max_body)
            self.response_class = subclass(self.response_class, {"_max_body": self.max_body})
            prime_shared_keys("response", self.response_class)
        handler = self.node.hooks.surround(self, own)
        if self.method in ("HEAD", "ANY"):
            self.handler = _by_method(self, handler)
        else:
            has_taker = self.taker is not None
            self.handler = handler if self.method == "GET" else check_coding(handler, preserves=has_taker)

    def refresh(self) -> None:
        """Take the classes and the hooks of the scope, with those that answer in place of this route."""
        self.use()
        for twin in self.twins:
            twin.use()

    def bind(self) -> None:
        """Bind the route to the core, which can't fail and can't be undone."""
        server = self.server
        if server.unmatched is None or not server.unmatched.takes(self):
            add = getattr(lib, f"uws_app_{self.method.lower()}")
            add(server.app.SSL, server.app.app, self.pattern.encode(), *server.native_callback(self))


class TwinRoute(Route):
    """A route that answers in place of another one, of which it has the options and the hooks."""

    __slots__ = ("of",)

    def __init__(self, of: Route, method: str, pattern: str) -> None:
        self.of = of
        super().__init__(of.node, of.info, of.own, pattern)
        self.method = method
        self.name = f"{method} {pattern}"
        self.waiting = _NONE  # the other one has applied them
        of.twins = (*of.twins, self)
        self.use()

    def use(self) -> None:
        """Take what the other route has."""
        self.info, self.option_hooks, self.max_body = self.of.info, self.of.option_hooks, self.of.max_body
        self.wrappers, self.taker, self.encoder = self.of.wrappers, self.of.taker, self.of.encoder
        super().use()

    def concerns(self, hook: RequestHook) -> bool | None:
        """Whether a hook is for this route: for the other one, at this one's path."""
        return hook.covers(self.pattern) if self.of.concerns(hook) is not False else False


def _ask(where: Callable[[RouteInfo], bool], hook: RequestHook, info: RouteInfo) -> bool:
    try:
        return bool(check_not_awaitable(where(info)))
    except ExtensionError:
        raise
    except Exception as error:
        raise RouteError(
            str(hook),
            f"fails in its `where` for the route {info}",
            f"{type(error).__name__}: {error}",
            "Correct the chained cause of this error",
        ) from error


def _encoded(encode: Callable[[Any, int], bytes], handler: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a handler so that the objects which it answers are encoded by its route."""

    def handle(response: Response, request: Request) -> Any:
        response._encode = encode
        return handler(response, request)

    return handle


def _behind_body(
    route: Route, take: Callable[[Any, Any, bytes], object], handler: Callable[..., Any]
) -> Callable[..., Any]:
    """Wrap a handler so that it comes after the whole body, which `take` gets before."""

    def go_on(response: Response, body: bytes) -> None:
        request: Any = response._request
        response._deferred = False
        take(response, request, body)
        result = handler(response, request)
        if not response._answered:
            handle_result(route, response, request, result)

    def handle(response: Response, request: Request) -> None:
        request.preserve()
        collect_whole(response, go_on)

    return handle


def _by_method(route: Route, handler: Callable[..., Any]) -> Callable[..., Any]:
    # What answers GET answers HEAD, unless the app has a HEAD route or an `any` that is as specific.
    gives_way = route.method == "ANY" or getattr(route.own, "answers_get", False)

    def handle(response: Response, request: Request) -> Any:
        method = request.get_method()
        if method == "HEAD":
            unmatched = route.server.unmatched
            if gives_way and unmatched is not None and unmatched.outranks(route, request.get_url() or ""):
                request.set_yield(True)
                return None
            response._omit_body()
        elif method != "GET" and has_refused_coding(response, request):
            return None
        return handler(response, request)

    return handle


def drop_unserved(_kind: type[BaseException], error: BaseException, traceback: TracebackType) -> None:
    """Close the connection of a request whose callback itself has failed, for example for lack of memory.

    The core ends the process where a callback returns without an answer.
    """
    names = traceback.tb_frame.f_locals
    drop_request(error, names.get("response"), names["res"], names["route"].ssl)


def drop_request(error: BaseException, response: Response | None, res: Any, ssl: int) -> None:
    """Close the connection of a request whose dispatch has failed."""
    log.critical("a request was dropped, since it could not be dispatched", exc_info=error)
    if response is not None:
        response._finish()
    if not lib.uws_res_has_responded(ssl, res):
        lib.uws_res_close(ssl, res)


@dispatches
def dispatch(res: Any, req: Any, user_data: Any) -> None:
    """Handle a request; the core calls it as `on_request`."""
    route = from_handle(user_data)
    yielded = route.server.yielded
    response = route.response_class() if yielded is None else adopt_yielded(route, yielded, res)
    request = route.request_class()
    response.res = res
    response._request = request
    if yielded is None:
        response._variables = copy_context()
    request.req = req
    route.server.entered = route
    try:
        result = response._variables.run(route.handler, response, request)
        data = response._unsent
        if data is None:
            if not response._answered:
                handle_result(route, response, request, result)
        elif response._unsent_type is None:
            native_end(route.ssl, res, data, len(data), False)
        else:
            response._deliver()
    except BaseException as error:
        route.server.fail(error, response, request, route.name)
        require_abort_handler(response)
    if request._yielded:
        yield_response(route.server, response, request)
    request.req = None


on_request: Any = ffi.callback("void(uws_res_t*, uws_req_t*, void*)", dispatch, onerror=drop_unserved)


def handle_result(route: Any, response: Response, request: Request, result: Any) -> None:
    """Handle the result of a handler that has not answered: an answer, a coroutine, one to come, a yield, or a mistake."""
    response._route = route.name
    if result is not None and isawaitable(result):
        route.server.start(result, response, request, route.name)
    elif result is not None and not request._yielded and answer_returned(response, result):
        pass
    elif not response._deferred and not response._tasks and not request._yielded:
        if response._handed_over:
            response._wait()
            route.server.loop.call_soon(route.server.check_answered, response, route.name, result)
        else:
            route.server.unanswered(response, route.name, result)
            if not response._answered:  # a hook is asked
                response._wait()
    elif response._data_handler is not None and request.req is not None:
        check_headers(response, request)
    elif response._deferred and response._held is None and request.req is not None:
        is_announced = request.has_body
        if is_announced:
            check_headers(response, request)
        response._hold_body(is_announced)
    response._deliver()


def yield_response(server: Server, response: Response, request: Request) -> None:
    """Yield the response to the next matching route, with its headers; an answered one is not yielded."""
    if response._answered:
        request._lib.uws_req_set_yield(request.req, 0)
        return
    response._deferred = False
    response._wait()  # the core upgrades some WebSockets by itself, and an app may not listen
    server.yielded = response


def adopt_yielded(route: Any, yielded: Response, res: Any) -> Any:
    """Return the response that another route has yielded to this one."""
    route.server.yielded = None
    yielded._encode = None
    if yielded.res != res or yielded._answered:
        response = route.response_class()
        response._variables = copy_context()
        return response
    if not yielded._begun:
        yielded.__class__ = _class_for(yielded, route)
    return yielded


def _class_for(yielded: Response, route: Any) -> type:
    """Return the class of a yielded response: its new route's, which reports its end where the earlier one's does."""
    kind: type = route.response_class
    return route.node.hooks.observed(kind) if isinstance(yielded, Observed) else kind


def require_abort_handler(response: Response) -> None:
    """Register the abort handler that the core demands for a request that is not answered when its callback returns."""
    if not response._answered:
        response._wait()
    response._deliver()
