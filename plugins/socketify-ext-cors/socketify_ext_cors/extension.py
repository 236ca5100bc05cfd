"""`cors`: answer cross-origin requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import socketify_ext
from socketify_ext.errors import ArgumentError

from .options import Options, RouteOrigins
from .policy import Headers, Policy
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
    own: dict[tuple[str, str], Policy | None] = {}  # of the routes with an option, by method and pattern

    def writer(chosen: Policy) -> Callable[[Any, Any], None]:
        return lambda res, req: _write(res, chosen.actual(_origin(req)))

    def answer_preflight(res: Any, req: Any) -> None:
        """Answer for the route that the request comes to afterwards, wherever else this one would go."""
        method = req.get_header("access-control-request-method")
        if method is None or req.get_method() != "OPTIONS":
            return
        origin, route = _origin(req), app.find_route(method, req.get_url())
        chosen = policy if route is None else own.get((route.method, route.pattern), policy)
        asked = req.get_header_list("access-control-request-headers")  # as many lines as a proxy makes of them
        private = req.get_header("access-control-request-private-network")
        headers: Headers = (policy.vary,)
        if origin is not None and chosen is not None:
            headers = chosen.preflight(origin, method, ", ".join(asked), private)
        _IS_PREFLIGHT.set(res, True)
        res.write_status(204)
        for name, value in headers:
            res.write_header(name, value)
        res.end_without_body()

    app.before_request(answer_preflight, where=lambda route: route.method in ("OPTIONS", "ANY"))
    app.before_send(writer(policy), where=lambda route: not (route.is_websocket or "cors" in route.options))

    def apply(route: Any, value: Any) -> None:
        chosen = None if value is False else Policy(options.model_copy(update={"allow_origins": value}))
        own[route.info.method, route.info.pattern] = chosen
        if chosen is not None:
            route.before_send(writer(chosen))

    app.route_option("cors", type=RouteOrigins, apply=apply)


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
