"""`cors`: answer cross-origin requests."""

from __future__ import annotations

from typing import Any

from pydantic import StrictBool

import socketify_ext
from socketify_ext.errors import ArgumentError

from .answers import Answers
from .options import Options, RouteOptions
from .policy import Policy


@socketify_ext.extension("cors", options=Options, before=["*"])
def cors(
    request: socketify_ext.Surface,  # noqa: ARG001
    response: socketify_ext.Surface,
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Let scripts of other origins read answers, and answer preflights."""
    policy = Policy(options)
    answers = Answers(app, policy)

    @response.method
    def cors(self: Any, request: Any) -> Any:
        """Write the CORS headers for `request` now, as for a route with `cors=False`, and return the response.

        Raises:
            ArgumentError: `request` is not a request.
        """
        if not hasattr(request, "get_header"):
            raise ArgumentError(
                "res.cors", "is called", f"a {type(request).__name__} is not a request", "Write it as res.cors(req)"
            )
        answers.write(self, request, policy)
        return self

    def apply(route: socketify_ext.RouteSurface, value: Any) -> None:
        own = None
        if value is not False:
            own = policy if value is True else Policy(value.over(options))
            if not route.info.is_websocket:
                route.before_send(answers.writer(own))
        answers.add(route.info, own)

    app.route_option("cors", type=StrictBool | RouteOptions, apply=apply)
    # No other route gets OPTIONS.
    app.before_request(answers.answer_preflight, where=lambda route: route.method in ("OPTIONS", "ANY"))
    app.before_send(answers.writer(policy), where=lambda route: "cors" not in route.options and not route.is_websocket)
