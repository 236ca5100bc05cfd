"""The standard streams of a command: open, in any locale, and quiet where their reader has left."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import Final

from socketify_ext.errors import GeneratedFileError

_FULL: Final = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))


@contextlib.contextmanager
def standard_streams() -> Iterator[None]:
    """Let a command write to the standard streams, and end it without a word where nobody reads them any more.

    Raises:
        SystemExit: of the command, with code 1 where something could not be written.
    """
    _open_missing()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # of characters that the encoding lacks
    code: int | str | None = 0
    try:
        yield
    except SystemExit as end:
        code = end.code
    except BrokenPipeError:
        code = 1
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # left, full, or closed
            code = code or 1
            _drop(stream)
    raise SystemExit(code)


def write_error(error: OSError) -> GeneratedFileError | None:
    """Return the error of a standard stream that can't take more; None for one that names a file, and for others."""
    if error.filename is not None or error.errno not in _FULL:
        return None
    why = os.strerror(error.errno)
    return GeneratedFileError(
        "standard output", "can't be written", why, "Make room, or name another file", path="standard output"
    )


def _open_missing() -> None:
    """Open the standard descriptors that are closed: whatever is opened next would take their place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor, which is this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")


def _drop(stream: object) -> None:
    """Let what a stream still holds go nowhere, so that the end of the process says nothing of it."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[attr-defined]
        os.close(nowhere)
