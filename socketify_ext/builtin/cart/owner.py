"""Whose cart a request is about."""

from __future__ import annotations

import hashlib
import inspect
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ... import errors
from ...stores import SignedCookie
from .options import Options


@dataclass(frozen=True)
class Owner:
    """Where a request's cart is: `key` of the store, and what its cookie names.

    Of an anonymous client, `session` is the id in its cookie, None for one without. Of an authenticated user,
    `anonymous` is the key of the cart that its cookie still names, which is to be merged.
    """

    key: str | None
    session: str | None = None
    anonymous: str | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether the cart is found by its cookie."""
        return self.key is None or self.session is not None


def session_cookie(options: Options) -> SignedCookie:
    """Make the cookie by which an anonymous client finds its cart again: a random id of 256 bits."""
    return SignedCookie(
        "extension 'cart'",
        options.cookie,
        options.secrets,
        salt="socketify-ext.cart",
        is_secure=options.cookie_secure,
    )


async def owner_of(request: Any, cookie: SignedCookie, max_age: float) -> Owner:
    """Find whose cart it is: the authenticated user's if the request has `get_user`, else that of the cookie."""
    read = cookie.read(request)
    session: str | None = read[0] if read is not None and time.time() - read[1] <= max_age else None
    identity = await _identity(request)
    named = None if session is None else session_key(session)
    if identity is None:
        return Owner(named, session)
    return Owner(_key("user", identity), anonymous=named)


def session_key(session: str) -> str:
    """Name the cart of a cookie in the store, by a hash: who reads the store can't make cookies of it."""
    return _key("session", [session])


def _key(kind: str, identity: list[str]) -> str:
    return f"cart:{kind}:{hashlib.sha256(json.dumps(identity).encode()).hexdigest()}"


async def _identity(request: Any) -> list[str] | None:
    """Return what tells a user apart from all others: the issuer, if there is one, and `id`, else `sub`; else the name."""
    get_user = getattr(request, "get_user", None)
    if get_user is None:
        return None
    user = get_user()
    if inspect.isawaitable(user):
        user = await user
    if getattr(user, "is_authenticated", False) is not True:
        return None
    claims = getattr(user, "claims", None)
    claims = claims if isinstance(claims, Mapping) else {}
    identity = getattr(user, "id", None)
    identity = claims.get("sub") if identity is None else identity
    name = getattr(user, "name", None)
    key: list[Any] = ["name", name] if identity is None else ["id", str(claims.get("iss", "")), str(identity)]
    if not isinstance(key[-1], str) or not key[-1]:
        raise errors.CartError(
            "the cart of this request",
            "has no owner",
            "its user has no id and no name",
            "Let get_user return a user with an id",
        )
    return key
