"""`cors`: answer cross-origin requests."""

from __future__ import annotations

from typing import Any

import socketify_ext
from socketify_ext.errors import ArgumentError

from .options import Options
from .policy import VARY_ORIGIN, Policy


@socketify_ext.extension("cors", options=Options)
def cors(
    request: socketify_ext.Surface,  # noqa: ARG001
    response: socketify_ext.Surface,
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Answer cross-origin requests: `res.cors(req).end(...)`, and preflights by themselves."""
    policy = Policy(options)

    @response.method
    def cors(self: socketify_ext.Response, request: socketify_ext.Request) -> socketify_ext.Response:
        """Write the CORS headers for `request`, once and before the body, and return the response.

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

    def answer_options(res: Any, req: Any) -> None:
        origin = _origin(req)
        method = req.get_header("access-control-request-method")
        if origin and method:
            asked = req.get_header_list("access-control-request-headers")  # as many lines as a proxy makes of them
            private = req.get_header("access-control-request-private-network")
            headers = policy.preflight(origin, method, ", ".join(asked), private)
        else:
            actual = (header for header in policy.actual(origin) if header != VARY_ORIGIN)
            headers = (*actual, policy.allow, policy.vary)
        res.write_status(204)
        for name, value in headers:
            res.write_header(name, value)
        res.end_without_body()

    for path in options.preflight:
        app.options(path, answer_options)


def _origin(request: Any) -> str | None:
    """Get the request's origin, None where it names none or several: a browser sends one, so nobody knows whose it is."""
    if not hasattr(request, "get_header_list"):  # a stock app's
        return request.get_header("origin")  # type: ignore[no-any-return]
    origins = request.get_header_list("origin")
    return origins[0] if len(origins) == 1 else None
