"""The arguments that commands on a TARGET share."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from .completion import complete_target

TARGET_ARGUMENT: Final = typer.Argument(
    metavar="TARGET",
    help="An extension's name, module:attribute (an App, what makes one, or an extension), or module:run as for "
    "python -m socketify.",
    show_default=False,
    autocompletion=complete_target,
)
Target = Annotated[str, TARGET_ARGUMENT]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Seconds that the target may take to load.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
