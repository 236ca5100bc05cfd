"""`cors`: answer cross-origin requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import socketify_ext
from socketify_ext.errors import ArgumentError

from .options import Options, RouteOrigins
from .policy import Headers, Policy
from .route_policies import RoutePolicies
from .vary import add_vary

_ALLOWED: Final = "Access-Control-Allow-Origin"
_IS_PREFLIGHT: Final = socketify_ext.PrivateProperty("preflight", default=False)


@socketify_ext.extension(
    "cors",
    options=Options,
    before=["*"],
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
)
def cors(
    request: socketify_ext.Surface,  # noqa: ARG001
    response: socketify_ext.Surface,
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Answer preflights before anything else, and put the headers on every answer, errors included."""
    policy = Policy(options)

    @response.method
    def cors(self: socketify_ext.Response, request: socketify_ext.Request) -> socketify_ext.Response:
        """Write the CORS headers for `request`, once and before the body, and return the response.

        Only a route with `cors=False` needs it.

        Raises:
            ArgumentError: `request` is not a request.
        """
        if not hasattr(request, "get_header"):
            raise ArgumentError(
                "res.cors", "is called", f"a {type(request).__name__} is not a request", "Write it as res.cors(req)"
            )
        for name, value in policy.actual(_origin(request)):
            self.write_header(name, value)
        return self

    _act(app, options, policy)


def _act(app: socketify_ext.AppSurface, options: Options, policy: Policy) -> None:
    """Act by hooks, so that no handler has to call anything."""
    own: dict[str, RoutePolicies] = {}  # of the routes with an option, by pattern

    def writer(chosen: Policy) -> Callable[[Any, Any], None]:
        return lambda res, req: _write(res, chosen.actual(_origin(req)))

    # What has no option answers with the app's policy. A preflight is for a path, and comes to what takes OPTIONS there.
    app.before_request(preflight(RoutePolicies(policy)), where=lambda route: _takes_options(route) and not _has(route))
    app.before_send(writer(policy), where=lambda route: not (route.is_websocket or _has(route)))

    def apply(route: Any, value: Any) -> None:
        policies = own.setdefault(route.info.pattern, RoutePolicies(policy))
        if route.info.method == "OPTIONS":
            route.before_request(preflight(policies))
            return
        chosen = None if value is False else Policy(options.model_copy(update={"allow_origins": value}))
        policies.set(route.info.method, chosen)
        if chosen is not None:
            route.before_send(writer(chosen))

    def add_options(route: socketify_ext.RouteInfo) -> None:
        """Add the route of preflights for a route with an option."""
        patterns = {each.pattern for each in app.routes if each.method == "OPTIONS"}
        if _has(route) and not (route.is_websocket or route.method == "OPTIONS" or route.pattern in patterns):
            path = route.pattern.removeprefix(app.prefix)
            app.options(path, _answer_options, cors=False)

    @app.on_startup
    def begin() -> None:
        """Add them once the program has added its own."""
        for route in app.routes:
            add_options(route)
        app.on_route(add_options)

    app.route_option("cors", type=RouteOrigins, apply=apply)


def _answer_options(res: Any, req: Any) -> None:  # noqa: ARG001
    """Answer what is not a preflight."""
    res.write_status(204).end_without_body()


def _has(route: socketify_ext.RouteInfo) -> bool:
    return "cors" in route.options


def _takes_options(route: socketify_ext.RouteInfo) -> bool:
    return route.method in ("OPTIONS", "ANY")


def preflight(policies: RoutePolicies) -> Callable[[Any, Any], None]:
    """Return the hook that answers preflights by these policies."""

    def answer_preflight(res: Any, req: Any) -> None:
        method = req.get_header("access-control-request-method")
        if method is None or req.get_method() != "OPTIONS":
            return
        origin, policy = _origin(req), policies.of(method)
        asked = req.get_header_list("access-control-request-headers")  # as many lines as a proxy makes of them
        private = req.get_header("access-control-request-private-network")
        headers: Headers = (policies.vary,)
        if origin is not None and policy is not None:
            headers = policy.preflight(origin, method, ", ".join(asked), private)
        _IS_PREFLIGHT.set(res, True)
        res.write_status(204)
        for name, value in headers:
            res.write_header(name, value)
        res.end_without_body()

    return answer_preflight


def _write(res: Any, headers: Headers) -> None:
    """Write headers, unless a handler or the answer to a preflight has them already."""
    if _IS_PREFLIGHT.get(res) or res.has_header(_ALLOWED):
        return
    for name, value in headers:
        if name == "Vary":
            add_vary(res, value)
        else:
            res.set_header(name, value)


def _origin(request: Any) -> str | None:
    """Get the request's origin, None where it names none or several: a browser sends one, so nobody knows whose it is."""
    if not hasattr(request, "get_header_list"):  # a stock app's
        return request.get_header("origin")  # type: ignore[no-any-return]
    origins = request.get_header_list("origin")
    return origins[0] if len(origins) == 1 else None
