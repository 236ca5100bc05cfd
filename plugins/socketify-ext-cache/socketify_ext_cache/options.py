"""The options of `cache`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from socketify_ext import errors
from socketify_ext.stores import open_store


def _store(url: str) -> str:
    try:
        open_store(url)
    except errors.StoreAddressError as error:
        raise PydanticCustomError("store", "{why}", {"why": error.why}) from None
    except errors.MissingExtraError:  # told when the extension is registered
        pass
    return url


class Options(BaseModel):
    """Options of `cache`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    store: Annotated[str, AfterValidator(_store)] = Field(
        "memory://", description="where answers are kept: `memory://`, `sqlite:///file` or `redis://`", repr=False
    )
    prefix: str = Field(
        "cache", min_length=1, max_length=100, description="what keys begin with; one for each app that shares a store"
    )
    max_size: int = Field(1024 * 1024, ge=1, description="bytes of an answer's body; a larger one is not kept")
