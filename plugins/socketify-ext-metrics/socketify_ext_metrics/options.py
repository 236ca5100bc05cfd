"""The options of `metrics`."""

from __future__ import annotations

import math
import re
from typing import Final

from prometheus_client import Histogram
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

# A route that Prometheus can ask for: no parameters, no wildcard.
_PATH: Final = re.compile(r"/[^\s?#:*]*")
# https://prometheus.io/docs/concepts/data_model/, without the colons that are kept for recording rules.
_PREFIX: Final = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)?")


def _rejection(problem: str) -> PydanticCustomError:
    return PydanticCustomError("metrics", "{problem}", {"problem": problem})


class Options(BaseModel):
    """Options of `metrics`: where they are shown, and how they are called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = Field("/metrics", description="the route that shows the metrics; None for no route")
    prefix: str = Field("", description='begins the name of each metric, as in "shop_"')
    buckets: tuple[float, ...] = Field(
        tuple(bound for bound in Histogram.DEFAULT_BUCKETS if bound < math.inf),
        description="upper bounds of the latency histogram, in seconds",
    )

    @field_validator("path")
    @classmethod
    def _check_path(cls, value: str | None) -> str | None:
        if value is None or _PATH.fullmatch(value):
            return value
        raise _rejection(f'{value!r} is not a plain path; write it as in path="/metrics"')

    @field_validator("prefix")
    @classmethod
    def _check_prefix(cls, value: str) -> str:
        if _PREFIX.fullmatch(value):
            return value
        raise _rejection(f"{value!r} can't begin a metric's name; use letters and _")

    @field_validator("buckets")
    @classmethod
    def _check_buckets(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if value and all(0 < bound < math.inf for bound in value) and list(value) == sorted(set(value)):
            return value
        raise _rejection("they are seconds, each more than the one before")
