"""`socketify-ext openapi TARGET`: write the document of an app, and fail where it has changed."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import socketify_ext
from socketify_ext.cli.generated_file import Force, GeneratedFile
from socketify_ext.cli.output import echo
from socketify_ext.cli.target import Target, Timeout
from socketify_ext.errors import GeneratedFileError
from socketify_ext.inspection.query import TIME_LIMIT, Query, run_query

QUESTION: Final = f"{__name__}:answer"

DocumentFile = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="The file to write; standard output by default.")
]


@socketify_ext.hookimpl
def socketify_ext_cli(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("openapi")(write_document)


def write_document(
    target: Target,
    output: DocumentFile = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 and a diff if FILE is out of date.")
    ] = False,
    force: Force = False,
    timeout: Timeout = TIME_LIMIT,
) -> None:
    """Write the OpenAPI document of the target's routes."""
    if check and output is None:
        raise typer.BadParameter("--check needs -o FILE to compare with", param_hint="--check")
    file = None if output is None else GeneratedFile(output, "OpenAPI document", is_document, force=force)
    if file is not None and not check:
        file.check()
    document = run_query(Query(target, QUESTION, timeout)).value
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if file is None or output is None:
        echo(text, nl=False)
    elif check:
        _compare(target, output, text)
    else:
        file.write(text)


def answer(app: Any) -> dict[str, Any]:
    """Return the document of an app, which the command has loaded in a process of its own."""
    from .description import Description
    from .options import Options
    from .registered import options_of

    return Description(app, options_of(app, "openapi") or Options.model_validate({})).document()


def is_document(content: bytes) -> bool:
    """Whether a file's content is an OpenAPI document."""
    document = _loaded(content)
    return isinstance(document, dict) and "openapi" in document


def _loaded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _compare(target: str, output: Path, text: str) -> None:
    """Check that the file has the same document, however it is written."""
    try:
        written = output.read_bytes()
    except OSError as error:
        written, why = b"", f"it can't be read ({error.strerror})"
    else:
        found = _loaded(written)
        if found == json.loads(text):
            return
        why = f"{target} has changed"
    before = json.dumps(_loaded(written), indent=2, ensure_ascii=False) if _loaded(written) is not None else ""
    for line in difflib.unified_diff(before.splitlines(), text.splitlines(), str(output), "now", lineterm=""):
        echo(line)
    raise GeneratedFileError(
        f"OpenAPI document {str(output)!r}",
        "is out of date",
        why,
        f"Write it again: socketify-ext openapi {target} -o {output}",
        path=str(output),
    )
