"""Forms as `multipart/form-data` (RFC 7578), read in parts."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterable, Callable
from typing import Any, Final

from ... import errors
from ...errors import HTTPError
from ...sdk.printable import printable
from .form import Form
from .limits import FormLimits
from .uploaded_file import UploadedFile
from .urlencoded import too_many_fields

log = logging.getLogger("socketify_ext")

Reserve = Callable[[int], bool]

_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([^"\\]{1,70})"|([^\s";,]{1,70}))\s*(?:;|\Z)', re.IGNORECASE)
_HEADERS: Final = 8  # of a part; RFC 7578 knows three
_HEADER_SIZE: Final = 4224  # bytes of each


def find_boundary(content_type: str) -> bytes:
    """Return the boundary that a Content-Type names (RFC 2046, 5.1.1).

    Raises:
        HTTPError: 400, it names none, or one that is malformed.
    """
    found = _BOUNDARY.search(content_type)
    boundary = (found[1] or found[2]) if found else ""
    if not boundary.isascii() or not boundary.isprintable() or not boundary or boundary.endswith(" "):
        raise HTTPError(400, "the form's Content-Type has no boundary, or a malformed one")
    return boundary.encode()


def load_parser() -> Any:
    """Return the module `multipart`.

    Raises:
        MissingExtraError: it is not installed, or another one has taken its name.
    """
    errors.require_extra("multipart", "forms", "get_form")
    import multipart

    if not hasattr(multipart, "PushMultipartParser"):
        raise errors.MissingExtraError(
            "get_form",
            "needs the distribution multipart",
            "another one has a module of this name",
            'Install the extra: pip install "socketify-ext[forms]"',
            module="multipart",
            extra="forms",
        )
    return multipart


async def read_multipart(
    chunks: AsyncIterable[bytes],
    boundary: bytes,
    limits: FormLimits,
    reserve: Reserve,
    release: Callable[[], object],
) -> Form:
    """Read a form as its body comes in.

    Args:
        chunks: the body.
        boundary: what stands between its parts.
        limits: how large it may be.
        reserve: whether so many more bytes may be held in memory.
        release: called when nothing is held any more.

    Raises:
        HTTPError: 400, it is malformed; 413, it is beyond the limits; 503, there is no room for it.
    """
    reader = _Reader(load_parser(), boundary, limits, reserve)
    try:
        async for chunk in chunks:
            await reader.feed(chunk)
        reader.end()
    except BaseException:
        reader.close()
        release()
        raise
    return Form(reader.pairs, reader.fields_size, release)


class _Reader:
    """What has come of one form."""

    def __init__(self, multipart: Any, boundary: bytes, limits: FormLimits, reserve: Reserve) -> None:
        self._errors = multipart.MultipartError, multipart.ParserLimitReached, multipart.StrictParserError
        self._segment_class = multipart.MultipartSegment
        # Strict: a long preamble or folded headers cost time, and no client of today sends them.
        self._parser = multipart.PushMultipartParser(
            boundary,
            max_header_count=_HEADERS,
            max_header_size=_HEADER_SIZE,
            max_segment_count=limits.max_files + limits.max_fields,
            strict=True,
        )
        self._limits = limits
        self._reserve = reserve
        self._beginnings = b"--" + boundary, b"\r\n--" + boundary
        self._beginning: bytes | None = b""
        self._is_complete = False
        self._name = ""
        self._text: bytearray | None = None
        self._file: UploadedFile | None = None
        self._in_memory: list[UploadedFile] = []
        self._files = self._fields = self._memory = 0
        self.fields_size = 0
        self.pairs: list[tuple[str, str | UploadedFile]] = []

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes; those behind the form's end are left out."""
        begun = b"" if self._is_complete else self._begun(chunk)
        if not begun:
            return
        any_error, limit_reached, strict_error = self._errors
        try:
            for event in self._parser.parse(begun):
                if event is None:
                    self._end_part()
                elif isinstance(event, self._segment_class):
                    self._begin_part(event)
                elif self._text is not None:
                    self._add_text(self._text, event)
                else:
                    await self._add_bytes(event)
        except limit_reached as error:
            raise HTTPError(413, f"the form is too large: {_why(error)}") from None
        except strict_error as error:
            if not self._ends():  # else they stand behind the end, which is no fault (RFC 2046, 5.1.1)
                raise _malformed(error) from None
        except any_error as error:
            raise _malformed(error) from None

    def _begun(self, chunk: bytes) -> bytes:
        """Return the bytes to parse, none until the form's first boundary is there.

        The parser takes a preamble where it comes in one piece with the boundary; here none is taken.
        """
        if self._beginning is None:
            return chunk
        chunk = self._beginning + chunk
        if len(chunk) < len(self._beginnings[1]):
            self._beginning = chunk
            return b""
        if not chunk.startswith(self._beginnings):
            raise HTTPError(400, "the form is malformed: it does not begin with its boundary")
        self._beginning = None
        return chunk

    def _ends(self) -> bool:
        try:
            self._parser.close()
        except self._errors[0]:
            return False
        self._is_complete = True
        return True

    def end(self) -> None:
        """Check that the form has come to its end."""
        if not self._is_complete:
            try:
                self._parser.close()
            except self._errors[0] as error:
                raise _malformed(error) from None

    def close(self) -> None:
        """Close all files."""
        for value in (*(value for _, value in self.pairs), self._file):
            if isinstance(value, UploadedFile):
                value.close()

    def _begin_part(self, segment: Any) -> None:
        self._name = segment.name
        self._count_text(len(self._name.encode(errors="replace")))
        if segment.filename is None:
            self._text = bytearray()
            self._fields += 1
            if self._fields > self._limits.max_fields:
                raise too_many_fields(self._limits.max_fields)
            return
        self._files += 1
        if self._files > self._limits.max_files:
            raise HTTPError(413, f"the form has more than {self._limits.max_files} files")
        self._file = UploadedFile(segment.filename, segment.content_type)
        self._in_memory.append(self._file)

    def _end_part(self) -> None:
        text, file = self._text, self._file
        self._text = self._file = None
        if text is not None:
            self.pairs.append((self._name, text.decode(errors="replace")))
        elif file is not None:
            file.file.seek(0)
            # A browser sends an empty part where nobody has chosen a file (WHATWG HTML, 4.10.22.4).
            if file.size or file.filename:
                self.pairs.append((self._name, file))
            else:
                file.close()
                self._in_memory.remove(file)

    def _add_text(self, text: bytearray, data: bytes) -> None:
        self._count_text(len(data))
        text += data

    def _count_text(self, size: int) -> None:
        self.fields_size += size
        if self.fields_size > self._limits.max_fields_size:
            raise HTTPError(413, f"the fields of the form are larger than {self._limits.max_fields_size} bytes")
        if not self._reserve(size):
            raise HTTPError(503, "the server holds too many bodies of requests")

    async def _add_bytes(self, data: bytes) -> None:
        file = self._file
        if file is None:
            raise AssertionError("a part has bytes before its head")
        most = self._limits.max_file_size
        if most is not None and file.size + len(data) > most:
            raise HTTPError(413, f"a file of the form is larger than {most} bytes")
        try:
            if not file.is_on_disk:
                await self._make_room(file, len(data))
            if file.is_on_disk:
                await asyncio.to_thread(file.write, data)
            else:
                self._memory += len(data)
                file.write(data)
        except OSError:
            log.exception("a file of a form can't be stored")
            raise HTTPError(503, "the server can't store the file") from None

    async def _make_room(self, file: UploadedFile, size: int) -> None:
        """Move files to disk, the largest first, until `size` bytes may be held in memory or `file` has gone too."""
        while self._memory + size > self._limits.max_memory or not self._reserve(size):
            largest = max(self._in_memory, key=lambda each: each.size)
            if largest.size < size:
                largest = file
            await asyncio.to_thread(largest.move_to_disk)
            self._in_memory.remove(largest)
            self._memory -= largest.size
            self._reserve(-largest.size)
            if largest is file:
                return


def _malformed(error: Exception) -> HTTPError:
    return HTTPError(400, f"the form is malformed: {_why(error)}")


def _why(error: Exception) -> str:
    return printable(str(error.args[0]), 100) if error.args else "it can't be read"
