"""Output of commands: tables and JSON on stdout, problems on stderr."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import typer

from socketify_ext.sdk.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

UNWRAPPED = 1000


def show_all_characters() -> None:
    """Make the standard streams escape the characters that their encoding lacks, instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def console() -> Console:
    """Make a rich console for stdout that shows all text literally, and wraps at a terminal only."""
    from rich.console import Console
    from rich.segment import Segment

    class Printing(Console):
        """A console that shows escape sequences in metadata and docstrings as text."""

        def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                text = segment.text if segment.control else printable(segment.text, keep="\n")
                yield segment if text == segment.text else Segment(text, segment.style)

    width = None if sys.stdout.isatty() else UNWRAPPED
    return Printing(width=width, markup=False, emoji=False, highlight=False)


def echo(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Write text, in which control characters other than tabs and line breaks show as escapes."""
    typer.echo(printable(str(text), keep="\n\t"), err=err, nl=nl)


def echo_json(value: Any) -> None:
    """Write `value` as JSON."""
    import json

    typer.echo(json.dumps(value, indent=2))


def warn(kind: str, problem: object) -> None:
    """Write one problem to stderr."""
    echo(f"{kind}: {problem}", err=True)


def report(error: Exception, *, traceback: bool) -> None:
    """Write an error to stderr as one message, with its traceback before it if `traceback`."""
    from socketify_ext.errors import ExtensionError

    if traceback:
        from traceback import format_exception

        shown = getattr(error, "traceback", "") or "".join(format_exception(error))
        echo(shown.rstrip(), err=True)
    if isinstance(error, ExtensionError):
        warn("error", error)
    else:
        more = "" if traceback else ". Run `socketify-ext --traceback ...` to see where"
        warn("error", f"{type(error).__name__}: {error}{more}")
