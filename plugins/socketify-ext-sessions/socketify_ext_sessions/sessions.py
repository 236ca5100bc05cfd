"""`Sessions`: what both ways to keep them have in common."""

from __future__ import annotations

import abc
import time
from contextlib import AbstractAsyncContextManager
from typing import Any

from socketify_ext.stores import SignedCookie, open_response

from .options import Options
from .session import Origin, Session, decode


def session_cookie(options: Options, kind: str) -> SignedCookie:
    """Make the cookie for values of a kind; what was signed for another kind or name does not count."""
    salt = f"socketify-ext-sessions.{kind}.{options.cookie}"
    return SignedCookie(
        "extension 'sessions'", options.cookie, options.secrets, salt=salt, is_secure=options.cookie_secure
    )


class Sessions(abc.ABC):
    """Load, save and edit the session of a request, which is `request.session` from then on.

    Args:
        options: of the extension.
        marks_answers: whether answers tell caches what they depend on. The core sends headers of a stock app at once,
            so that no status could come after them there.
    """

    def __init__(self, options: Options, *, marks_answers: bool) -> None:
        self.options = options
        self._marks_answers = marks_answers

    async def load(self, request: Any) -> Session:
        """Get the client's session, a new one where its cookie is missing, forged or expired."""
        if request.session is None:
            response = open_response(request)
            origin = await self._find(request)
            if request.session is None:  # no other task of this request was faster
                self._enter(request, origin, response)
        session: Session = request.session
        return session

    @abc.abstractmethod
    async def save(self, request: Any) -> None:
        """Keep `request.session` as it is now."""

    @abc.abstractmethod
    def edit(self, request: Any) -> AbstractAsyncContextManager[Session]:
        """Load a session, and save it at the end of the block unless that raises."""

    @abc.abstractmethod
    async def _find(self, request: Any) -> Origin | None:
        """Find what is kept for the cookie of a request."""

    def _enter(self, request: Any, origin: Origin | None, response: Any) -> Session:
        if self._marks_answers and response is not None and request.session is None:
            response.write_header("Vary", "Cookie")
        session = Session(None if origin is None else decode(origin.content), origin)
        request.session = session
        return session

    def _to_save(self, request: Any) -> Session:
        session: Session | None = request.session
        if session is None:
            raise RuntimeError("save_session has nothing to save: call session = await req.load_session() first")
        if session.is_open:
            raise RuntimeError("save_session is called within edit_session, whose end saves: leave it out")
        return session

    def _before_edit(self, request: Any) -> Session | None:
        session: Session | None = request.session
        if session is not None and session.is_open:
            raise RuntimeError(
                "edit_session is called within edit_session, and would wait for itself: use the outer one"
            )
        if session is not None and session.is_changed:
            raise RuntimeError(
                "edit_session would drop changes of req.session: save them first, or make them in its block"
            )
        return session

    def _is_alive(self, origin: Origin) -> bool:
        now = time.time()
        return now - origin.used <= self.options.idle_timeout and now < origin.created + self.options.absolute_timeout

    def _note_cookie(self, response: Any) -> None:
        """Keep caches from giving one client's cookie to another."""
        if self._marks_answers:
            response.write_header("Cache-Control", "no-store")
