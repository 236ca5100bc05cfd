"""A new plugin's project: its names, checked, and its files."""

from __future__ import annotations

import contextlib
import datetime
import json
import keyword
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final, NoReturn

from ... import __version__, errors
from ...registry.discovery import built_ins

PREFIX: Final = "socketify-ext-"
_TEMPLATES: Final = Path(__file__).parent / "templates"
_LONGEST: Final = {"name": 30, "description": 90, "author": 60}  # keeps the lines that contain them short

# Names that the project's own code uses.
_USED: Final = frozenset(
    (
        "annotations",
        "app",
        "client",
        "extension",
        "extension_app",
        "fake_request",
        "fake_response",
        "fake_websocket",
        "greeting_of",
        "httpx2",
        "make_app",
        "name",
        "options",
        "pytest",
        "request",
        "response",
        "socketify_ext",
        "ws",
    )
)


@dataclass(frozen=True)
class Project:
    """A project by its extension's name; the other names follow from that."""

    name: str
    description: str = ""
    author: str = ""

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


def plan(name: str, description: str = "", author: str = "") -> Project:
    """Check the name and texts of a new project.

    Args:
        name: of the extension, "greet"; "socketify-ext-greet" means the same.
        description: one line; a general one by default.
        author: the copyright holder; by default "the authors".

    Raises:
        ProjectError: the name is not an identifier, or taken; or a text is too long or has several lines.
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
            raise _refused(bare, f"has the {what} {text!r}", why, fix)
    project = Project(
        bare,
        given["description"] or f"The extension {bare} for socketify.",
        given["author"] or f"The {PREFIX}{bare.replace('_', '-')} authors",
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


def write(project: Project, parent: Path) -> list[Path]:
    """Write a project's files into a new folder `parent/socketify-ext-NAME`.

    Returns:
        The files, relative to `parent`.

    Raises:
        ProjectError: the folder exists already, or can't be made; nothing was written.
    """
    folder = parent / project.distribution
    values = _values(project)
    rendered = {
        path: Template((_TEMPLATES / template).read_text(encoding="utf-8")).substitute(values).encode()
        for path, template in _files(project).items()
    }
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise _refused(
            project.name, "can't be written", f"{folder} exists already", "Remove it, or give another --into"
        ) from None
    except OSError as error:
        why = f"{folder} can't be made ({error.strerror})"
        raise _refused(project.name, "can't be written", why, "Give another --into") from None
    try:
        for path, content in rendered.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)  # made above, so it holds nothing else
        why = f"{folder} can't be filled ({error.strerror})"
        raise _refused(project.name, "can't be written", why, "Give another --into") from None
    return [Path(project.distribution, path) for path in rendered]


def _files(project: Project) -> dict[str, str]:
    return {
        "pyproject.toml": "pyproject.toml.tmpl",
        "README.md": "README.md.tmpl",
        "LICENSE": "LICENSE.tmpl",
        ".gitignore": "gitignore.tmpl",
        ".github/workflows/test.yml": "ci.yml.tmpl",
        f"{project.package}/__init__.py": "init.py.tmpl",
        f"{project.package}/extension.py": "extension.py.tmpl",
        f"{project.package}/py.typed": "py.typed.tmpl",
        f"tests/test_{project.function}.py": "test.py.tmpl",
    }


def _values(project: Project) -> dict[str, str]:
    summary = project.description.replace("\\", "/").replace('"', "'")
    major, minor, *_ = __version__.split(".")
    return {
        "name": project.name,
        "function": project.function,
        "distribution": project.distribution,
        "package": project.package,
        "description": project.description,
        "quoted_description": json.dumps(project.description, ensure_ascii=False),
        "summary": summary[:1].upper() + summary[1:] + ("" if summary.endswith((".", "!", "?")) else "."),
        "author": project.author,
        "quoted_author": json.dumps(project.author, ensure_ascii=False),
        "year": str(datetime.datetime.now(datetime.timezone.utc).year),
        "versions": f">={major}.{minor},<{int(major) + 1}" if int(major) else f">={major}.{minor},<0.{int(minor) + 1}",
    }


def _check_identifier(name: str, bare: str) -> None:
    identifier = bare.replace("-", "_")
    if re.fullmatch(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", identifier) and not keyword.iskeyword(identifier):
        return
    guess = re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-0123456789")
    close = f"Did you mean {guess!r}?" if guess and not keyword.iskeyword(guess) else ""
    raise _refused(
        name,
        "can't be the name of an extension",
        "it is not an identifier" if not keyword.iskeyword(identifier) else "it is a Python keyword",
        close or 'Use small letters and digits, with "-" or "_" between them, as in rate-limit',
    )


def _check_free(project: Project) -> None:
    if project.name in {each.name for each in built_ins()}:
        _refuse_taken(project, "a built-in has it, and would always be found first")
    if project.function in _USED:
        _refuse_taken(project, "the project's own code has another use for that name")
    from ...runtime.core import CORE_CLASSES

    for target, core_class in CORE_CLASSES.items():
        member = project.members[target]
        if hasattr(core_class, member):
            _refuse_taken(project, f"{target}.{member} is socketify's own")


def _refuse_taken(project: Project, why: str) -> NoReturn:
    what, fix = "can't be the name of an extension", f"Choose another, as in my-{project.name}"
    raise _refused(project.name, what, why, fix)


def _refused(name: str, what: str, why: str, fix: str) -> errors.ProjectError:
    return errors.ProjectError(f"the new project {name!r}", what, why, fix, name=name)
