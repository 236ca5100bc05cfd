"""The command line `socketify-ext`: one file a command, and plugins' commands through `socketify_ext_cli`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from .check import check_extension
from .list import list_extensions
from .lock import lock_target
from .new.command import new_project
from .output import show_all_characters
from .plugins import CommandGroup
from .show import show_extension
from .stubs.command import write_stubs
from .tree import show_tree
from .why import explain_member

# Without a default for the help option, typer imports pydantic to validate it; `list` must not.
UNASKED_HELP: Final = {"help": False}

cli = typer.Typer(
    name="socketify-ext",
    cls=CommandGroup,
    context_settings={"default_map": {**UNASKED_HELP, "list": UNASKED_HELP}},
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.command("list")(list_extensions)
cli.command("show")(show_extension)
cli.command("tree")(show_tree)
cli.command("why")(explain_member)
cli.command("stubs")(write_stubs)
cli.command("lock")(lock_target)
cli.command("new")(new_project)
cli.command("check")(check_extension)


def _print_version(asked: bool) -> None:
    if asked:
        from socketify_ext import __version__
        from socketify_ext.registry.discovery import OWN_DISTRIBUTION

        typer.echo(f"{OWN_DISTRIBUTION} {__version__}")
        raise typer.Exit


@cli.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Show the version and exit.")
    ] = False,
    traceback: Annotated[bool, typer.Option("--traceback", help="Show the whole traceback of an error.")] = False,
) -> None:
    """Find and inspect extensions for socketify."""


def main() -> None:
    """Run the command line; exit with 1 for a wrong request and 2 for wrong usage."""
    show_all_characters()
    cli()
