"""`metrics`: measure requests and WebSockets for Prometheus."""

from __future__ import annotations

from typing import Any

import socketify_ext

from .metrics import Metrics
from .options import Options


@socketify_ext.extension(
    "metrics",
    options=Options,
    before=["*"],
    after=["cors"],
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
)
def metrics(
    request: socketify_ext.Surface,  # noqa: ARG001
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Measure requests by method, route and status, requests in flight and open WebSockets; show them at /metrics."""
    measured = Metrics(options)
    # Another extension's hook may have ended a request or a connection before it was counted here.
    in_flight = socketify_ext.PrivateProperty("in_flight", default=False)
    is_open = socketify_ext.PrivateProperty("is_open", default=False)

    @app.before_request
    def begin(res: Any, req: Any) -> None:  # noqa: ARG001
        if not in_flight.get(res):
            in_flight.set(res, True)
            measured.in_flight.inc()

    @app.after_response
    def end(outcome: socketify_ext.Outcome) -> None:
        if in_flight.get(outcome.response):
            measured.in_flight.dec()
        measured.observe(outcome)

    @app.on_ws_open
    def enter(ws: Any) -> None:
        is_open.set(ws, True)
        measured.sockets.labels(ws.route).inc()

    @app.on_ws_close
    def leave(ws: Any, code: int, message: bytes | None) -> None:  # noqa: ARG001
        if is_open.get(ws):
            measured.sockets.labels(ws.route).dec()

    if options.path is not None:

        def show(res: Any, req: Any) -> None:
            text, content_type = measured.exposition(", ".join(req.get_header_lines("accept")))
            res.send(text, content_type=content_type)

        app.get(options.path, show)

    app.on_shutdown(measured.leave)
