"""`socketify-ext new NAME`: the complete project of a plugin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..output import echo


def new_project(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The extension's name, as in greet.", show_default=False)
    ] = None,
    description: Annotated[
        str | None, typer.Option("--description", help="One line that says what it does.", show_default=False)
    ] = None,
    author: Annotated[str | None, typer.Option("--author", help="Who holds the copyright.", show_default=False)] = None,
    into: Annotated[Path, typer.Option("--into", help="The folder that gets the project's folder.")] = Path(),
) -> None:
    """Write a new plugin's project: typed code, tests, README, CI. At a terminal, it asks for what is not given."""
    from socketify_ext.cli.new.project import plan, write

    asks = sys.stdin.isatty()
    if name is None:
        if not asks:
            raise typer.BadParameter("give the extension's name", param_hint="NAME")
        name = typer.prompt("Name of the extension")
    plan(name)  # what is wrong with it is said before anything else is asked
    if description is None:
        description = typer.prompt("What it does, in one line", default="") if asks else ""
    if author is None:
        author = typer.prompt("Author", default="") if asks else ""
    project = plan(name, description, author)
    for path in write(project, into):
        echo(into / path)
    echo(
        f'\nNext:\n  cd {into / project.distribution}\n  pip install -e ".[dev]"\n  pytest\n'
        f"  socketify-ext check {project.name}"
    )
