"""What a request is asked for: where it comes from, and its token."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any, Final

import socketify_ext
from socketify_ext.stores import open_response

from .options import Options
from .tokens import Tokens, is_key, make_key
from .verdict import SAFE, objection

_URLENCODED: Final = "application/x-www-form-urlencoded"


class Guard:
    """Look at where requests come from; give tokens to pages, and ask requests for them.

    Args:
        options: of the extension.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._trusted = frozenset(options.trusted_origins)
        self._tokens = Tokens(options.secrets, options.max_age) if options.secrets else None
        self._cookie = f"__Host-{options.cookie}" if options.cookie_secure else options.cookie
        self._key: socketify_ext.PrivateProperty[str | None] = socketify_ext.PrivateProperty("csrf_key", None)

    def refuse_foreign_pages(self, res: Any, req: Any) -> None:  # noqa: ARG002
        """Refuse what a page of another origin has sent.

        Raises:
            HTTPError: 403.
        """
        lines = req.get_header_lines
        why = objection(lines("sec-fetch-site"), lines("origin"), lines("host"), self._trusted)
        if why is not None:
            raise socketify_ext.HTTPError(403, f"cross-site request refused: {why}")

    def refuse_strangers(self, res: Any, req: Any) -> None:
        """Refuse what a page of another origin has sent, unless it changes nothing; routes for any method take both.

        Raises:
            HTTPError: 403.
        """
        if req.get_method() not in SAFE:
            self.refuse_foreign_pages(res, req)

    async def ask_for_token(self, res: Any, req: Any) -> None:
        """Refuse what may change something and has no token that counts.

        Raises:
            HTTPError: 403.
        """
        if req.get_method() not in SAFE:
            await self.check(req, await self.find(res, req))

    async def token_for(self, request: Any) -> str:
        """Return a new token for the browser of a request, which gets a cookie if it has none.

        Raises:
            RuntimeError: there is no secret, or the answer has gone.
        """
        tokens = self._made()
        identity = await self._identity(request)
        key = self._key_of(request)
        if key is None:
            key = make_key()
            self._set_cookie(request, key)
            self._key.set(request, key)
        return tokens.make(key, identity)

    async def find(self, response: Any, request: Any) -> str | None:
        """Return the token of a request: that of its header, else that of an urlencoded form."""
        sent: list[str] = request.get_header_lines(self._options.header)
        if sent:
            return sent[0] if len(sent) == 1 else None
        kind = (request.get_header("content-type") or "").partition(";")[0].strip().lower()
        if kind != _URLENCODED:
            return None
        form: dict[str, str] = await response.get_form_urlencoded() or {}
        return form.get(self._options.field)

    async def check(self, request: Any, token: str | None) -> None:
        """Let a request pass if the token was made for its browser and user.

        Raises:
            HTTPError: 403, it was not.
            RuntimeError: there is no secret.
        """
        tokens = self._made()
        key = self._key_of(request)
        if not token or key is None or not tokens.check(token, key, await self._identity(request)):
            raise socketify_ext.HTTPError(403, "the CSRF token is missing, out of date or not valid")

    def _made(self) -> Tokens:
        if self._tokens is None:
            raise RuntimeError('csrf makes no tokens without a secret: load("csrf", secret=...)')
        return self._tokens

    def _key_of(self, request: Any) -> str | None:
        """Return the browser's key; None where it has several, of which a neighbouring site may have set one."""
        made = self._key.get(request)
        if made is not None:
            return made
        sent: list[str] = request.get_cookie_list(self._cookie)
        return sent[0] if len(sent) == 1 and is_key(sent[0]) else None

    def _set_cookie(self, request: Any, key: str) -> None:
        response = open_response(request)
        if response is None:
            raise RuntimeError("a token can't be made: the answer has gone. Make it before you answer")
        is_secure = self._options.cookie_secure
        response.set_cookie(self._cookie, key, secure=is_secure, http_only=True, same_site="Lax")
        if not response.has_header("Cache-Control"):
            response.write_header("Cache-Control", "no-store")  # who gets it from a cache has another cookie

    async def _identity(self, request: Any) -> str | None:
        bind = self._options.bind
        if bind is None:
            return None
        if bind == "user":
            return await _user_of(request)
        found = bind(request.response, request)
        if isawaitable(found):
            found = await found
        return None if found is None else str(found)


async def _user_of(request: Any) -> str | None:
    if not hasattr(request, "get_user"):
        raise LookupError('csrf has bind="user", but no extension adds request.get_user: register one, as auth')
    user = await request.get_user()
    if not getattr(user, "is_authenticated", False):
        return None
    identity = getattr(user, "id", getattr(user, "name", None))
    return str(user["name"] if identity is None else identity)
