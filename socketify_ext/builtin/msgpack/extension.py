"""The extension `msgpack` and its members."""

from __future__ import annotations

from ...sdk.declaration import extension
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
    decode = make_decoder(options.max_depth)
    add_answers(response, options.content_type, encode)
    add_bodies(response, options.content_type, options.max_size, decode)
    add_messages(ws, options.max_size, encode, decode)
