"""A folder of files that is served: which file a path leads to, and none outside of it."""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from typing import Final
from urllib.parse import unquote_to_bytes

from ...errors import HTTPError

INDEX: Final = "index.html"
# O_NONBLOCK: a named pipe must not hold the server up until somebody writes to it.
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
# Linux: read what is in memory, and nothing that a disk would have to be waited for.
_NOWAIT: Final[int | None] = getattr(os, "RWF_NOWAIT", None)
_CODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
_HEX: Final = frozenset("0123456789abcdefABCDEF")


class OpenFile:
    """A file that is open for reading; size and time are those at its opening."""

    __slots__ = ("coding", "has_variants", "modified", "name", "size", "stream")

    def __init__(self, stream: FileIO, status: os.stat_result, name: str, coding: str = "") -> None:
        self.stream = stream
        self.size = status.st_size
        self.modified = status.st_mtime_ns
        self.name = name  # without the suffix of its coding
        self.coding = coding
        self.has_variants = bool(coding)

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset` on, fewer where the file has become shorter."""
        descriptor, data = self.stream.fileno(), b""
        while len(data) < length:
            more = os.pread(descriptor, length - len(data), offset + len(data))
            if not more:
                break
            data = data + more if data else more
        return data

    def read_cached(self, offset: int, length: int) -> bytes | None:
        """Return up to `length` bytes that the system has in memory; None where it has none or can't tell."""
        if _NOWAIT is None:
            return None
        buffer = bytearray(length)
        try:
            got = os.preadv(self.stream.fileno(), [buffer], offset, _NOWAIT)
        except OSError:  # not in memory, or a file system that does not know
            return None
        return bytes(memoryview(buffer)[:got]) or None


def open_file(path: str) -> OpenFile | None:
    """Open a regular file; a link as the last part of the path is none.

    Returns:
        None where there is no such file or it can't be read.

    Raises:
        HTTPError: 503, the process has too many files open.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except ValueError:  # NUL, or characters that no file's name has
        return None
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise HTTPError(503, "too many files are open", {"Retry-After": "1"}) from error
        return None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return OpenFile(FileIO(descriptor), status, path.rpartition(os.sep)[2])
    except OSError:
        pass
    os.close(descriptor)
    return None


def names_in(path: str) -> list[str] | None:
    """Decode the part of a URL's path that stands below a folder, "css/a%20b.css" as ["css", "a b.css"].

    Returns:
        The names; the last is empty for a directory. None for all that is not a plain name, or another way to write a
        path: empty and hidden names, dot segments, separators and control characters in disguise, and bytes that are
        no text. So the path that a hook has looked at is the one that is served.
    """
    names: list[str] = []
    *directories, last = path.split("/")
    for part in (*directories, last or INDEX):
        name = _decoded(part) if "%" in part else part
        if not name or name.startswith(".") or "/" in name or "\\" in name or not name.isprintable():
            return None
        names.append(name)
    if not last:
        names[-1] = ""
    return names


def _decoded(part: str) -> str | None:
    for escape in part.split("%")[1:]:
        if len(escape) < 2 or not _HEX.issuperset(escape[:2]):
            return None
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeError:
        return None


class Folder:
    """A folder; links in it are followed as long as they stay inside, and hidden files are not served."""

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        self._inside = self.path.rstrip(os.sep) + os.sep

    def real_path(self, names: list[str]) -> str | None:
        """Return where names lead to, all links followed; None outside of the folder and for hidden files."""
        try:
            path = os.path.realpath(self._inside + "/".join(names))
        except (OSError, ValueError):
            return None
        if not path.startswith(self._inside):
            return None
        return None if os.sep + "." in path[len(self._inside) - 1 :] else path

    def open(self, names: list[str], accepted: str | None) -> OpenFile | None:
        """Open the file of these names, or what stands beside it compressed, where `accepted` allows for it.

        Args:
            names: from `names_in`; an empty last one is the index of a directory.
            accepted: the Accept-Encoding header.

        Returns:
            None where there is none.
        """
        if not names[-1]:
            names = [*names[:-1], INDEX]
        path = self.real_path(names)
        found = None if path is None else open_file(path)
        if found is None or path is None:
            return None
        found.name = names[-1]
        for coding, suffix in _CODINGS:
            try:
                status = os.lstat(path + suffix)
            except (OSError, ValueError):
                continue
            if not stat.S_ISREG(status.st_mode) or status.st_mtime_ns < found.modified:  # one left from before
                continue
            found.has_variants = True
            other = open_file(path + suffix) if accepts(accepted, coding) else None
            if other is not None:
                found.stream.close()
                other.name, other.coding, other.has_variants = found.name, coding, True
                return other
        return found

    def has_index(self, names: list[str]) -> bool:
        """Report whether names lead to a directory that has an index."""
        found = self.open([*names, INDEX], None)
        if found is not None:
            found.stream.close()
        return found is not None


def accepts(header: str | None, coding: str) -> bool:
    """Report whether an Accept-Encoding header allows a coding (RFC 9110, 12.5.3)."""
    if not header or (coding not in header and "*" not in header and header.islower()):
        return False
    any_other = False
    for item in header.lower().split(","):
        name, _, weight = item.partition(";")
        is_wanted = _is_positive(weight)
        if name.strip() == coding:
            return is_wanted
        if name.strip() == "*":
            any_other = is_wanted
    return any_other


def _is_positive(weight: str) -> bool:
    name, _, value = weight.partition("=")
    if name.strip() != "q":
        return True
    try:
        return float(value) > 0
    except ValueError:
        return False
