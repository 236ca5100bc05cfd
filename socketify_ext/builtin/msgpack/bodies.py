"""Bodies of requests, read as MessagePack."""

from __future__ import annotations

from typing import Any

from ...errors import HTTPError
from ...sdk.model import Validate, mismatch
from ...sdk.surface import Surface
from .decoder import Decode


def add_bodies(response: Surface, max_size: int | None, decode: Decode, validate: Validate) -> None:
    """Add `res.get_msgpack`."""

    @response.method
    async def get_msgpack(self: Any, Model: Any = None) -> Any:  # noqa: N803 - it is a class
        """Read the body as MessagePack, and return it as a `Model` if one is given.

        A model is whatever pydantic validates (its own models, dataclasses, TypedDicts, `list[int]`) or a msgspec
        Struct.

        Raises:
            HTTPError: 413, the body is larger than `max_size`, or than the route allows; 400, it is not MessagePack or beyond the limits, or
                the client left before its end; 422, it does not fit the model, with pydantic's details.
        """
        body = (await self.get_data(max_size)).getvalue()
        if self.aborted:
            raise HTTPError(400, "the client has left before the end of the body")
        if max_size is not None and len(body) > max_size:  # it was read before, without a limit
            raise HTTPError(413, f"the body is larger than {max_size} bytes")
        try:
            value = decode(body)
        except ValueError as error:
            raise HTTPError(400, f"the body can't be read as MessagePack: {error}") from None
        if Model is None:
            return value
        try:
            return validate(Model, value, len(body))
        except ValueError as error:
            raise mismatch(error) from None
