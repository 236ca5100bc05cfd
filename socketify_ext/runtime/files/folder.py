"""A folder of files that is served: which file a path leads to, and none outside of it."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterable
from io import FileIO
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

from ...errors import HTTPError
from .coding import CODINGS, preferred

INDEX: Final = "index.html"
# O_NONBLOCK: a named pipe must not hold the server up until somebody writes to it.
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
# Linux: read what is in memory, and nothing that a disk would have to be waited for.
_NOWAIT: Final[int | None] = getattr(os, "RWF_NOWAIT", None)
_GETPATH: Final[int | None] = getattr(fcntl, "F_GETPATH", None)
# Linux: a directory that is passed through need not be readable.
_DIRECTORY: Final[int] = os.O_DIRECTORY | getattr(os, "O_PATH", os.O_RDONLY)
_UNSAFE: Final = re.compile(r"[/\\\x00-\x1f\x7f-\x9f]")
_DEEPEST: Final = 100  # directories; each costs a call of the system, and the core's router sees no more either
_HEX: Final = frozenset("0123456789abcdefABCDEF")

Accepted = Callable[[], Iterable[str]]


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


def open_file(path: str, directory: int | None = None) -> OpenFile | None:
    """Open a regular file; a link as the last part of the path is none.

    Args:
        path: of the file.
        directory: the descriptor of the directory in which a relative path begins.

    Returns:
        None where there is no such file or it can't be read.

    Raises:
        HTTPError: 503, the process has too many files open.
    """
    try:
        descriptor = os.open(path, _FLAGS, dir_fd=directory)
    except ValueError:  # NUL, or characters that no file's name has
        return None
    except OSError as error:
        _require_room(error)
        return None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return OpenFile(FileIO(descriptor), status, path.rpartition(os.sep)[2])
    except OSError:
        pass
    os.close(descriptor)
    return None


def _require_room(error: OSError) -> None:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        raise HTTPError(503, "too many files are open", {"Retry-After": "1"}) from error


def names_in(path: str) -> list[str] | None:
    """Decode the part of a URL's path that stands below a folder, "css/a%20b.css" as ["css", "a b.css"].

    Returns:
        The names; the last is empty for a directory. None for all that is not a plain name, or another way to write a
        path: empty and hidden names, dot segments, separators and control characters in disguise, and bytes that are
        no text. So the path that a hook has looked at is the one that is served.
    """
    if path.count("/") > _DEEPEST:
        return None
    names: list[str] = []
    *directories, last = path.split("/")
    for part in (*directories, last or INDEX):
        name = _decoded(part) if "%" in part else part
        if name is None or not _is_plain(name):
            return None
        names.append(name)
    if not last:
        names[-1] = ""
    return names


def plain_names(path: str) -> list[str] | None:
    """Return the names of a file below a folder, as `names_in` does for a path that is decoded; None for all else."""
    names = path.split("/", _DEEPEST)
    return names if all(map(_is_plain, names)) else None


def _is_plain(name: str) -> bool:
    return bool(name) and not name.startswith(".") and not _UNSAFE.search(name)


def _decoded(part: str) -> str | None:
    for escape in part.split("%")[1:]:
        if len(escape) < 2 or not _HEX.issuperset(escape[:2]):
            return None
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeError:
        return None


class Folder:
    """A folder; links in it are followed as long as they stay inside, and hidden files are not served.

    Nothing is opened through a link, not even one that appears during a request: links are resolved first, and where
    they lead to is opened one directory after the other.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        self._inside = self.path.rstrip(os.sep) + os.sep

    def open(self, names: list[str], accepted: Accepted | None = None) -> OpenFile | None:
        """Open the file of these names, or what stands beside it compressed, where the client prefers that.

        Args:
            names: from `names_in`; an empty last one is the index of a directory.
            accepted: returns the elements of the Accept-Encoding header; without it, only the file itself counts.

        Returns:
            None where there is none.
        """
        if not names[-1]:
            names = [*names[:-1], INDEX]
        found = self._open(names, accepted)
        if found is None:
            real = self._resolved(names)
            if real is None or real == names:
                return None
            found = self._open(real, accepted)
        if found is not None:
            found.name = names[-1]
        return found

    def has_index(self, names: list[str]) -> bool:
        """Report whether names lead to a directory that has an index."""
        found = self.open([*names, INDEX])
        if found is not None:
            found.stream.close()
        return found is not None

    def _open(self, names: list[str], accepted: Accepted | None) -> OpenFile | None:
        try:
            directory = self._directory(names[:-1])
        except ValueError:
            return None
        except OSError as error:
            _require_room(error)
            return None
        try:
            found = open_file(names[-1], directory)
            if found is not None and not _is_spelled(found.stream.fileno(), names):
                found.stream.close()
                return None
            return found if found is None or accepted is None else _variant(found, directory, accepted)
        finally:
            os.close(directory)

    def _directory(self, names: list[str]) -> int:
        """Open a directory; raise OSError where there is none or a link leads to it."""
        descriptor = os.open(self.path, _DIRECTORY)
        for name in names:
            outer = descriptor
            try:
                descriptor = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=outer)
            finally:
                os.close(outer)
        return descriptor

    def _resolved(self, names: list[str]) -> list[str] | None:
        """Return the names to which links lead; None outside of the folder and for hidden files."""
        try:
            path = os.path.realpath(self._inside + "/".join(names))
        except (OSError, ValueError):
            return None
        if not path.startswith(self._inside):
            return None
        real = path.removeprefix(self._inside).split("/")
        return None if any(name.startswith(".") for name in real) else real


def _is_spelled(descriptor: int, names: list[str]) -> bool:
    """Report whether a file's names are written as on the disk: some file systems of macOS ignore case, hooks don't."""
    if _GETPATH is None:
        return True
    path = fcntl.fcntl(descriptor, _GETPATH, bytes(1024)).rstrip(b"\0").decode(errors="surrogateescape")
    return normalize("NFC", path).endswith(normalize("NFC", "/" + "/".join(names)))


def _variant(file: OpenFile, directory: int, accepted: Accepted) -> OpenFile:
    """Return the compressed file that stands beside one in a directory, if the client prefers it; close the other."""
    offered = []
    for coding, suffix in CODINGS.items():
        try:
            status = os.stat(file.name + suffix, dir_fd=directory, follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_mtime_ns >= file.modified:  # an older one is left from before
            offered.append(coding)
    if not offered:
        return file
    file.has_variants = True
    try:
        for coding in preferred(accepted(), offered):
            other = open_file(file.name + CODINGS[coding], directory)
            if other is not None:
                file.stream.close()
                other.coding, other.has_variants = coding, True
                return other
    except BaseException:
        file.stream.close()
        raise
    return file
