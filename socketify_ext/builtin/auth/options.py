"""Options of `auth`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from .user import is_identity

Algorithm = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
_PORTS: Final = {"http": ":80", "https": ":443"}
_NAME_ONLY: Final = object()  # a user whose name is the identity, and that no other token may have
_LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "[::1]"))
# RFC 3986 without what is no part of the place of a key set; the rest of a password would stand behind an @.
_URL: Final = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?(?:[/?][!\"$-?A-~]*)?")


def is_url(location: str | Path) -> bool:
    """Check whether a location is a URL, not a path."""
    return "://" in str(location)


def _location(location: str | Path) -> str | Path:
    if is_url(location):
        parts = _URL.fullmatch(str(location))
        if parts is None or (parts[1] == "http" and parts[2] not in _LOOPBACK):
            raise PydanticCustomError(
                "jwks_url",
                "give a path or an https URL without user, password and fragment, as in https://issuer.example/keys; "
                "an attacker on the way could replace the keys in plain http",
            )
    return location


def _origin(origin: str) -> str:
    """Check that an origin is written as browsers write it (RFC 6454, 6.2), since only then it ever matches."""
    parts = urlsplit(origin)
    host = parts.netloc
    if (
        parts.scheme not in _PORTS
        or origin.lower() != f"{parts.scheme}://{host}".lower()
        or not host
        or host.endswith(_PORTS[parts.scheme])
        or set("*@") & set(host)
    ):
        raise PydanticCustomError(
            "origin",
            'give a scheme, a host and a port unless it is the scheme\'s own, as in "https://app.example:8443"; '
            "no path, no wildcard",
        )
    return origin.lower()


def _tokens(tokens: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    if not all(token.strip() == token and token for token in tokens):
        raise PydanticCustomError("token", "a token is not empty, and has no spaces around it")
    names: dict[str, Any] = {}
    for user in tokens.values():
        identity: Any = user.get("id", user.get("name"))
        if not is_identity(identity):
            raise PydanticCustomError("name", 'each user of tokens needs a name or an "id", texts that are not empty')
        name = user.get("name")
        if identity in names and ("id" not in user or names[identity] != name):
            raise PydanticCustomError(
                "same_id",
                'two tokens have one identity: give each person an "id" of their own, as in {"id": "7", "name": "Ann"}, '
                'and the same "id" and "name" to all tokens of one person',
            )
        names[identity] = name if "id" in user else _NAME_ONLY
    return tokens


class JwtOptions(BaseModel):
    """How to verify JSON Web Tokens (RFC 7519): with one key, or with the set of keys that an issuer publishes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key: str | bytes | None = Field(None, description="the shared secret, or the public key as PEM", repr=False)
    jwks: Annotated[str | Path, AfterValidator(_location)] | None = Field(
        None, description="path or https URL of a JSON Web Key Set (RFC 7517), instead of key", repr=False
    )
    algorithms: tuple[Algorithm, ...] = Field(
        min_length=1, description='the only algorithms that count, as in ["HS256"]; the token has no say'
    )
    audience: str | tuple[str, ...] | None = Field(None, description="who a token must be for: its claim `aud`")
    issuer: str | tuple[str, ...] | None = Field(None, description="who it must be from: its claim `iss`")
    leeway: float = Field(0, ge=0, allow_inf_nan=False, description="seconds by which clocks may differ")
    id_claim: str = Field(
        "sub", min_length=1, description="the claim that is the identity: no two users may have the same, ever"
    )
    name_claims: tuple[str, ...] = Field(
        ("name",), description="claims that may name the user for show, in order; the identity where none is there"
    )
    jwks_max_age: float = Field(
        600, gt=0, allow_inf_nan=False, description="seconds until the key set is read again, behind the requests"
    )
    jwks_cooldown: float = Field(
        30, ge=0, allow_inf_nan=False, description="least seconds between two reads, whatever tokens come"
    )
    jwks_timeout: float = Field(5, gt=0, le=3600, description="seconds that a read may take, all in all")

    @model_validator(mode="after")
    def _one_source(self) -> JwtOptions:
        if (self.key is None) == (self.jwks is None):
            raise PydanticCustomError("one_source", "give either key=... or jwks=path or URL")
        if not isinstance(self.issuer, str) and any(" " in each for each in self.issuer or ()):
            raise PydanticCustomError(
                "issuer", "several issuers are no texts with spaces: one ends the issuer in an id"
            )
        return self

    @property
    def has_several_issuers(self) -> bool:
        """Whether an identity is one only together with its issuer (RFC 7519, 4.1.2)."""
        return not isinstance(self.issuer, (str, type(None))) and len(self.issuer) > 1


class Options(BaseModel):
    """Options of `auth`: how a token is verified, in one way or several, and where tokens stand."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    tokens: Annotated[dict[str, dict[str, Any]], AfterValidator(_tokens)] | None = Field(
        None, description='users by token, as in {"secret": {"name": "Test"}}; they are asked first', repr=False
    )
    jwt: JwtOptions | None = Field(
        None, description='JSON Web Tokens, as in {"key": "...", "algorithms": ["HS256"]} (extra `jwt`); asked next'
    )
    verify: Callable[..., Any] | None = Field(
        None,
        description="verify(token) or verify(token, request), sync or async: a mapping with an id or a name, or None; "
        "asked last",
    )
    header: str = Field("token", min_length=1, description="the header that is read after Authorization")
    cookie: str | None = Field(None, min_length=1, description="the cookie that is read next; none by default")
    query: str | None = Field(
        "token", min_length=1, description="the query parameter that is read last, by upgrade_authenticated alone"
    )
    origins: tuple[Annotated[str, AfterValidator(_origin)], ...] | None = Field(
        None, description="pages from which a cookie counts; by default those of the requested host"
    )
    realm: str = Field(
        "api", pattern=r"^[ !#-\[\]-~]+$", description="what 401 answers call the protected space (RFC 9110, 11.5)"
    )

    @property
    def has_several_ways(self) -> bool:
        """Whether tokens are verified in more than one way."""
        return [self.tokens, self.jwt, self.verify].count(None) < 2

    @model_validator(mode="after")
    def _ways(self) -> Options:
        if self.tokens is None and self.jwt is None and self.verify is None:
            raise PydanticCustomError(
                "no_way",
                'give tokens={"secret": {"name": "Test"}}, jwt={"key": "...", "algorithms": ["HS256"]} '
                "or verify=callable(token); accepting any token is not authentication",
            )
        if self.has_several_ways and not all("id" in user for user in (self.tokens or {}).values()):
            raise PydanticCustomError(
                "named_only",
                'beside jwt or verify each user of tokens needs an "id", as in {"id": "7", "name": "Ann"}: '
                "a name could be the identity of somebody else there",
            )
        return self
