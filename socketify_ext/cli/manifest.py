"""`socketify-ext manifest EXTENSION`: the file from which a plugin is shown without an import."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Annotated

import typer

from ..inspection.query import TIME_LIMIT, Query, run_query
from .generated_file import Force, GeneratedFile
from .output import echo
from .target import Timeout

ManifestFile = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="The file; by default the one in the extension's package."),
]


def write_manifest(
    extension: Annotated[str, typer.Argument(metavar="EXTENSION", help="The name of an extension of the plugin.")],
    output: ManifestFile = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 and a diff if the file is out of date.")
    ] = False,
    grade: Annotated[
        bool, typer.Option("--grade", help="Check the extensions, too, and write the grades that they have.")
    ] = False,
    force: Force = False,
    timeout: Timeout = TIME_LIMIT,
) -> None:
    """Write what a plugin declares into a file of its package, from which it is shown without an import."""
    from socketify_ext.errors import GeneratedFileError
    from socketify_ext.inspection.manifest import is_manifest

    if check and grade:
        raise typer.BadParameter("it writes nothing, so it takes no grades", param_hint="--check")
    answer = run_query(Query(extension, "manifest", timeout)).value
    path, text = output or Path(answer["path"]), answer["text"]
    if check:
        _compare(extension, path, text)
    elif output is None and answer["is_installed_copy"]:
        raise GeneratedFileError(
            f"manifest {str(path)!r}",
            "can't be written",
            "it would be written into an installed copy, not into the plugin's source",
            "Install the source with `pip install -e`, or name the file with -o",
            path=str(path),
        )
    else:
        file = GeneratedFile(path, "manifest", is_manifest, force=force)
        file.write(text)
        if grade:  # which asks for a manifest that is up to date
            file.write(_with_grades(text, timeout))
        echo(path, err=True)


def _with_grades(text: str, timeout: float) -> str:
    """Check the extensions of a manifest, and return it with their grades."""
    from socketify_ext.conformance.matrix import check_target
    from socketify_ext.inspection.manifest import Manifest

    manifest = Manifest(**json.loads(text))
    for name in manifest.extensions:
        report = check_target(f"{manifest.distribution}:{name}", timeout=timeout, costs=False)
        level = report.grade.level if report.grade else None
        echo(f"{name}: {level or 'no grade'}; see `socketify-ext check {name}`", err=True)
        if level is not None:
            manifest.grades[name] = level
    return manifest.text()


def _compare(extension: str, path: Path, text: str) -> None:
    """Check that a file has the same content, in any format and with any grades."""
    from socketify_ext.errors import GeneratedFileError
    from socketify_ext.inspection.manifest import grades_in

    try:
        written = path.read_text(encoding="utf-8", errors="replace")
        grades = grades_in(written)
        if json.loads(written) == json.loads(text) | ({"grades": grades} if grades else {}):
            return
        why = "the extension has changed"
    except OSError as error:
        written, why = "", f"it can't be read ({error.strerror})"
    except (ValueError, RecursionError):
        why = "it is not JSON"
    for line in difflib.unified_diff(written.splitlines(), text.splitlines(), str(path), "now", lineterm=""):
        echo(line)
    raise GeneratedFileError(
        f"manifest {str(path)!r}",
        "is out of date",
        why,
        f"Write it again: socketify-ext manifest {extension}",
        path=str(path),
    )
