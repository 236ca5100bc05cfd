"""What is made from a new project's code before it is written: types, the manifest, and the options that it can't do without.

The code is imported in a child process, from a folder that goes again: what it requires runs there, as with `stubs`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import errors
from ...inspection.query import Query, run_query
from ..option_values import read_options
from .requirement import requirement_error
from .source import literal

if TYPE_CHECKING:
    from .project import Project

_LONGEST = 100
_METADATA = "Metadata-Version: 2.1\nName: {distribution}\nVersion: 0.1.0\n"
_ENTRY_POINTS = "[socketify_ext]\n{name} = {package}:{function}\n"


@dataclass(frozen=True)
class Generated:
    """What a project's code declares.

    Attributes:
        manifest: its text.
        targets: the text of the module with the types of the targets.
        options: those that required extensions need, in the order in which they are registered.
    """

    manifest: str
    targets: str
    options: Mapping[str, Mapping[str, Any]]


def generate(project: Project, sources: Mapping[str, str], timeout: float) -> Generated:
    """Import a project's code, and describe what it declares.

    Args:
        project: whose code it is.
        sources: the files of its package, by path.
        timeout: seconds.

    Raises:
        ProjectError: a required extension fails, or needs options that are not given.
    """
    with tempfile.TemporaryDirectory(prefix="socketify-ext-") as folder:
        root = Path(folder).resolve()
        info = f"{project.package}-0.1.0.dist-info"
        names = {each: getattr(project, each) for each in ("name", "function", "package", "distribution")}
        metadata = {f"{info}/METADATA": _METADATA, f"{info}/entry_points.txt": _ENTRY_POINTS}
        for path, text in {**sources, **{each: text.format(**names) for each, text in metadata.items()}}.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        stub = {"path": str(root / project.package / "targets.py"), "inode": None, "home": "socketify_ext"}
        target = f"{project.package}:{project.function}"
        try:
            answer = run_query(Query(target, "project", timeout, read_options(project.options), stub, root))
        except errors.ExtensionError as error:
            raise _failed(project, error) from error
    return _generated(project, answer.value)


def _generated(project: Project, found: Mapping[str, Any]) -> Generated:
    from ...inspection.app_description import AppDescription
    from ...inspection.plain_data import rebuild
    from ..stubs.module import StubModule

    for name, options in found["options"].items():
        if options is None:
            missing, because = found["lacking"][name]
            why = f"its tests need options that nothing can stand in for ({because})"
            fix = f"Give them: --option {name}.{missing[0] if missing else 'NAME'}=VALUE"
            raise requirement_error(project.name, name, why, fix)
    app = rebuild(AppDescription, found["app"])
    options = {each.name: found["options"].get(each.name) for each in app.extensions}
    for name, given in options.items():
        _check_writable(project, name, given or {})
    return Generated(found["text"], StubModule(app).text(), {name: given for name, given in options.items() if given})


def _check_writable(project: Project, extension: str, options: Mapping[str, Any]) -> None:
    """Check that options fit one line of a test and of a workflow each."""
    for name, value in options.items():
        text = literal(value)
        if not (name.isidentifier() and text.isprintable() and len(name) + len(text) <= _LONGEST):
            why = f"the option {extension}.{name} can't be written in one line of at most {_LONGEST} characters"
            raise requirement_error(project.name, extension, why, "Give a shorter one, and change it in the project")


def _failed(project: Project, error: errors.ExtensionError) -> errors.ProjectError:
    """Return the error of a project whose code can't be used with what it requires."""
    why = f"[{error.code}] {error.who} {error.what}: {error.why}"
    return errors.ProjectError(
        f"the new project {project.name!r}", "can't be written", why, error.fix, name=project.name
    )
