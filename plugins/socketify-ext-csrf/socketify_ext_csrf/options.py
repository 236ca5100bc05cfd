"""The options of `csrf`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator
from pydantic_core import PydanticCustomError

from socketify_ext.stores import check_secret, secret_list

Identify = Callable[[Any, Any], "str | Awaitable[str | None] | None"]

# RFC 6454, 6.2, as browsers write it: scheme, host and a port that is not the scheme's default, in lower case.
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@*A-Z]+", re.ASCII)
_DEFAULT_PORT: Final = re.compile(r"http://.*:80|https://.*:443")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2


def _rejection(problem: str) -> PydanticCustomError:
    return PydanticCustomError("csrf", "{problem}", {"problem": problem})


def _origin(value: str) -> str:
    if value.isascii() and _ORIGIN.fullmatch(value) and not _DEFAULT_PORT.fullmatch(value):
        return value
    raise _rejection(
        f"{value!r} is not an origin as browsers send it; write scheme://host or scheme://host:port in lower case, "
        "without a path or the default port"
    )


class Options(BaseModel):
    """Options of `csrf`: which pages may change something, and whether a token is asked for too."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    trusted_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        (), description='other origins whose pages may send requests, as in ["https://app.example"]'
    )
    secret: str | list[str] | None = Field(
        None,
        description="signs tokens, which are asked for where it is given; a list to change it, newest first",
        repr=False,
    )
    bind: Literal["user"] | Identify | None = Field(
        None, description='whose a token is: "user" for req.get_user(), or what bind(res, req) returns'
    )
    header: str = Field("X-CSRF-Token", description="the request header that has the token")
    field: str = Field("csrf_token", min_length=1, description="the field of an urlencoded form that has it otherwise")
    max_age: PositiveInt = Field(24 * 3600, description="seconds for which a token counts")
    cookie: str = Field("csrf", pattern="^[A-Za-z0-9_-]{1,64}$", description="name of the cookie")
    cookie_secure: bool = Field(
        default=True, description="cookie over HTTPS only, named __Host-...; False for plain HTTP while you develop"
    )

    _check_secret = field_validator("secret")(check_secret)

    @field_validator("header")
    @classmethod
    def _check_header(cls, value: str) -> str:
        if _TOKEN.fullmatch(value):
            return value
        raise _rejection(f"{value!r} is not a header name")

    @model_validator(mode="after")
    def _check_bind(self) -> Options:
        if self.bind is not None and self.secret is None:
            raise _rejection("bind is for tokens, and there are none; give secret=, too")
        return self

    @property
    def secrets(self) -> list[str]:
        """Return the secrets, the newest first."""
        return secret_list(self.secret)
