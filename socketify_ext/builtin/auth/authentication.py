"""Authentication: a request to its user, once for each request."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Iterable
from typing import Any, NamedTuple

from ...sdk.private_property import PrivateProperty
from .challenge import FOREIGN, MISSING, OVERSIZED, UNKNOWN, Challenge
from .credential import AmbiguousRequestError, Sources
from .options import Options
from .origin import Origins
from .user import ANONYMOUS, InvalidTokenError, User, required_scopes
from .verifier import Verifier
from .verifier_chain import VerifierChain


def make_verifier(options: Options) -> Verifier:
    """Make the verifier that the options ask for: one way to verify a token, or several side by side.

    Raises:
        OptionsError: a key, a key set or the callable can't be used.
        MissingExtraError: JWT need the extra `jwt`.
    """
    tokens = jwt = verify = None
    if options.tokens is not None:
        from .api_token import ApiTokens

        tokens = ApiTokens(options.tokens)
    if options.jwt is not None:
        from .jwt_verifier import JwtVerifier

        jwt = JwtVerifier(options.jwt)
    if options.verify is not None:
        from .callback_verifier import CallbackVerifier

        verify = CallbackVerifier(options.verify, takes_names=not options.has_several_ways)
    if options.has_several_ways:
        return VerifierChain(tokens, jwt, verify)
    only = tokens or jwt or verify
    if only is None:  # the options are described, and nobody has validated them
        from .api_token import ApiTokens

        return ApiTokens({})
    return only


class Identity(NamedTuple):
    """A user, and for the anonymous one the challenge to answer with."""

    user: User
    challenge: Challenge | None = None


class Authentication:
    """Find the user of a request, and keep it for that request."""

    def __init__(self, options: Options) -> None:
        self._sources = Sources(options)
        self._origins = Origins(options)
        self._verify = make_verifier(options)
        self._realm = options.realm
        # An event while the first caller's token is verified.
        self._held: dict[bool, PrivateProperty[Identity | asyncio.Event | None]] = {
            upgrade: PrivateProperty("auth_identity", None) for upgrade in (False, True)
        }

    async def identity(self, request: Any, *, upgrade: bool = False) -> Identity:
        """Get the identity of a request; its token is verified once, however many callers wait.

        The first caller gets what the verifier raises; the next one starts the verification again.
        """
        slot = self._held[upgrade]
        while True:
            held = slot.get(request)
            if isinstance(held, Identity):
                return held
            if held is None:
                break
            await held.wait()
        found = self._identify(request, upgrade)
        if not isinstance(found, Identity):
            done = asyncio.Event()
            slot.set(request, done)
            try:
                found = await found
            except BaseException:
                slot.set(request, None)
                raise
            finally:
                done.set()
        slot.set(request, found)
        return found

    def hold(self, request: Any, identity: Identity) -> None:
        """Let `identity` return this one for a request, as for one that became a WebSocket."""
        self._held[False].set(request, identity)

    def _identify(self, request: Any, upgrade: bool) -> Identity | Awaitable[Identity]:
        try:
            credential = self._sources.read(request, upgrade=upgrade)
            if credential is None:
                return Identity(ANONYMOUS, MISSING)
            if credential.is_oversized:
                return Identity(ANONYMOUS, OVERSIZED)
            if credential.source == "cookie" and not self._origins.allow(request, upgrade=upgrade):
                return Identity(ANONYMOUS, FOREIGN)
            found = self._verify(credential.token, request)
        except AmbiguousRequestError as error:
            return Identity(ANONYMOUS, Challenge(400, "invalid_request", error.reason))
        except InvalidTokenError as error:
            return _invalid(error)
        return _settle(found) if inspect.isawaitable(found) else _identity(found)

    def require(self, identity: Identity, scopes: str | Iterable[str] = ()) -> User:
        """Return the user if the request is authenticated and has all scopes.

        Raises:
            HTTPError: 400, 401 or 403 with `WWW-Authenticate`, as RFC 6750, 3.1 says.
            TypeError: the scopes are not texts.
        """
        wanted = required_scopes(scopes)
        challenge = identity.challenge
        if challenge is None and not identity.user.scopes.issuperset(wanted):
            challenge = Challenge(403, "insufficient_scope", "the token does not allow this")
        if challenge is not None:
            raise challenge.answer(self._realm, wanted)
        return identity.user


async def _settle(found: Awaitable[User | None]) -> Identity:
    try:
        return _identity(await found)
    except InvalidTokenError as error:
        return _invalid(error)


def _identity(user: Any) -> Identity:
    if user is None or not user.is_authenticated:
        return Identity(ANONYMOUS, UNKNOWN)
    return Identity(user)


def _invalid(error: InvalidTokenError) -> Identity:
    return Identity(ANONYMOUS, Challenge(401, "invalid_token", error.reason))
