"""A new plugin's project: its names, checked, and what it requires."""

from __future__ import annotations

import contextlib
import keyword
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ... import errors
from .requirement import Required, find_required
from .taken import why_taken

PREFIX: Final = "socketify-ext-"
_LONGEST: Final = {"name": 30, "description": 90, "author": 60}  # keeps the lines that contain them short


@dataclass(frozen=True)
class Project:
    """A project by its extension's name; the other names follow from that.

    Attributes:
        name: of the extension.
        description: one line.
        author: the copyright holder.
        requires: what the extension requires.
        options: as `--option` has them, for the tests of what is required.
    """

    name: str
    description: str = ""
    author: str = ""
    requires: tuple[Required, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        """Return the name as an identifier."""
        return self.name.replace("-", "_")

    @property
    def distribution(self) -> str:
        """Return the distribution's name, which is also the folder's."""
        return PREFIX + self.name.replace("_", "-")

    @property
    def package(self) -> str:
        """Return the import package's name."""
        return f"socketify_ext_{self.function}"

    @property
    def members(self) -> dict[str, str]:
        """Return the members of the project's extension, by target."""
        return {"request": f"{self.function}_name", "response": self.function, "ws": f"send_{self.function}"}


def plan(
    name: str,
    description: str = "",
    author: str = "",
    requires: Iterable[str] = (),
    options: Iterable[str] = (),
) -> Project:
    """Check the name and texts of a new project, and find what it requires.

    Args:
        name: of the extension, "greet"; "socketify-ext-greet" means the same.
        description: one line; a general one by default.
        author: the copyright holder; by default "the authors".
        requires: names of extensions, "sessions" or "sessions>=0.1".
        options: for tests, those that the required ones can't do without, "sessions.secret=...".

    Raises:
        ProjectError: the name is not an identifier, or taken; a text is too long or has several lines; or nothing that is
            installed provides what is required.
    """
    bare = name.removeprefix(PREFIX)
    _check_identifier(name, bare)
    given = {"name": bare, "description": _decoded(description.strip()), "author": _decoded(author.strip())}
    for what, text in given.items():
        fix = ""
        if len(text) > _LONGEST[what]:
            why, fix = f"it is longer than {_LONGEST[what]} characters", "Give a shorter one"
        elif not (text or " ").isprintable():
            why, fix = "it has line breaks or other characters that can't be printed", "Give it in one line, in UTF-8"
        if fix:
            raise project_error(bare, f"has the {what} {text!r}", why, fix)
    project = Project(
        bare,
        given["description"] or f"The extension {bare} for socketify.",
        given["author"] or f"The {PREFIX}{bare.replace('_', '-')} authors",
        find_required(bare, requires),
        tuple(options),
    )
    _check_free(project)
    return project


def _decoded(text: str) -> str:
    """Return an argument of the command line as it was typed, where the locale has no characters for its UTF-8."""
    try:
        return text.encode().decode()
    except UnicodeEncodeError:
        with contextlib.suppress(UnicodeDecodeError, UnicodeEncodeError):
            return os.fsencode(text).decode()
        return text


def _check_identifier(name: str, bare: str) -> None:
    identifier = bare.replace("-", "_")
    if re.fullmatch(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", identifier) and not keyword.iskeyword(identifier):
        return
    guess = re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-0123456789")
    close = f"Did you mean {guess!r}?" if guess and not keyword.iskeyword(guess) else ""
    raise project_error(
        name,
        "can't be the name of an extension",
        "it is not an identifier" if not keyword.iskeyword(identifier) else "it is a Python keyword",
        close or 'Use small letters and digits, with "-" or "_" between them, as in rate-limit',
    )


def _check_free(project: Project) -> None:
    why, also = why_taken(project.name, project.distribution, project.members)
    if why:
        fix = f"Choose another, as in my-{project.name}{also}"
        raise project_error(project.name, "can't be the name of an extension", why, fix)


def project_error(name: str, what: str, why: str, fix: str) -> errors.ProjectError:
    """Make the error of a project that can't be written."""
    return errors.ProjectError(f"the new project {name!r}", what, why, fix, name=name)
