"""The extension `msgpack` and its members."""

from __future__ import annotations

from ...sdk.declaration import extension
from ...sdk.model import make_validate
from ...sdk.surface import Surface
from .answers import add_answers
from .bodies import add_bodies
from .decoder import make_decoder
from .encoder import make_encoder
from .messages import add_messages
from .options import Options


@extension("msgpack", options=Options)
def msgpack(request: Surface, response: Surface, ws: Surface, *, options: Options) -> None:
    """Answer, read and send MessagePack: `res.msgpack(value)`, `await res.get_msgpack(Model)`, `res.negotiate(value)`."""
    encode = make_encoder(fast=options.fast)
    decode, validate = make_decoder(options.max_depth), make_validate()
    add_answers(response, options.content_type, encode)
    add_bodies(response, options.max_size, decode, validate)
    add_messages(ws, options.max_size, encode, decode, validate)
