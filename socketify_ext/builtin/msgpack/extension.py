"""The members of `msgpack`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from ...declaration import extension
from ...http_error import HTTPError
from ...surface import Surface
from ..json import make_dump
from .decoder import make_decoder
from .encoder import make_encoder
from .model import make_validate, mismatch
from .negotiation import choose

CONTENT_TYPE: Final = "application/msgpack"
JSON: Final = "application/json"
ALIASES: Final = (CONTENT_TYPE, "application/x-msgpack", "application/vnd.msgpack")


class Options(BaseModel):
    """Options of `msgpack`."""

    model_config = ConfigDict(frozen=True)

    content_type: str = Field(CONTENT_TYPE, description="the Content-Type of answers")
    max_size: int = Field(1024 * 1024, ge=1, description="bytes of a body or a message that is decoded, at most")
    max_depth: int = Field(100, ge=1, le=512, description="arrays and maps within each other, at most, when decoding")
    fast: bool = Field(True, description="let msgspec encode where it is installed; it can't send a msgpack.ExtType")


@extension("msgpack", options=Options)
def msgpack(request: Surface, response: Surface, ws: Surface, *, options: Options) -> None:
    """Answer, read and send MessagePack: `res.msgpack(value)`, `await res.get_msgpack(Model)`, `res.negotiate(value)`."""
    content_type = options.content_type.encode()
    encode, encode_json = make_encoder(fast=options.fast), make_dump()
    decode, validate = make_decoder(options.max_depth), make_validate()
    offers = tuple(dict.fromkeys((JSON, options.content_type.lower(), *ALIASES)))

    @lru_cache(maxsize=256)
    def chosen(accept: str | None) -> str | None:
        return choose(accept, offers)

    @response.method
    def msgpack(self: Any, value: Any, status: int = 200) -> Any:
        """Answer with `value` as MessagePack.

        Raises:
            TypeError, ValueError, OverflowError: it can't be encoded; nothing was written.
        """
        data = encode(value)
        if status != 200:
            self.write_status(status)
        return self.send(data, content_type)

    @response.method
    async def get_msgpack(self: Any, Model: type[Any] | None = None) -> Any:  # noqa: N803 - it is a class
        """Read the body as MessagePack.

        Args:
            Model: what the value must fit, and is given as: a pydantic model, a dataclass or anything else that
                pydantic validates, or a msgspec Struct. Without one the value is given as it is.

        Raises:
            HTTPError: 413, the body is larger than `max_size`; 400, it is no MessagePack or beyond the limits, or
                the client left before its end; 422, it does not fit the model, with pydantic's details.
        """
        body = (await self.get_data(options.max_size)).getvalue()
        if self.aborted:
            raise HTTPError(400, "the client has left before the end of the body")
        if len(body) > options.max_size:  # it was read before, without a limit
            raise HTTPError(413, f"the body is larger than {options.max_size} bytes")
        try:
            value = decode(body)
        except ValueError as error:
            raise HTTPError(400, f"the body can't be read as MessagePack: {error}") from None
        if Model is None:
            return value
        try:
            return validate(Model, value)
        except ValueError as error:
            raise mismatch(error) from None

    @response.method
    def negotiate(self: Any, value: Any, status: int = 200) -> Any:
        """Answer with `value` as JSON or MessagePack, whichever the client's `Accept` prefers; JSON where it does not.

        Raises:
            HTTPError: 406, the client accepts neither.
            TypeError, ValueError, OverflowError: the value can't be encoded; nothing was written.
        """
        asking = self._request  # noqa: SLF001 - the runtime puts it on each response, stock or not
        kind = chosen(asking.get_header("accept"))
        if kind is None:
            raise HTTPError(406, {"available": [JSON, options.content_type]}, {"Vary": "Accept"})
        data = encode_json(value) if kind == JSON else encode(value)
        if status != 200:
            self.write_status(status)
        return self.write_header(b"Vary", b"Accept").write_header(b"Content-Type", kind).end(data)

    @ws.method
    def send_msgpack(self: Any, value: Any, compress: bool = False) -> Any:
        """Send `value` as a binary message of MessagePack; gives what `send` gives.

        Raises:
            TypeError, ValueError, OverflowError: it can't be encoded; nothing was sent.
            ConnectionClosedError: the connection is gone.
        """
        return self.send(encode(value), compress=compress)

    @ws.method
    def unpack(self: Any, message: bytes, Model: type[Any] | None = None) -> Any:  # noqa: N803 - it is a class
        """Read a binary message as MessagePack.

        Args:
            message: what the message event was given.
            Model: as in `get_msgpack`.

        Raises:
            ValueError: it is text, larger than `max_size`, no MessagePack or beyond the limits, or does not fit the
                model (pydantic's and msgspec's ValidationError are ValueErrors).
        """
        if not isinstance(message, bytes):
            raise ValueError("the message is text; MessagePack comes in binary messages")  # noqa: TRY004 - a client's
        if len(message) > options.max_size:
            raise ValueError(f"the message is larger than {options.max_size} bytes")
        value = decode(message)
        return value if Model is None else validate(Model, value)
