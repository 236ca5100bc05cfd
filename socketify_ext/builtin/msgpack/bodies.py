"""Bodies of requests, read as MessagePack."""

from __future__ import annotations

from typing import Any

from ...errors import HTTPError
from ...sdk.body import check_content_type, read_body
from ...sdk.model import fit
from ...sdk.surface import Surface
from .decoder import Decode
from .options import NAMES


def add_bodies(response: Surface, content_type: str, max_size: int | None, decode: Decode) -> None:
    """Add `res.get_msgpack`."""
    accepted = tuple(dict.fromkeys((content_type, *NAMES)))

    @response.method
    async def get_msgpack(self: Any, Model: Any = None) -> Any:  # noqa: N803 - it is a class
        """Read the body as MessagePack, and return it as a `Model` if one is given.

        A model is whatever pydantic validates (its own models, dataclasses, TypedDicts, `list[int]`) or a msgspec
        Struct.

        Raises:
            HTTPError: 415, it has another Content-Type; 413, the body is larger than `max_size`, or than the route allows;
                400, it is not MessagePack or beyond the limits, or the client left before its end; 422, it does not fit
                the model, with pydantic's details.
        """
        check_content_type(self.request, accepted)
        body = await read_body(self, max_size)
        try:
            value = decode(body)
        except ValueError as error:
            raise HTTPError(400, f"the body can't be read as MessagePack: {error}") from None
        return value if Model is None else fit(Model, value, len(body))
