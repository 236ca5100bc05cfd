"""The encoders: values to JSON (RFC 8259) by the standard module or by msgspec, the same values whichever does it.

Both write compact UTF-8. What one of them can't write, or would write in another way, is left to `encode_plainly`,
which has the rules.
"""

from __future__ import annotations

from collections.abc import Callable
from json import JSONEncoder
from typing import Any, Final

from ...sdk.to_builtins import to_builtins
from .plain import encode_plainly, to_json

try:
    from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]
except ImportError:  # an interpreter without the C accelerator
    c_make_encoder = None

Encode = Callable[[Any], bytes]

_NAMES: Final = {True: "true", False: "false", None: "null"}


def make_dump() -> Encode:
    """Make the encoder of what is installed: msgspec's, else the standard module's."""
    try:
        return make_msgspec_encoder()
    except ImportError:
        return make_standard_encoder()


def make_standard_encoder() -> Encode:
    """Make an encoder on the standard module, from parts that are made once instead of for each call.

    It raises TypeError for what has no plain value, and ValueError for a circular or too deeply nested value.
    """
    if c_make_encoder is None:
        python = JSONEncoder(default=to_json, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return _guarded(lambda value: python.encode(value).encode())
    open_containers: dict[int, Any] = {}
    chunks = c_make_encoder(open_containers, to_json, encode_basestring, None, ":", ",", False, False, False)
    join = "".join

    def encode(value: Any) -> bytes:
        try:
            return join(chunks(value, 0)).encode()
        except Exception:
            open_containers.clear()  # it leaves those that an error has interrupted
        except BaseException:
            open_containers.clear()
            raise
        return encode_plainly(value)

    return encode


def make_msgspec_encoder() -> Encode:
    """Make an encoder on msgspec, whose results and errors are those of the standard module's.

    Raises:
        ImportError: msgspec is not installed.
    """
    from msgspec.json import Encoder

    return _guarded(Encoder(enc_hook=_for_msgspec).encode)


def _guarded(fast: Encode) -> Encode:
    """Leave what an encoder can't write to `encode_plainly`, which writes or refuses it."""

    def encode(value: Any) -> bytes:
        try:
            return fast(value)
        except Exception:  # noqa: S110 - it is no context of the errors that follow
            pass
        return encode_plainly(value)

    return encode


def _for_msgspec(value: Any) -> Any:
    """Convert a value that msgspec has no type for; a truth value or None comes here as a key alone."""
    return _NAMES[value] if value is None or value is True or value is False else to_builtins(value)
