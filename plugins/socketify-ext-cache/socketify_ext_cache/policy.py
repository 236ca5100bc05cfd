"""What the route option `cache=` takes."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")


def _name(name: str) -> str:
    lower = name.lower()
    if _TOKEN.fullmatch(lower) is None:
        raise PydanticCustomError("header", 'give names of headers, as in ["accept-language"]')
    return lower


class Policy(BaseModel):
    """How long the answers of a route are kept, and what tells them apart beside the path and the query.

    Attributes:
        seconds: how long.
        vary: names of the request's headers that answers depend on. By default all that may matter: see `key.py`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(gt=0, allow_inf_nan=False, le=31_536_000)
    vary: tuple[Annotated[str, AfterValidator(_name)], ...] | None = None


def _from_number(value: Any) -> Any:
    return {"seconds": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value


CacheOption = Annotated[Policy, BeforeValidator(_from_number)]
"""A number of seconds, or a mapping of a policy's parts."""
