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
    response: socketify_ext.Surface,
    ws: socketify_ext.Surface,
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Measure requests by method, route and status, requests in flight and open WebSockets; show them at /metrics."""
    measured = Metrics(options)
    # Another extension's hook may have ended a request or a connection before it was counted here.
    response.property("counted_in_flight", default=False, type=bool)
    ws.property("counted_open", default=False, type=bool)

    @app.before_request
    def begin(res: Any, req: Any) -> None:  # noqa: ARG001
        if not res.counted_in_flight:
            res.counted_in_flight = True
            measured.in_flight.inc()

    @app.after_response
    def end(outcome: socketify_ext.Outcome) -> None:
        response: Any = outcome.response
        if response.counted_in_flight:
            measured.in_flight.dec()
        measured.observe(outcome)

    @app.on_ws_open
    def enter(ws: Any) -> None:
        ws.counted_open = True
        measured.sockets.labels(ws.route).inc()

    @app.on_ws_close
    def leave(ws: Any, code: int, message: bytes | None) -> None:  # noqa: ARG001
        if ws.counted_open:
            measured.sockets.labels(ws.route).dec()

    if options.path is not None:

        def show(res: Any, req: Any) -> None:
            text, content_type = measured.exposition(", ".join(req.get_header_lines("accept")))
            res.send(text, content_type=content_type)

        app.get(options.path, show)

    app.on_shutdown(measured.leave)
