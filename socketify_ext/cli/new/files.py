"""The files of a new project, made of templates and of what its code declares."""

from __future__ import annotations

import datetime
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from ... import __version__, errors
from ...inspection.query import TIME_LIMIT
from ...registry.compatibility import core_version
from ...registry.environment import variable_prefix
from .generated import Generated, generate
from .project import project_error
from .requirement import accepted_versions
from .source import call_lines, command_option, listed

if TYPE_CHECKING:
    from .project import Project

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PYTHONS: Final = "python>=3.10,<3.15"  # as in the workflow and the classifiers
_REQUIRED: Final = "# What is required needs these options; an app gives its own.\n"


@dataclass(frozen=True)
class Written:
    """A project that was written.

    Attributes:
        files: relative to the parent of its folder.
        check: the command that checks it.
    """

    files: tuple[Path, ...]
    check: str


def write(project: Project, parent: Path, timeout: float = TIME_LIMIT) -> Written:
    """Write a project's files into a new folder `parent/socketify-ext-NAME`.

    The extension's code is imported in a process of its own, which may take `timeout` seconds.

    Raises:
        ProjectError: the folder exists already, or can't be made; or a required extension fails; nothing was written.
    """
    folder = parent / project.distribution
    if os.path.lexists(folder):
        raise _exists(project, folder)
    rendered, check = _rendered(project, timeout)
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise _exists(project, folder) from None
    except OSError as error:
        why = f"{folder} can't be made ({error.strerror})"
        raise project_error(project.name, "can't be written", why, "Give another --into") from None
    try:
        for path, content in rendered.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode())
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)  # made above, so it holds nothing else
        why = f"{folder} can't be filled ({error.strerror})"
        raise project_error(project.name, "can't be written", why, "Give another --into") from None
    return Written(tuple(Path(project.distribution, path) for path in rendered), check)


def _rendered(project: Project, timeout: float) -> tuple[dict[str, str], str]:
    """Return a project's files by path, and the command that checks its extension."""
    package = project.package
    values = _values(project)
    sources = {path: _filled(template, values) for path, template in _package_files(project).items()}
    made = generate(project, sources, timeout)
    values |= _option_values(project, made)
    rendered = {path: _filled(template, values) for path, template in _other_files(project).items()}
    rendered |= sources | {f"{package}/socketify-ext.json": made.manifest}
    if project.requires:
        rendered[f"{package}/targets.py"] = made.targets
    return dict(sorted(rendered.items())), values["check"]


def _filled(template: str, values: Mapping[str, str]) -> str:
    return Template((_TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)


def _package_files(project: Project) -> dict[str, str]:
    return {
        f"{project.package}/__init__.py": "init.py.tmpl",
        f"{project.package}/extension.py": "extension.py.tmpl",
        f"{project.package}/py.typed": "py.typed.tmpl",
    }


def _other_files(project: Project) -> dict[str, str]:
    return {
        "pyproject.toml": "pyproject.toml.tmpl",
        "README.md": "README.md.tmpl",
        "LICENSE": "LICENSE.tmpl",
        "SECURITY.md": "SECURITY.md.tmpl",
        ".gitignore": "gitignore.tmpl",
        ".github/workflows/test.yml": "ci.yml.tmpl",
        ".github/workflows/publish.yml": "publish.yml.tmpl",
        f"tests/test_{project.function}.py": "test.py.tmpl",
    }


def _values(project: Project) -> dict[str, str]:
    summary = project.description.replace("\\", "/").replace('"', "'")
    versions = accepted_versions(__version__)
    core = core_version()
    tested = [f"socketify-ext{versions}", *([f"socketify=={core}"] if core else []), _PYTHONS]
    dependencies = [f"socketify-ext{versions}", *(each.dependency for each in project.requires if each.dependency)]
    requires = [each.text for each in project.requires]
    types = "Request, Response, WebSocket"
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
        "dependencies": listed("dependencies = ", [*dependencies, "pydantic>=2.9"], ""),
        "tested_with": listed("tested_with=", tested, ","),
        "requires": listed("requires=", requires, ",\n    ") if requires else "",
        "imports": "Surface, extension" if requires else "Request, Response, Surface, WebSocket, extension",
        "targets_import": f"\nfrom .targets import {types}\n" if requires else "",
        "targets_excluded": f'extend-exclude = ["{project.package}/targets.py"] # `socketify-ext stubs` writes it\n'
        if requires
        else "",
        "targets_command": f"$ socketify-ext stubs {project.package}:{project.function} -o {project.package}/targets.py\n"
        if requires
        else "",
    }


def _option_values(project: Project, made: Generated) -> dict[str, str]:
    """Return the values of templates that follow from the options of required extensions."""
    given = [
        command_option(f"{name}.{key}", value) for name, each in made.options.items() for key, value in each.items()
    ]
    check = " ".join([f"socketify-ext check {project.name}", *given])
    loaded = "".join(f"    {line}\n" for name, each in made.options.items() for line in call_lines(name, each))
    return {
        "check": check,
        "yaml_check": json.dumps(check, ensure_ascii=False) if given else check,
        "required": "*REQUIRED, " if given else "",
        "required_loaded": f"{_REQUIRED}REQUIRED = [\n{loaded}]\n\n" if given else "",
        "readme_required": _readme_required(project, made),
        "readme_loaded": "".join(
            f'app.register(socketify_ext.load("{name}", {", ".join(f"{key}=..." for key in each)}))\n'
            for name, each in made.options.items()
        ),
    }


def _readme_required(project: Project, made: Generated) -> str:
    """Return what a README says of the extensions that are required, and of their options."""
    if not project.requires:
        return ""
    named = " and ".join(f"`{each.name}` ({each.distribution})" for each in project.requires)
    text = f"It requires {named}, which it registers if the app does not.\n"
    if made.options:
        name, options = next(iter(made.options.items()))
        variable = f"{variable_prefix(name)}{next(iter(options)).upper()}"
        text += (
            "Where that needs options, register it first, as below, or set them in the environment, as in\n"
            f'`{variable}=...` (with `pip install "socketify-ext[env]"`).\n'
        )
    return f"\n{text}"


def _exists(project: Project, folder: Path) -> errors.ProjectError:
    return project_error(
        project.name, "can't be written", f"{folder} exists already", "Remove it, or give another --into"
    )
