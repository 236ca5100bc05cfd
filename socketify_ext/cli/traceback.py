"""The flag `--traceback`, which stands before a command or after it."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Final

import typer

FLAG: Final = "--traceback"
_KEY: Final = "socketify_ext.traceback"


def _remember(context: typer.Context, asked: bool) -> None:
    if asked:
        context.meta[_KEY] = True  # which all contexts of a run share


Traceback = Annotated[
    bool,
    typer.Option(FLAG, help="Show the whole traceback of an error.", callback=_remember, expose_value=False),
]


def is_asked(context: Any) -> bool:
    """Whether the traceback of an error is shown."""
    return bool(context.meta.get(_KEY))


def with_traceback(command: Any) -> Any:
    """Return a command, or a group with its commands, that takes `--traceback` too, unless it has one of its own."""
    if not any(FLAG in parameter.opts for parameter in command.params):
        command.params.append(_parameter())
    for each in getattr(command, "commands", {}).values():
        with_traceback(each)
    return command


@functools.cache
def _parameter() -> Any:
    """Make the parameter, as typer makes it of a command's."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def flagged(traceback: Traceback = False) -> None: ...

    return typer.main.get_command(app).params[0]
