"""`JwtVerifier`: JSON Web Tokens (RFC 7519), verified by PyJWT as RFC 8725 advises."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ... import errors
from ...errors import HTTPError
from . import key_source
from .options import JwtOptions, is_url
from .user import InvalidTokenError, User, is_identity, name_in

if TYPE_CHECKING:
    from pathlib import Path

    from .jwks import Jwks

_ALGORITHM: Final = "the token is signed by an algorithm that is not allowed here"
_MALFORMED: Final = "the token is malformed, or its signature is wrong"
# What the sender of a token learns of PyJWT's exceptions; any other looks like a wrong signature.
_REASONS: Final = {
    "ExpiredSignatureError": "the token has expired",
    "ImmatureSignatureError": "the token is not valid yet",
    "InvalidAudienceError": "the token is for another audience",
    "InvalidIssuerError": "the token is from another issuer",
    "InvalidAlgorithmError": _ALGORITHM,
    "InvalidSubjectError": "the token's subject, the claim sub, is not text",
}
_WHO: Final = "extension 'auth'"


class JwtVerifier:
    """Find users by the claims of a JSON Web Token.

    The options decide which key and which algorithms are valid. What a token itself says of keys (`jwk`, `jku`, `x5c`,
    `x5u`) is never looked at, and its `alg` and `kid` only pick among what the options allow.

    Raises:
        OptionsError: the key does not fit the algorithms, or the key set can't be read or has no key for them.
        MissingExtraError: PyJWT or cryptography is not installed.
    """

    def __init__(self, options: JwtOptions) -> None:
        for module in ("cryptography", "jwt"):
            errors.require_extra(module, "jwt", _WHO)
        import jwt

        self._jwt = jwt
        self._options = options
        required = ["exp", *(["aud"] if options.audience is not None else ())]
        required += ["iss"] if options.issuer is not None else ()
        self._decode = partial(
            self._jwt.decode,
            audience=options.audience,
            issuer=options.issuer,
            leeway=options.leeway,
            options={"require": required, "enforce_minimum_key_length": True},
        )
        self._keys = None if options.jwks is None else _jwks(options.jwks, options)
        self._own = None if options.key is None else self._prepared(options.key)

    def _prepared(self, key: str | bytes) -> Any:
        """Return the key in the form that all the algorithms take: they are of one family."""
        prepared: Any = None
        for name in self._options.algorithms:
            algorithm = self._jwt.get_algorithm_by_name(name)
            problem = None
            try:
                prepared = algorithm.prepare_key(key)
                prepared = prepared.public_key() if hasattr(prepared, "public_key") else prepared
                weakness = algorithm.check_key_length(prepared)
                problem = f"it is too short for {name} (RFC 7518, 3.2 and 3.3)" if weakness else None
            except (self._jwt.PyJWTError, ValueError, TypeError) as error:
                problem = f"it is not a key for {name} ({type(error).__name__})"
            if problem is not None:
                _refuse("jwt.key", problem)
        return prepared

    def __call__(self, token: str, _request: Any = None) -> User | Awaitable[User | None] | None:
        """Return the user of a token, or an awaitable of it where keys must be read first.

        Raises:
            InvalidTokenError: the token is not valid.
        """
        if self._keys is None:
            return self._user(token, self._own, self._options.algorithms)
        kid, algorithm = peek(token)
        if algorithm not in self._options.algorithms:
            raise InvalidTokenError(_ALGORITHM)
        key = self._keys.known(kid, algorithm)
        return self._later(self._keys, token, kid, algorithm) if key is None else self._user(token, key, [algorithm])

    async def _later(self, keys: Jwks, token: str, kid: str | None, algorithm: str) -> User | None:
        from .jwks import KeysUnavailableError

        try:
            key = await keys.find(kid, algorithm)
        except KeysUnavailableError:
            after = str(max(1, round(self._options.jwks_cooldown)))
            raise HTTPError(503, "tokens can't be verified for now", {"Retry-After": after}) from None
        if key is None:
            raise InvalidTokenError("the token is signed by an unknown key")
        return self._user(token, key, [algorithm])

    def _user(self, token: str, key: Any, algorithms: Sequence[str]) -> User:
        try:
            claims = self._decode(token, key, algorithms=algorithms)
        except self._jwt.exceptions.MissingRequiredClaimError as error:
            raise InvalidTokenError(f"the token has no claim {error.claim}") from None
        except self._jwt.PyJWTError as error:
            raise InvalidTokenError(_REASONS.get(type(error).__name__, _MALFORMED)) from None
        except (ValueError, OverflowError, RecursionError):
            raise InvalidTokenError(_MALFORMED) from None
        return User(self._identity(claims), claims, name=name_in(claims, self._options.name_claims))

    def _identity(self, claims: Mapping[str, Any]) -> str:
        claim = self._options.id_claim
        if claim not in claims:
            raise InvalidTokenError(f"the token has no claim {claim}")
        identity = claims[claim]
        if not is_identity(identity):
            raise InvalidTokenError(f"the token's claim {claim} is not text, or empty")
        return f"{claims['iss']} {identity}" if self._options.has_several_issuers else identity


def peek(token: str) -> tuple[str | None, Any]:
    """Read `kid` and `alg` of a token that is not verified; all they do is to pick one of the keys that count.

    Raises:
        InvalidTokenError: it has no header that could be read.
    """
    head = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        kid, algorithm = header.get("kid"), header.get("alg")
    except (ValueError, RecursionError, AttributeError):
        raise InvalidTokenError(_MALFORMED) from None
    if kid is not None and not isinstance(kid, str):
        raise InvalidTokenError(_MALFORMED)
    return kid, algorithm


def _jwks(location: str | Path, options: JwtOptions) -> Jwks:
    from .jwks import Jwks

    keys = Jwks(
        partial(key_source.read, location, options.jwks_timeout),
        options.algorithms,
        max_age=options.jwks_max_age,
        cooldown=options.jwks_cooldown,
        timeout=options.jwks_timeout,
    )
    if not is_url(location):  # a file is there before the server starts, an issuer may come up later
        problem = None
        try:
            keys.load()
        except (OSError, ValueError) as error:
            problem = str(getattr(error, "strerror", None) or error)  # without the location: it may be a URL, misspelt
        if problem is not None:
            _refuse("jwt.jwks", problem)
    return keys


def _refuse(option: str, why: str) -> Any:
    raise errors.OptionsError(
        _WHO, f"was given an unusable {option}", why, "See docs/auth.md, or `socketify-ext show auth`"
    )
