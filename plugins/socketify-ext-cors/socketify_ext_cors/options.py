"""The options of `cors`, checked against what browsers send and accept (Fetch standard, 3.3)."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeInt, model_validator
from pydantic_core import PydanticCustomError

ANY: Final = "*"
NULL: Final = "null"
SUBDOMAINS: Final = "://*."

# RFC 6454, 6.2: scheme, host and a port that is not the scheme's default; in lower case, as browsers send it. The host
# may begin with "*." for its subdomains, if it is no top-level domain.
_ORIGIN: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^\s/?#@*A-Z]+|\*\.(?:localhost|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+)(?::[0-9]+)?)", re.ASCII
)
_DEFAULT_PORT: Final = re.compile(r"http://.*:80|https://.*:443")
# RFC 6761, 6.4: nobody can have it, so a pattern that takes it takes anybody.
NOBODY: Final = "https://socketify-ext-cors.invalid"
# RFC 9110, 5.6.2.
TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def _rejection(problem: str) -> PydanticCustomError:
    return PydanticCustomError("cors", "{problem}", {"problem": problem})


def _origin(value: str) -> str:
    if value == NULL:
        raise _rejection(
            '"null" is the origin of every sandboxed frame, on whatever site; give ["*"] if anybody may read, or let '
            "the page have an origin of its own"
        )
    if value == ANY or (value.isascii() and _ORIGIN.fullmatch(value) and not _DEFAULT_PORT.fullmatch(value)):
        return value
    raise _rejection(
        f"{value!r} is not an origin as browsers send it; write scheme://host or scheme://host:port in lower case, "
        "without a path or the default port, https://*.app.example for subdomains, or a pattern as allow_origin_regex"
    )


def _header(value: str) -> str:
    if TOKEN.fullmatch(value):
        return value
    raise _rejection(f"{value!r} is not a header name; give one name for each item")


def _method(value: str) -> str:
    if value != ANY and TOKEN.fullmatch(value):
        return value.upper()
    raise _rejection(f'{value!r} is not a method; list them, as in allow_methods=["GET", "PUT"]')


Origin = Annotated[str, AfterValidator(_origin)]
HeaderName = Annotated[str, AfterValidator(_header)]
Method = Annotated[str, AfterValidator(_method)]
RouteOrigins = Literal[False] | tuple[Origin, ...]
"""What a route says of itself: the origins that may read it, in place of the app's; or nobody."""


class Options(BaseModel):
    """Options of `cors`: which origins may do what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_origins: tuple[Origin, ...] = Field(
        (), description='exact origins, as in ["https://app.example"], "https://*.app.example", or ["*"] for anybody'
    )
    allow_origin_regex: re.Pattern[str] | None = Field(
        None, description="allows the origins that it matches as a whole, beside allow_origins"
    )
    allow_methods: tuple[Method, ...] = Field(
        ("GET", "HEAD", "POST"), description="methods that a preflight may ask for"
    )
    allow_headers: tuple[HeaderName, ...] = Field(
        (), description='request headers beside the safelisted ones, or ["*"] for those that are asked for'
    )
    expose_headers: tuple[HeaderName, ...] = Field((), description='response headers that scripts may read, or ["*"]')
    allow_credentials: bool = Field(
        default=False, description="whether cookies, TLS certificates and Authorization may come along"
    )
    allow_private_network: bool = Field(
        default=False, description="whether pages of the public network may reach this server in a private one"
    )
    max_age: NonNegativeInt | None = Field(
        600, description="seconds that browsers may keep a preflight's answer; None for their default"
    )

    @model_validator(mode="after")
    def _agree(self) -> Options:
        if not self.allow_origins and self.allow_origin_regex is None:
            raise _rejection('nobody is allowed; give allow_origins=["https://app.example"], or ["*"] for anybody')
        for name in ("allow_origins", "allow_headers", "expose_headers"):
            values = getattr(self, name)
            if ANY in values and len(values) > 1:
                raise _rejection(f'{name} holds "*" and more; "*" allows all of them, so give ["*"] alone')
        if ANY in self.allow_origins and self.allow_origin_regex is not None:
            raise _rejection('allow_origins=["*"] allows anybody; leave allow_origin_regex out, or list the origins')
        if self.allow_credentials and self.allow_origin_regex is not None and self.allow_origin_regex.fullmatch(NOBODY):
            raise _rejection(
                f"allow_origin_regex={self.allow_origin_regex.pattern!r} matches any site, which can't be had with "
                'allow_credentials; name your own, as in allow_origin_regex=r"https://\\w+\\.app\\.example"'
            )
        if self.allow_credentials:
            # Fetch standard, 3.3.5: in the answer to a request with credentials, "*" stands for itself.
            for name, example in (("allow_origins", "https://app.example"), ("expose_headers", "X-Total")):
                if ANY in getattr(self, name):
                    raise _rejection(
                        f'{name}=["*"] can\'t be had with allow_credentials: the Fetch standard forbids it, and browsers '
                        f'refuse the answer; list them, as in {name}=["{example}"], or leave allow_credentials out'
                    )
        return self
