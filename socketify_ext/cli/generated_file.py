"""Files that commands write: atomically, and never over other files."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from typing import TYPE_CHECKING, Annotated, Final

import typer

from socketify_ext.errors import GeneratedFileError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Force = Annotated[bool, typer.Option("--force", help="Write FILE even if it has other content.")]

# Follow no link and wait for no pipe.
_READING: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class GeneratedFile:
    """A file that a command writes.

    Args:
        path: of the file.
        what: its kind, for errors: "stub file".
        is_own: whether content is of this kind and written by this program.
        force: whether it replaces any file.
    """

    def __init__(self, path: Path, what: str, is_own: Callable[[bytes], bool], *, force: bool = False) -> None:
        self._path = path
        self._what = what
        self._is_own = is_own
        self._force = force

    def check(self) -> None:
        """Check that the file may be written; called before any work.

        Raises:
            GeneratedFileError: it is not a regular file; or it is a link, is read-only or has other content, without
                `force`.
        """
        try:
            problem = self._problem()
        except OSError as error:
            raise self._error(
                f"{self._path} can't be read ({error.strerror})", "Name a file that can be read"
            ) from None
        if problem is not None:
            raise self._error(problem, "Name another file with -o, or add --force to replace it")

    def write(self, text: str) -> None:
        """Write the file: into a new one in the same folder, which then takes its place.

        Raises:
            GeneratedFileError: as `check`, or the folder can't be written; the old file is unchanged.
        """
        self.check()
        new = self._path.parent / f".socketify-ext-{secrets.token_hex(8)}"
        try:
            self._fill(new, text)
            new.replace(self._path)
        except OSError as error:
            why, fix = f"its folder {self._path.parent} can't be written ({error.strerror})", "Name a file in another"
            raise self._error(why, fix) from None
        finally:
            with contextlib.suppress(OSError):
                new.unlink()  # already moved on success

    def _fill(self, new: Path, text: str) -> None:
        with open(os.open(new, _WRITING, 0o666), "wb") as stream:  # noqa: PTH123 - of a descriptor
            with contextlib.suppress(FileNotFoundError):
                before = self._path.lstat()
                if stat.S_ISREG(before.st_mode):
                    os.fchmod(stream.fileno(), stat.S_IMODE(before.st_mode))
            stream.write(text.encode("utf-8", "backslashreplace"))
            stream.flush()
            os.fsync(stream.fileno())

    def _problem(self) -> str | None:
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            return None
        is_link = stat.S_ISLNK(mode)
        if is_link:
            with contextlib.suppress(FileNotFoundError):
                mode = self._path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise self._error("it is not a regular file", "Name a regular file, or redirect standard output")
        if self._force:
            return None
        if is_link:
            return f"it is a symbolic link to {str(self._path.readlink())!r}"
        if not mode & 0o222:
            return "it is read-only"
        content = self._content()
        return None if not content.strip() or self._is_own(content) else f"it is not a {self._what} of socketify-ext"

    def _content(self) -> bytes:
        with open(os.open(self._path, _READING), "rb") as stream:  # noqa: PTH123 - of a descriptor
            return stream.read()

    def _error(self, why: str, fix: str) -> GeneratedFileError:
        return GeneratedFileError(
            f"{self._what} {str(self._path)!r}", "can't be written", why, fix, path=str(self._path)
        )
