"""The options of `metrics`."""

from __future__ import annotations

import math
import re
from typing import Annotated, Final

from prometheus_client import Histogram
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

# A route that Prometheus can ask for: no parameters, no wildcard.
_PATH: Final = re.compile(r"/[^\s?#:*]*")
# https://prometheus.io/docs/concepts/data_model/, without the colons that are kept for recording rules.
_PREFIX: Final = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)?")


def _path(value: str) -> str:
    if _PATH.fullmatch(value):
        return value
    raise PydanticCustomError("metrics", '{value} is no plain path; write it as in path="/metrics"', {"value": value})


def _prefix(value: str) -> str:
    if _PREFIX.fullmatch(value):
        return value
    raise PydanticCustomError("metrics", "{value} can't begin a metric's name; use letters and _", {"value": value})


def _buckets(value: tuple[float, ...]) -> tuple[float, ...]:
    if value and all(0 < bound < math.inf for bound in value) and list(value) == sorted(set(value)):
        return value
    raise PydanticCustomError("metrics", "buckets are seconds, each more than the one before", {})


class Options(BaseModel):
    """Options of `metrics`: where they are shown, and how they are called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[str, AfterValidator(_path)] | None = Field(
        "/metrics", description="the route that shows the metrics; None for no route"
    )
    prefix: Annotated[str, AfterValidator(_prefix)] = Field(
        "", description='begins the name of each metric, as in "shop_"'
    )
    buckets: Annotated[tuple[float, ...], AfterValidator(_buckets)] = Field(
        tuple(bound for bound in Histogram.DEFAULT_BUCKETS if bound < math.inf),
        description="upper bounds of the latency histogram, in seconds",
    )
