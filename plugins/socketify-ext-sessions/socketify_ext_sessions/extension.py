"""The extension: `req.session`, `req.load_session`, `req.save_session` and `req.edit_session`."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager
from typing import Any

import socketify_ext
from socketify_ext.stores import open_store

from .in_cookie import CookieSessions
from .in_store import StoredSessions
from .options import Options
from .session import Session
from .sessions import Sessions


@socketify_ext.extension(
    "sessions",
    options=Options,
    after=["auth", "ratelimit"],
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
)
def sessions(
    request: socketify_ext.Surface,
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Keep what a client's requests share: `req.load_session`, `req.save_session` and `req.edit_session`."""
    kept: Sessions
    if options.store is None:
        kept = CookieSessions(options, marks_answers=app.is_installed)
    else:
        kept = StoredSessions(store := open_store(options.store), options, marks_answers=app.is_installed)
        if app.is_installed:
            app.on_shutdown(store.close)

    request.property("session", default=None, type=Session | None)
    if app.is_installed:
        _act(app, kept, is_automatic=options.automatic)

    @request.method
    async def load_session(self: Any) -> Session:
        """Get the client's session, as `req.session` too; a new one where its cookie is missing, forged or expired."""
        return await kept.load(self)

    @request.method(example="await request.load_session(); await request.save_session()")
    async def save_session(self: Any) -> None:
        """Save `req.session` before the answer; 409 where another request has changed it in the store meanwhile."""
        await kept.save(self)

    @request.method
    def edit_session(self: Any) -> AbstractAsyncContextManager[Session]:
        """Change the client's session in one step: `async with req.edit_session() as session: ...`; then answer."""
        return kept.edit(self)


def _act(app: socketify_ext.AppSurface, kept: Sessions, *, is_automatic: bool) -> None:
    """Load and save sessions by hooks, so that no handler has to call anything."""

    def wants(route: socketify_ext.RouteInfo) -> bool:
        return bool(route.options.get("session", is_automatic)) and not route.is_websocket

    async def load(res: Any, req: Any) -> None:  # noqa: ARG001
        await kept.load(req)

    async def save(res: Any, req: Any) -> None:
        session = req.session
        if session is None or session.is_open or not session.is_changed:
            return
        try:
            await kept.save(req)
        except socketify_ext.HTTPError as error:  # the answer would say that all went well
            res.write_status(error.status)
            if res.content is not None:
                res.set_header("Content-Type", "application/json").content = json.dumps({"detail": error.detail})

    app.route_option("session", type=bool)
    app.before_request(load, where=wants)
    app.before_send(save, where=wants)
