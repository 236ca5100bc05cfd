"""JSON Web Tokens (RFC 7519), verified by PyJWT as RFC 8725 advises."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ... import errors
from ...http_error import HTTPError
from . import key_source
from .options import JwtOptions, is_url
from .user import User, name_in
from .verifier import Found, InvalidTokenError

if TYPE_CHECKING:
    from types import ModuleType

    from .key_set import KeySet

_WHO: Final = "extension 'auth'"


def _import_jwt() -> ModuleType:
    try:
        import cryptography
        import jwt
    except ImportError:
        raise errors.InstallError(
            _WHO,
            "can't verify JSON Web Tokens",
            "PyJWT or cryptography is not installed",
            'Install the extra: pip install "socketify-ext[jwt]"',
        ) from None
    _ = cryptography
    return jwt


class WebTokens:
    """Know users by the claims of a JSON Web Token.

    The options say which key and which algorithms count. What a token itself says of keys (`jwk`, `jku`, `x5c`,
    `x5u`) is never looked at, and its `alg` and `kid` only pick among what the options allow.

    Raises:
        OptionsError: the key does not fit the algorithms, or the key set can't be read or has no key for them.
        InstallError: PyJWT is not installed.
    """

    def __init__(self, options: JwtOptions) -> None:
        self._jwt = _import_jwt()
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
        self._keys = None if options.jwks is None else _key_set(options)
        self._own = None if options.key is None else self._prepared(options.key)

    def _prepared(self, key: str | bytes) -> Mapping[str, Any]:
        """Give the key as each algorithm takes it."""
        prepared: dict[str, Any] = {}
        for name in self._options.algorithms:
            algorithm = self._jwt.get_algorithm_by_name(name)
            try:
                found = algorithm.prepare_key(key)
                found = found.public_key() if hasattr(found, "public_key") else found
                weakness = algorithm.check_key_length(found)
            except (self._jwt.PyJWTError, ValueError, TypeError) as error:
                _refuse("jwt.key", f"it is no key for {name} ({type(error).__name__})")
            if weakness:
                _refuse("jwt.key", f"it is too short for {name} (RFC 7518, 3.2 and 3.3)")
            prepared[name] = found
        return prepared

    def __call__(self, token: str, _request: Any = None) -> Found | Awaitable[Found]:
        """Give the user of a token; something to await where keys must be read first.

        Raises:
            InvalidTokenError: whatever is wrong with it.
        """
        kid, algorithm = self._header(token)
        if self._own is not None:
            return self._user(token, self._own[algorithm], algorithm)
        assert self._keys is not None  # noqa: S101 - the options have one of the two
        key = self._keys.known(kid, algorithm)
        return self._later(token, kid, algorithm) if key is None else self._user(token, key, algorithm)

    def _header(self, token: str) -> tuple[str | None, str]:
        try:
            header = self._jwt.get_unverified_header(token)
        except (self._jwt.PyJWTError, ValueError, RecursionError):
            raise InvalidTokenError("the token is malformed") from None
        algorithm = header.get("alg")
        if algorithm not in self._options.algorithms:
            raise InvalidTokenError("the token is signed by an algorithm that does not count here")
        return header.get("kid"), algorithm

    async def _later(self, token: str, kid: str | None, algorithm: str) -> Found:
        from .key_set import KeysUnavailableError

        assert self._keys is not None  # noqa: S101 - as above
        try:
            key = await self._keys.find(kid, algorithm)
        except KeysUnavailableError:
            after = str(max(1, round(self._options.jwks_cooldown)))
            raise HTTPError(503, "tokens can't be verified for now", {"Retry-After": after}) from None
        if key is None:
            raise InvalidTokenError("the token is signed by an unknown key")
        return self._user(token, key, algorithm)

    def _user(self, token: str, key: Any, algorithm: str) -> User:
        exceptions = self._jwt.exceptions
        try:
            claims = self._decode(token, key, algorithms=[algorithm])
            name = name_in(claims, self._options.name_claims)
            if name is not None:
                return User(name, claims)
        except exceptions.ExpiredSignatureError:
            raise InvalidTokenError("the token has expired") from None
        except exceptions.ImmatureSignatureError:
            raise InvalidTokenError("the token is not valid yet") from None
        except exceptions.InvalidAudienceError:
            raise InvalidTokenError("the token is for another audience") from None
        except exceptions.InvalidIssuerError:
            raise InvalidTokenError("the token is from another issuer") from None
        except exceptions.MissingRequiredClaimError as error:
            raise InvalidTokenError(f"the token has no claim {error.claim}") from None
        except (exceptions.PyJWTError, ValueError, OverflowError, RecursionError):
            raise InvalidTokenError("the token is malformed, or its signature is wrong") from None
        raise InvalidTokenError("the token names no user")


def _key_set(options: JwtOptions) -> KeySet:
    from .key_set import KeySet

    location = options.jwks
    assert location is not None  # noqa: S101 - who calls has looked
    keys = KeySet(
        partial(key_source.read, location, options.jwks_timeout),
        options.algorithms,
        max_age=options.jwks_max_age,
        cooldown=options.jwks_cooldown,
        timeout=options.jwks_timeout,
    )
    if not is_url(location):  # a file is there before the server starts, an issuer may come up later
        try:
            keys.load()
        except (OSError, ValueError) as error:
            _refuse("jwt.jwks", str(error))
    return keys


def _refuse(option: str, why: str) -> Any:
    raise errors.OptionsError(
        _WHO, f"was given an unusable {option}", why, "See docs/auth.md, or `socketify-ext show auth`"
    )
