"""Provenance: the extension that added a member, and the file and line of its code."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

# Files of these names are in every package, so the package is shown too.
_NAMED_ALIKE: Final = ("__init__.py", "extension.py")


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


@dataclass(frozen=True)
class Provenance:
    """The extension that added a member, its distribution and version, and the file and line.

    Its text is made when an error or a listing shows it. `required_by` names the extension that requires this one,
    unless the program has registered it.
    """

    extension: str
    file: str
    line: int
    distribution: str | None = None
    version: str | None = None
    required_by: str | None = None

    def at(self, file: str, line: int) -> Provenance:
        """Return the provenance of a member that the same extension declares at `file:line`."""
        return Provenance(self.extension, file, line, self.distribution, self.version, self.required_by)

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
        return f"'{self.extension}' ({origin}{self.location})"
