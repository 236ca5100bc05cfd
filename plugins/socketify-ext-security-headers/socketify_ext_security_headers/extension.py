"""`security-headers`: tell browsers what answers may do."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Final, Literal

import socketify_ext

from .options import Options
from .policy import Policy

_LATE: Final = ""  # in place of the nonce of an answer in parts whose head has gone without one


@socketify_ext.extension("security-headers", options=Options, after=["request-id", "cors"])
def security_headers(
    request: socketify_ext.Surface,
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Send security headers with every answer, and make a nonce for each page that asks: `req.csp_nonce`."""
    nonce: socketify_ext.PrivateProperty[str | None] = socketify_ext.PrivateProperty("csp_nonce", None)

    @request.property
    def csp_nonce(self: Any) -> str:
        """The nonce of this answer's inline scripts and styles; the Content-Security-Policy names it once it is read."""
        if nonce.get(self) is _LATE:
            raise RuntimeError(
                "req.csp_nonce was read after the head of the answer had gone without it: "
                "read it before the first part of the answer"
            )
        made = secrets.token_urlsafe(16)
        nonce.set(self, made)
        return made

    def sender(policy: Policy) -> Callable[[Any, Any], None]:
        def send_headers(res: Any, req: Any) -> None:
            for name, value in policy.fixed:
                if not res.has_header(name):
                    res.write_header(name, value)
            made = nonce.get(req)
            if made is None and policy.uses_nonce and res.content is None:
                nonce.set(req, _LATE)
            # A cache puts the headers of a 304 in place of those that it has: the page there has another nonce.
            if (res.status == 304 and policy.uses_nonce) or res.has_header(policy.csp_name):
                return
            value = policy.csp(made or None)
            if value is not None:
                res.write_header(policy.csp_name, value)
            if made and not res.has_header("Cache-Control"):
                res.write_header("Cache-Control", "private")  # a nonce that others can read protects nobody

        return send_headers

    def apply(route: Any, value: Literal[False] | Options) -> None:
        if value is not False:
            route.before_send(sender(Policy(options, value)))

    app.route_option("security_headers", type=Literal[False] | Options, apply=apply)
    app.before_send(sender(Policy(options)), where=lambda route: "security_headers" not in route.options)
