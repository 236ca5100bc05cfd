"""Sessions that a store keeps; their cookie carries a random id."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from socketify_ext import HTTPError, errors
from socketify_ext.stores import Store, open_response

from .answer import response_for_cookie
from .options import Options
from .session import Origin, Session, encode
from .sessions import Sessions, session_cookie

log = logging.getLogger("socketify_ext_sessions")

USES: Final = 10
"""A use is noted in the store each tenth of the idle timeout at most, so that most requests only read."""


class StoredSessions(Sessions):
    """Keep sessions in a store, each under a hash of its id: who reads the store can't make cookies of it."""

    def __init__(self, store: Store, options: Options, *, marks_answers: bool) -> None:
        super().__init__(options, marks_answers=marks_answers)
        self.store = store
        self._cookie = session_cookie(options, "id")

    async def _find(self, request: Any) -> Origin | None:
        name = self._id(request)
        if name is None:
            return None
        with _answered():
            data = await self.store.get(_key(name))
            origin = self._origin(name, data)
            if origin is not None and self._is_use_due(origin):
                with contextlib.suppress(errors.StoreBusyError, errors.StoreConflictError):  # others use it just now
                    data = await self.store.update(_key(name), self._used, expire=self.options.idle_timeout)
                    origin = self._origin(name, data)
        return origin

    async def save(self, request: Any) -> None:
        """Write `request.session` if it is still in the store as it was read; an empty one is deleted all the same."""
        session = self._to_save(request)
        if session.is_new and not session:
            return
        origin, spare = session.origin, _new_id()
        keys = _keys(self._id(request), spare)
        with _answered():
            async with self.store.edit(*keys, expire=self.options.idle_timeout) as values:
                if origin is not None and session:
                    found = self._origin(origin.id, values[_key(origin.id)])
                    if found is None or found.content != origin.content:
                        raise HTTPError(409, "the session was changed meanwhile: try again")
                response, kept = self._put(values, request, session, spare)
        self._carry(response, session, kept)

    @contextlib.asynccontextmanager
    async def edit(self, request: Any) -> AsyncIterator[Session]:
        """Load, change and write in one step that no other edit comes between."""
        before = self._before_edit(request)
        response = open_response(request)
        name, spare, session = self._id(request), _new_id(), None
        try:
            with _answered():
                async with self.store.edit(*_keys(name, spare), expire=self.options.idle_timeout) as values:
                    origin = None if name is None else self._origin(name, values[_key(name)])
                    session = self._enter(request, origin, response)
                    session.is_open = True
                    yield session
                    response, kept = self._put(values, request, session, spare)
        except BaseException:
            request.session = before
            raise
        finally:
            if session is not None:
                session.is_open = False
        self._carry(response, session, kept)

    def _put(
        self, values: dict[str, bytes | None], request: Any, session: Session, spare: str
    ) -> tuple[Any, Origin | None]:
        """Change the values to be written; the response is None where the cookie stays as it is."""
        content, now, origin = encode(session, self.options.max_bytes), time.time(), session.origin
        if origin is not None and session and not session.is_renewed:
            if content != origin.content or self._is_use_due(origin):
                origin = Origin(origin.id, origin.created, now, content)
                values[_key(origin.id)] = _record(origin)
            return None, origin
        if origin is None and not session:
            return None, None
        response = response_for_cookie(request)
        if response is None and session:  # nobody would ever know its id
            return None, origin
        if origin is not None:
            values[_key(origin.id)] = None
        if not session:
            return response, None
        kept = Origin(spare, now, now, content)
        values[_key(spare)] = _record(kept)
        return response, kept

    def _carry(self, response: Any, session: Session, kept: Origin | None) -> None:
        session.saved(kept)
        if response is None:
            return
        if kept is None:
            self._cookie.clear(response)
        else:
            self._cookie.write(response, self._cookie.sign(kept.id), self.options.absolute_timeout)
        self._note_cookie(response)

    def _id(self, request: Any) -> str | None:
        """Return the id of a request's session, else that of its cookie; never one that a client has made up."""
        if request.session is not None:
            origin: Origin | None = request.session.origin
            return None if origin is None else origin.id
        read = self._cookie.read(request)
        if read is None or time.time() - read[1] > self.options.absolute_timeout:
            return None
        name: str = read[0]
        return name

    def _origin(self, name: str | None, data: bytes | None) -> Origin | None:
        if data is None:
            return None
        head, _, content = data.partition(b"\n")
        created, used = json.loads(head)
        origin = Origin(name, created, used, content)
        return origin if self._is_alive(origin) else None

    def _is_use_due(self, origin: Origin) -> bool:
        return time.time() - origin.used > self.options.idle_timeout / USES

    def _used(self, data: bytes | None) -> bytes | None:
        origin = self._origin(None, data)
        return None if origin is None else _record(Origin(None, origin.created, time.time(), origin.content))


def _new_id() -> str:
    return secrets.token_urlsafe(32)


def _key(name: str | None) -> str:
    return f"session:{hashlib.sha256(str(name).encode()).hexdigest()}"


def _keys(*names: str | None) -> list[str]:
    return [_key(name) for name in names if name is not None]


def _record(origin: Origin) -> bytes:
    return json.dumps([origin.created, origin.used]).encode() + b"\n" + origin.content


@contextlib.contextmanager
def _answered() -> Iterator[None]:
    """Turn errors of the store into HTTP errors."""
    try:
        yield
    except errors.StoreConflictError as error:
        raise HTTPError(409, "the session was changed meanwhile: try again") from error
    except (errors.StoreBusyError, errors.StoreUnavailableError) as error:
        log.error("extension 'sessions': %s", error)  # noqa: TRY400 - the engine's own error is in its text
        raise HTTPError(503, "sessions can't be reached: try again", {"Retry-After": "1"}) from error
