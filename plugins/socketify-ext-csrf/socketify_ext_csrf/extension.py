"""`csrf`: refuse what pages of other sites make browsers send."""

from __future__ import annotations

from typing import Any

import socketify_ext

from .guard import Guard
from .options import Options
from .verdict import SAFE, objection


@socketify_ext.extension(
    "csrf",
    options=Options,
    after=["request-id", "cors", "security-headers", "metrics", "health"],
    before=["auth", "ratelimit", "sessions"],
)
def csrf(
    request: socketify_ext.Surface,
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Answer 403 to requests that change something, and to WebSockets, where a page of another origin has sent them."""
    trusted = frozenset(options.trusted_origins)
    guard = Guard(options)

    @request.method
    async def get_csrf_token(self: Any) -> str:
        """Return a token for a form or a script of this answer, and see that the browser keeps what belongs to it.

        Raises:
            RuntimeError: `csrf` has no `secret`, or the answer has gone.
        """
        return await guard.token_for(self)

    @request.method
    async def check_csrf_token(self: Any, token: str | None) -> None:
        """Check a token that came in another place than the header or an urlencoded form.

        Raises:
            HTTPError: 403, it does not count.
            RuntimeError: `csrf` has no `secret`.
        """
        await guard.check(self, token)

    def refuse_strangers(res: Any, req: Any) -> None:  # noqa: ARG001
        lines = req.get_header_lines
        why = objection(lines("sec-fetch-site"), lines("origin"), lines("host"), trusted)
        if why is not None:
            raise socketify_ext.HTTPError(403, f"cross-site request refused: {why}")

    def refuse_unless_safe(res: Any, req: Any) -> None:
        if req.get_method() not in SAFE:
            refuse_strangers(res, req)

    async def ask_for_token(res: Any, req: Any) -> None:
        if req.get_method() not in SAFE:
            await guard.check(req, await guard.find(res, req))

    def is_guarded(route: Any) -> bool:
        return route.options.get("csrf", True) and not route.is_websocket and route.method not in SAFE

    app.route_option("csrf", type=bool)
    app.before_request(refuse_strangers, where=lambda route: is_guarded(route) and route.method != "ANY")
    app.before_request(refuse_unless_safe, where=lambda route: is_guarded(route) and route.method == "ANY")
    app.before_upgrade(refuse_strangers, where=lambda route: route.options.get("csrf", True))
    if options.secret is not None:
        app.before_request(ask_for_token, where=is_guarded)
