"""`csrf`: refuse what pages of other sites make browsers send."""

from __future__ import annotations

from typing import Any

import socketify_ext

from .guard import Guard
from .options import Options
from .verdict import SAFE


@socketify_ext.extension(
    "csrf",
    options=Options,
    after=["request-id", "cors", "security-headers", "metrics", "health"],
    before=["auth", "ratelimit", "sessions"],
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
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

    app.route_option("csrf", type=bool)
    app.before_request(guard.refuse_strangers, where=is_guarded)
    app.before_upgrade(guard.refuse_foreign_pages, where=lambda route: bool(route.options.get("csrf", True)))
    if options.secret is not None:
        app.before_request(guard.ask_for_token, where=is_guarded)


def is_guarded(route: Any) -> bool:
    """Check whether requests of a route may change something."""
    return bool(route.options.get("csrf", True)) and not route.is_websocket and route.method not in SAFE
