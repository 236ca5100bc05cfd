"""The argument `--option`, which all commands on a TARGET share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

OptionValues = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="An option of the extension, or as EXTENSION.NAME=VALUE one of another that is loaded; VALUE is JSON or "
        "text. May be repeated.",
    ),
]


def read_options(given: Iterable[str] | None) -> dict[str, dict[str, str]]:
    """Return the texts of options by extension and name; those of the target itself are under "".

    Raises:
        BadParameter: one is not of the form, or is given twice.
    """
    options: dict[str, dict[str, str]] = {}
    for text in given or ():
        path, equals, value = text.partition("=")
        extension, _, name = path.rpartition(".")
        if not equals or not name:
            raise _wrong(f"{path!r} is not of the form NAME=VALUE or EXTENSION.NAME=VALUE")
        if name in options.setdefault(extension, {}):
            raise _wrong(f"{path!r} is given twice")
        options[extension][name] = value
    return options


def _wrong(why: str) -> typer.BadParameter:
    return typer.BadParameter(why, param_hint="--option")
