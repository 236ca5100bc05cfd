"""A file of a form: in memory or on disk, and never under the name that its client has given."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import IO, Any, Final

from ... import errors

_OF_UNKNOWN_TYPE: Final = "application/octet-stream"
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")  # RFC 6838, 4.2
_LONGEST_NAME: Final = 255  # bytes


class UploadedFile:
    """A file that a client has sent.

    It is open as long as its request: until the request is answered and its handler has returned.

    Args:
        filename: the name that the client has given.
        content_type: the type that the client has given.
        content: the bytes of the file, where they are known.

    Attributes:
        filename: the client's name for the file without folders, control characters and dots at its ends; "" where nothing
            is left. Show it; don't make a path of it.
        content_type: the client's claim.
        size: bytes.
    """

    __slots__ = ("_file", "content_type", "filename", "is_on_disk", "size")

    def __init__(self, filename: str, content_type: str | None = None, content: bytes = b"") -> None:
        self.filename = safe_name(filename)
        kind = (content_type or "").lower()
        self.content_type = kind if _TYPE.fullmatch(kind) else _OF_UNKNOWN_TYPE
        self.size = len(content)
        self.is_on_disk = False
        self._file: IO[bytes] | None = BytesIO(content)

    def __repr__(self) -> str:
        return f"<UploadedFile {self.filename!r}, {self.content_type}, {self.size} bytes>"

    def __del__(self) -> None:
        self.close()

    @property
    def file(self) -> IO[bytes]:
        """Return the file as a binary file object, for libraries that read one.

        Raises:
            BodyError: the request is over.
        """
        if self._file is None:
            raise errors.BodyError(
                f"the file {self.filename!r}",
                "can't be read",
                "its request is over, and it was closed",
                "Read or save it before the handler returns",
            )
        return self._file

    async def read(self, size: int = -1) -> bytes:
        """Return what comes next in the file: at most `size` bytes, by default all.

        Raises:
            BodyError: the request is over.
        """
        file = self.file
        return await asyncio.to_thread(file.read, size) if self.is_on_disk else file.read(size)

    async def seek(self, position: int) -> None:
        """Go to a position, from the file's beginning.

        Raises:
            BodyError: the request is over.
        """
        self.file.seek(position)

    async def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Copy the whole file to a path, which is never made of the client's name.

        Args:
            path: of the new file.
            overwrite: whether it may replace a file.

        Raises:
            FileExistsError: there is a file, and `overwrite` is False.
            OSError: it can't be written.
            BodyError: the request is over.
        """
        await asyncio.to_thread(_copy, self.file, Path(path), overwrite)

    def write(self, data: bytes) -> None:
        """Add bytes to the end."""
        self.size += len(data)
        self.file.write(data)

    def move_to_disk(self) -> None:
        """Go on in a temporary file, which has no name and goes with the process.

        Raises:
            OSError: it can't be written.
        """
        held, on_disk = self.file, tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        position = held.tell()
        try:
            held.seek(0)
            shutil.copyfileobj(held, on_disk)
            on_disk.seek(position)
        except BaseException:
            on_disk.close()
            raise
        held.close()
        self._file, self.is_on_disk = on_disk, True

    def close(self) -> None:
        """Close the file, and drop what it holds."""
        file, self._file = getattr(self, "_file", None), None
        if file is not None:
            file.close()

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """Return a schema that takes an uploaded file and nothing else."""
        from pydantic_core import core_schema

        return core_schema.custom_error_schema(
            core_schema.is_instance_schema(cls),
            custom_error_type="file_expected",
            custom_error_message="Input should be a file",
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, str]:
        """Return the JSON schema of a file."""
        return {"type": "string", "format": "binary"}


def _copy(source: IO[bytes], path: Path, overwrite: bool) -> None:
    with path.open("wb" if overwrite else "xb") as target:
        try:
            source.seek(0)
            shutil.copyfileobj(source, target, 1 << 20)
        except BaseException:
            os.unlink(path)  # noqa: PTH108 - half of a file is none
            raise
    source.seek(0)


def safe_name(name: str) -> str:
    """Return a client's name for a file without what could make it another path.

    Folders of any system, control characters, and dots and spaces at its ends are left out. It is cut to 255 bytes.
    """
    last = "".join(each for each in name.replace("\\", "/").rpartition("/")[2] if each.isprintable())
    return last.encode(errors="ignore")[-_LONGEST_NAME:].decode(errors="ignore").strip(". ")
