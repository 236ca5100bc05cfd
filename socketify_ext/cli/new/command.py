"""`socketify-ext new NAME`: a complete plugin project."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from ...inspection.query import TIME_LIMIT
from ..completion import complete_extension
from ..option_values import OptionValues, read_options
from ..output import echo
from ..target import Timeout


def new_project(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The extension's name, as in greet.", show_default=False)
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", help="A one-line description.", show_default=False)
    ] = None,
    author: Annotated[str | None, typer.Option("--author", help="The copyright holder.", show_default=False)] = None,
    requires: Annotated[
        list[str] | None,
        typer.Option(
            "--requires",
            metavar="NAME",
            help='An extension that this one requires, as in "sessions" or "sessions>=0.1". May be repeated.',
            show_default=False,
            autocompletion=complete_extension,
        ),
    ] = None,
    options: OptionValues = None,
    into: Annotated[Path, typer.Option("--into", help="The parent of the project's folder.")] = Path(),
    timeout: Timeout = TIME_LIMIT,
) -> None:
    """Create a plugin project with typed code, tests, README and CI. At a terminal, it asks for missing values."""
    from socketify_ext.cli.new.files import write
    from socketify_ext.cli.new.project import plan

    asks = sys.stdin.isatty()
    if name is None:
        if not asks:
            raise typer.BadParameter("give the extension's name", param_hint="NAME")
        name = typer.prompt("Name of the extension")
    _check_options(name, options or ())
    plan(name, requires=requires or ())  # report a wrong name before asking for more
    if description is None:
        description = typer.prompt("What it does, in one line", default="") if asks else ""
    if author is None:
        author = typer.prompt("Author", default="") if asks else ""
    project = plan(name, description, author, requires or (), options or ())
    written = write(project, into, timeout)
    for path in written.files:
        echo(into / path)
    echo(
        f'\nNext:\n  cd {shlex.quote(str(into / project.distribution))}\n  pip install -e ".[dev]"\n  pytest\n'
        f"  ruff check && ruff format --check && mypy\n  {written.check}"
    )


def _check_options(name: str, options: Iterable[str]) -> None:
    """Check that options are those of required extensions; the project's own are in its code."""
    for extension in read_options(options):
        if extension in ("", name):
            why = "give options of required extensions, as in sessions.secret=VALUE"
            raise typer.BadParameter(why, param_hint="--option")
