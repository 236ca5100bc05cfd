"""The options of `health`."""

from __future__ import annotations

import re
from typing import Final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

# A route that a prober can ask for: no parameters, no wildcard.
_PATH: Final = re.compile(r"/[^\s?#:*]*")


def _rejection(problem: str) -> PydanticCustomError:
    return PydanticCustomError("health", "{problem}", {"problem": problem})


class Options(BaseModel):
    """Options of `health`: where it is asked for, and when requests are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    livez: str | None = Field("/livez", description="the route that says that the process runs; None for no route")
    readyz: str | None = Field(
        "/readyz", description="the route that says that requests may be sent here; None for no route"
    )
    details: bool = Field(default=True, description="whether /readyz names the checks, and says which of them fail")
    timeout: PositiveFloat = Field(1.0, description="seconds after which a check that has not answered has failed")
    cache: NonNegativeFloat = Field(1.0, description="seconds for which the results of the checks are kept")
    close_delay: NonNegativeFloat = Field(
        0.0, description="seconds between the first 503 of /readyz and the end of listening, so that proxies can react"
    )
    max_lag: PositiveFloat | None = Field(
        None, description="seconds that the event loop may be behind before requests get a 503; None never refuses any"
    )
    sample: PositiveFloat = Field(0.1, description="seconds between two looks at the event loop's lag")
    retry_after: PositiveInt = Field(1, description="the Retry-After of a request that is refused, in seconds")

    @field_validator("livez", "readyz")
    @classmethod
    def _check_path(cls, value: str | None) -> str | None:
        if value is None or _PATH.fullmatch(value):
            return value
        raise _rejection(f'{value!r} is not a plain path; write it as in livez="/livez"')

    @model_validator(mode="after")
    def _check_paths(self) -> Options:
        if self.livez is not None and self.livez == self.readyz:
            raise _rejection("livez and readyz are one path; a process that is not ready would be restarted")
        return self
