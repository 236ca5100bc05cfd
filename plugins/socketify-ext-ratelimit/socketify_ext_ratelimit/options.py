"""The options of `ratelimit`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final, Literal

import limits
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    model_validator,
)
from pydantic_core import PydanticCustomError

from socketify_ext.stores.url import parse_url

MEMORY: Final = "memory://"

Key = Callable[[Any, Any], "str | Awaitable[str | None] | None"]

# What a structured-field string can hold (RFC 9651, 3.3.3) without escapes, since the prefix names a limit in headers.
_PREFIX: Final = re.compile(r"/|(/[!#-)+-9;-Z\[\]-~][!#-)+-.0-9;-Z\[\]-~]*)+")
_STORES: Final = ("memory", "redis", "rediss", "valkey", "valkeys", "unix")


def _rejection(problem: str) -> PydanticCustomError:
    return PydanticCustomError("ratelimit", "{problem}", {"problem": problem})


def _limits(value: Mapping[str, str]) -> Mapping[str, str]:
    for prefix, rate in value.items():
        if not _PREFIX.fullmatch(prefix):
            raise _rejection(f'{prefix!r} is not a path prefix; write whole segments without parameters, as in "/api"')
        _rate(rate)
    return value


def _rate(rate: str) -> str:
    try:
        items = limits.parse_many(rate)
    except ValueError:
        items = []
    if not items or any(item.amount < 1 or item.get_expiry() < 1 for item in items):
        raise _rejection(f'{rate!r} is not a rate; write it as in "100/minute" or "5/second; 1000/day"')
    return rate


RouteRate = Literal[False] | Annotated[str, AfterValidator(_rate)]
"""What a route says of itself: a limit beside those of its path, or none at all."""


def _store(value: SecretStr) -> SecretStr:
    parse_url(value.get_secret_value(), _STORES)
    return value


class Options(BaseModel):
    """Options of `ratelimit`: who may ask how often for what."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    limits: Annotated[Mapping[str, str], AfterValidator(_limits)] = Field(
        {}, description='rates by path prefix, as in {"/": "100/minute", "/login": "5/minute; 20/hour"}'
    )
    key: Literal["address", "user"] | Key = Field(
        "address",
        description="who is counted: the client's address, the user where one is known, or what key(res, req) gives",
    )
    store: Annotated[SecretStr, AfterValidator(_store)] = Field(
        SecretStr(MEMORY),
        repr=False,
        description='where the counts are: "memory://", "redis://host:6379/0", "valkey://..." or "unix://..."',
    )
    strategy: Literal["fixed-window", "moving-window", "sliding-window-counter"] = Field(
        "fixed-window", description="how requests are counted; the second is exact, and keeps each request"
    )
    max_entries: PositiveInt = Field(
        50_000, description="counts that are kept in memory for each limit, one a client; moving-window: one a request"
    )
    fail: Literal["open", "closed"] = Field(
        "open", description="whether requests pass or get 503 while the store is away"
    )
    timeout: PositiveFloat = Field(0.5, description="seconds until a store that does not answer counts as away")
    proxies: NonNegativeInt = Field(
        0, description="how many proxies of yours are in front and add to X-Forwarded-For; 0 leaves it unread"
    )
    ipv6_network: int = Field(
        64, ge=32, le=128, description="how many bits of an IPv6 address tell clients apart; one has many addresses"
    )
    prefix: str = Field("socketify-ext-ratelimit", min_length=1, description="begins the keys in the store")

    @model_validator(mode="after")
    def _check_room(self) -> Options:
        if self.strategy == "moving-window" and self.store.get_secret_value() == MEMORY:
            for rate in self.limits.values():
                if any(item.amount > self.max_entries for item in limits.parse_many(rate)):
                    raise _rejection(
                        f"{rate!r} as a moving-window keeps more requests of one client than "
                        f"max_entries={self.max_entries}; raise that, or take another strategy"
                    )
        return self
