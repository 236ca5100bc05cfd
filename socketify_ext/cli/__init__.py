"""The command line `socketify-ext`: one file a command, and plugins' commands through `socketify_ext_cli`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from .plugins import CommandGroup
from .streams import standard_streams
from .traceback import Traceback

NAME: Final = "socketify-ext"
# Without a default for these options, typer imports pydantic to validate them; `list` must not.
UNASKED: Final = dict.fromkeys(("help", "install_completion", "show_completion"), False)

cli = typer.Typer(
    name=NAME,
    cls=CommandGroup,
    context_settings={"default_map": {**UNASKED, "list": UNASKED}},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        from socketify_ext import __version__
        from socketify_ext.registry.discovery import OWN_DISTRIBUTION
        from socketify_ext.runtime import compiled

        typer.echo(f"{OWN_DISTRIBUTION} {__version__}\nspeedups {compiled.find()[1]}")
        raise typer.Exit


@cli.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_print_version,
            help="Show the version, and that of the speedups, and exit.",
        ),
    ] = False,
    traceback: Traceback = False,
) -> None:
    """Find and inspect extensions for socketify."""


def main() -> None:
    """Run the command line; exit with 1 for a wrong request and 2 for wrong usage."""
    with standard_streams():
        cli(prog_name=NAME)
