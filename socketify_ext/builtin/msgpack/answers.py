"""Answers: MessagePack, or what the client prefers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ...errors import HTTPError
from ...sdk.surface import Surface
from ..json import make_dump
from .encoder import Encode
from .negotiation import choose
from .options import NAMES

if TYPE_CHECKING:
    from socketify_ext import Response

JSON: Final = "application/json"


def add_answers(response: Surface, content_type: str, encode: Encode) -> None:
    """Add `res.msgpack` and `res.negotiate`."""
    kind, encode_json = content_type.encode(), make_dump()
    offers = tuple(dict.fromkeys((JSON, content_type, *NAMES)))

    @lru_cache(maxsize=256)
    def chosen(accept: str) -> str | None:
        return choose(accept, offers)

    @response.method
    def msgpack(self: Response, value: Any, status: int = 200) -> Response:
        """Answer with `value` as MessagePack.

        Raises:
            TypeError, ValueError, OverflowError: it can't be encoded; nothing was written.
        """
        data = encode(value)
        if status != 200:
            self.write_status(status)
        return self.send(data, kind)

    @response.method
    def negotiate(self: Response, value: Any, status: int = 200) -> Response:
        """Answer with `value` as JSON or MessagePack, whichever the client's `Accept` prefers; JSON where it does not.

        The answer's `Vary` names `Accept`. JSON is written by the rules of every answer, which are those of
        MessagePack but for datetimes, bytes, NaN and keys.

        Raises:
            HTTPError: 406, the client accepts neither.
            TypeError, ValueError, OverflowError: the value can't be encoded; nothing was written.
        """
        request: Any = self.request
        wanted = chosen(", ".join(request.get_header_lines("accept")))
        if wanted is None:
            raise HTTPError(406, {"available": [JSON, content_type]}, {"Vary": "Accept"})
        data = encode_json(value) if wanted == JSON else encode(value)
        if status != 200:
            self.write_status(status)
        return self.write_header(b"Vary", b"Accept").write_header(b"Content-Type", wanted).end(data)
