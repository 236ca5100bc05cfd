"""Provenance: the extension that added a member, and the file and line of its code."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

# Files of these names are in every package, so the package is shown too.
_NAMED_ALIKE: Final = ("__init__.py", "extension.py")
# Modules that make a call for someone else: ours, and the core with its routers.
_INNER: Final = ("socketify_ext.sdk.", "socketify_ext.runtime.", "socketify.")


def location(file: str, line: int) -> str:
    """Return a file's name and a line, as in `auth.py:88`, with the package for file names that every package has."""
    path = PurePath(file)
    name = f"{path.parent.name}/{path.name}" if path.name in _NAMED_ALIKE and path.parent.name else path.name
    return f"{name}:{line}"


def source_location(function: Any) -> tuple[str, int]:
    """Return the file and the first line of a callable, ("<unknown>", 0) for one without code."""
    found = inspect.unwrap(function)
    code = getattr(found, "__code__", None) or getattr(getattr(found, "__call__", None), "__code__", None)  # noqa: B004
    return (code.co_filename, code.co_firstlineno) if code else ("<unknown>", 0)


def calling_location() -> tuple[str, int]:
    """Return the file and the line of the innermost code that belongs neither to this package's core nor to socketify."""
    frame = sys._getframe(1)  # noqa: SLF001 - inspect's own costs a hundred times as much
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_INNER):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


@dataclass(frozen=True)
class Provenance:
    """The extension that added a member, its distribution and version, and the file and line.

    Its text is made when an error or a listing shows it. `required_by` names the extension that requires this one,
    unless the program has registered it. `scope` is the prefix of the scope that it is registered in.
    """

    extension: str
    file: str
    line: int
    distribution: str | None = None
    version: str | None = None
    required_by: str | None = None
    scope: str = ""

    def at(self, file: str, line: int) -> Provenance:
        """Return the provenance of a member that the same extension declares at `file:line`."""
        return Provenance(self.extension, file, line, self.distribution, self.version, self.required_by, self.scope)

    @property
    def location(self) -> str:
        """Return the file's name and the line, as in `auth.py:88`."""
        return location(self.file, self.line)

    def __str__(self) -> str:
        if self.distribution == "socketify-ext":
            origin = "built-in, "
        elif self.distribution:
            origin = f"{self.distribution} {self.version}, " if self.version else f"{self.distribution}, "
        else:
            origin = ""
        scope = f", in scope {self.scope}" if self.scope else ""
        return f"'{self.extension}' ({origin}{self.location}{scope})"
