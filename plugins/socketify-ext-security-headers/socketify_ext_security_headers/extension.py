"""`security-headers`: tell browsers what answers may do."""

from __future__ import annotations

from typing import Any, Literal

import socketify_ext

from .options import Options
from .policy import Policy
from .sender import Nonces, Sender


@socketify_ext.extension(
    "security-headers",
    options=Options,
    after=["request-id", "cors"],
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
)
def security_headers(
    request: socketify_ext.Surface,
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Send security headers with every answer, and make a nonce for each page that asks: `req.csp_nonce`."""
    nonces = Nonces()

    @request.property
    def csp_nonce(self: Any) -> str:
        """The nonce of this answer's inline scripts and styles; the Content-Security-Policy names it once it is read."""
        return nonces.make(self)

    def apply(route: Any, value: Literal[False] | Options) -> None:
        if value is not False:
            route.before_send(Sender(Policy(options, value), nonces))

    app.route_option("security_headers", type=Literal[False] | Options, apply=apply)
    app.before_send(Sender(Policy(options), nonces), where=lambda route: "security_headers" not in route.options)
