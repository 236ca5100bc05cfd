"""The three codings: whole bodies at the level that the options name, streams within little memory."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Final

import brotli

from .options import Coding, Options

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# A stream may stay open for hours, and there may be thousands: each looks back this far (as a power of two), and not at
# the level for whole bodies, whose tables alone are megabytes.
_WINDOW: Final = 17
_STREAM_LEVELS: Final = {"zstd": 1, "br": 3, "gzip": 6}
_GZIP: Final = zlib.MAX_WBITS | 16  # zlib's word for a gzip header


class Coder:
    """Compresses the parts of an answer; what has been fed can be read at once by the client.

    Args:
        compress: takes a part.
        flush: ends a block, so that the client can read all of it.
        finish: ends the stream.
    """

    __slots__ = ("_compress", "_finish", "_flush")

    def __init__(
        self, compress: Callable[[bytes], bytes], flush: Callable[[], bytes], finish: Callable[[], bytes]
    ) -> None:
        self._compress, self._flush, self._finish = compress, flush, finish

    def feed(self, data: bytes) -> bytes:
        """Return a part compressed, without holding any of it back."""
        return self._compress(data) + self._flush() if data else b""

    def finish(self) -> bytes:
        """Return the end of the stream."""
        return self._finish()


class Prepared:
    """A whole body that has been compressed already, and is compressed again only if it has changed since.

    Args:
        content: the body.
        packed: the same, compressed.
        encode: compresses another one.
    """

    __slots__ = ("_content", "_encode", "_packed")

    def __init__(self, content: bytes, packed: bytes, encode: Callable[[bytes], bytes]) -> None:
        self._content, self._packed, self._encode = content, packed, encode

    def feed(self, data: bytes) -> bytes:
        """Return a body compressed."""
        return self._packed if data is self._content or data == self._content else self._encode(data)

    def finish(self) -> bytes:
        """Return nothing: it has all gone."""
        return b""


def whole_encoders(options: Options) -> Mapping[Coding, Callable[[bytes], bytes]]:
    """Return the functions that compress a whole body, by coding."""
    settings: dict[int, int] = {zstd.CompressionParameter.compression_level: options.zstd_level}

    def gzip(data: bytes) -> bytes:
        packer = zlib.compressobj(options.gzip_level, zlib.DEFLATED, _GZIP)
        return packer.compress(data) + packer.flush()

    def br(data: bytes) -> bytes:
        packed: bytes = brotli.compress(data, quality=options.br_level)
        return packed

    return {"zstd": lambda data: zstd.compress(data, options=settings), "br": br, "gzip": gzip}


def stream_coder(coding: Coding) -> Coder:
    """Begin a stream."""
    level = _STREAM_LEVELS[coding]
    if coding == "gzip":
        deflate = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
        return Coder(deflate.compress, lambda: deflate.flush(zlib.Z_SYNC_FLUSH), deflate.flush)
    if coding == "br":
        packer = brotli.Compressor(quality=level, lgwin=_WINDOW)
        return Coder(packer.process, packer.flush, packer.finish)
    parameters = zstd.CompressionParameter
    settings: dict[int, int] = {parameters.compression_level: level, parameters.window_log: _WINDOW}
    stream = zstd.ZstdCompressor(options=settings)
    return Coder(stream.compress, lambda: stream.flush(stream.FLUSH_BLOCK), lambda: stream.flush(stream.FLUSH_FRAME))
