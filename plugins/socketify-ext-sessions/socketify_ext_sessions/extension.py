"""The extension: `req.session`, `req.load_session`, `req.save_session` and `req.edit_session`."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import socketify_ext
from socketify_ext.stores import open_store

from .in_cookie import CookieSessions
from .in_store import StoredSessions
from .options import Options
from .session import Session
from .sessions import Sessions


@socketify_ext.extension("sessions", options=Options)
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

    @request.method
    async def load_session(self: Any) -> Session:
        """Get the client's session, as `req.session` too; a new one where its cookie is missing, forged or expired."""
        return await kept.load(self)

    @request.method
    async def save_session(self: Any) -> None:
        """Save `req.session` before the answer; 409 where another request has changed it in the store meanwhile."""
        await kept.save(self)

    @request.method
    def edit_session(self: Any) -> AbstractAsyncContextManager[Session]:
        """Change the client's session in one step: `async with req.edit_session() as session: ...`; then answer."""
        return kept.edit(self)
