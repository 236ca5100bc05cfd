"""The decoder: MessagePack from clients to values, within limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from msgpack import Unpacker, unpackb
from msgpack.exceptions import FormatError, OutOfData, StackError, UnpackException

Decode = Callable[[bytes], Any]

_ARRAY_OF_ONE: Final = b"\x91"
# The bytes that can't begin an array or a map.
_OTHERS: Final = bytes(set(range(256)) - {*range(0x80, 0xA0), *range(0xDC, 0xE0)})
_SMALL: Final = 4096  # bytes; what such a message can announce is not worth a pass of its own


def make_decoder(max_depth: int) -> Decode:
    """Make a function that decodes one message, and raises ValueError for whatever it does not accept.

    A Timestamp (extension type -1) becomes an aware datetime in UTC, whose nanoseconds are cut to microseconds.
    Refused are: bytes that are missing or left over, lengths beyond the message, nesting beyond `max_depth`,
    other extension types, map keys that are neither text nor binary, the same key twice, text that is not UTF-8.
    """
    # The library's own limit of nesting is fixed; so much is put around a message that it becomes the wanted one.
    around = _ARRAY_OF_ONE * (library_depth() - max_depth)

    def decode(data: bytes) -> Any:
        size = len(data)
        try:
            if size > max_depth and (size > _SMALL or len(data.translate(None, _OTHERS)) > max_depth):
                check(around, data)
            return unpackb(data, timestamp=3, ext_hook=_refuse_extension, object_pairs_hook=_unique)
        except StackError:
            raise ValueError(f"it is nested more than {max_depth} deep") from None
        except OutOfData:
            raise ValueError("it ends early") from None
        except FormatError:
            raise ValueError("it holds a byte that MessagePack does not use") from None
        except (ValueError, TypeError, OverflowError, UnpackException) as error:
            raise ValueError(str(error) or type(error).__name__) from None

    return decode


def check(around: bytes, data: bytes) -> None:
    """Walk through a message without building anything, so that what it announces but does not hold costs nothing.

    Raises:
        UnpackException: it is incomplete, malformed, or nested too deep.
    """
    size = len(around) + len(data)
    unpacker = Unpacker(max_buffer_size=size, read_size=size)
    unpacker.feed(around)
    unpacker.feed(data)
    unpacker.skip()


def library_depth() -> int:
    """Find how deep the library nests at most."""
    low, high = 1, 1 << 20
    while high - low > 1:
        middle = (low + high) // 2
        try:
            check(_ARRAY_OF_ONE * middle, b"\xc0")
            low = middle
        except StackError:
            high = middle
    return low


def _refuse_extension(code: int, data: bytes) -> NoReturn:
    raise ValueError(f"it holds the extension type {code}, which means nothing here")


def _unique(items: list[tuple[Any, Any]]) -> dict[Any, Any]:
    found = dict(items)
    if len(found) != len(items):
        raise ValueError("a map has the same key twice")
    return found
