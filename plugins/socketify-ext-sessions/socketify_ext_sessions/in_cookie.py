"""Sessions that their cookie carries: signed, not encrypted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from socketify_ext.stores import open_response

from .answer import response_for_cookie
from .options import Options
from .session import Origin, Session, dumps, encode
from .sessions import Sessions, session_cookie


class CookieSessions(Sessions):
    """Keep a session in its cookie, with the time when it began; it counts as used when it is saved."""

    def __init__(self, options: Options, *, marks_answers: bool) -> None:
        super().__init__(options, marks_answers=marks_answers)
        self._cookie = session_cookie(options, "content")

    async def _find(self, request: Any) -> Origin | None:
        read = self._cookie.read(request)
        if read is None:
            return None
        (created, content), signed = read
        origin = Origin(None, created, signed, dumps(content))
        return origin if self._is_alive(origin) else None

    async def save(self, request: Any) -> None:
        """Set the cookie, also where nothing has changed: its idle time begins anew."""
        self._write(request, self._to_save(request))

    @contextlib.asynccontextmanager
    async def edit(self, request: Any) -> AsyncIterator[Session]:
        """Load a session and save it at the end of the block; other requests may come between."""
        before = self._before_edit(request)
        response = open_response(request)
        session = self._enter(request, await self._find(request) if before is None else before.origin, response)
        session.is_open = True
        try:
            yield session
            self._write(request, session)
        except BaseException:
            request.session = before
            raise
        finally:
            session.is_open = False

    def _write(self, request: Any, session: Session) -> None:
        content, now, origin = encode(session, self.options.max_bytes), time.time(), session.origin
        if not session:
            if origin is not None:
                response = response_for_cookie(request)
                if response is not None:
                    self._cookie.clear(response)
                    self._note_cookie(response)
            session.saved(None)
            return
        created = round(now, 3) if origin is None or session.is_renewed else origin.created
        text = self._cookie.sign([created, session])
        response = response_for_cookie(request)
        if response is None:
            return
        left = min(self.options.idle_timeout, created + self.options.absolute_timeout - now)
        self._cookie.write(response, text, left)
        self._note_cookie(response)
        session.saved(Origin(None, created, now, content))
