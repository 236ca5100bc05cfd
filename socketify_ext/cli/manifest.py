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
    force: Force = False,
    timeout: Timeout = TIME_LIMIT,
) -> None:
    """Write what a plugin declares into a file of its package, from which it is shown without an import."""
    from socketify_ext.errors import GeneratedFileError
    from socketify_ext.inspection.manifest import is_manifest

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
        GeneratedFile(path, "manifest", is_manifest, force=force).write(text)
        echo(path, err=True)


def _compare(extension: str, path: Path, text: str) -> None:
    """Check that a file has the same content, in any format."""
    from socketify_ext.errors import GeneratedFileError

    try:
        written = path.read_text(encoding="utf-8", errors="replace")
        if json.loads(written) == json.loads(text):
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
