"""Output of commands: tables and JSON on stdout, problems on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from socketify_ext.sdk.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

UNWRAPPED = 1000


def console(least: int = 0) -> Console:
    """Make a rich console for stdout that shows all text literally, and wraps at a terminal only.

    Args:
        least: characters that a line takes, also at a narrower terminal.
    """
    from rich.console import Console
    from rich.segment import Segment

    class Printing(Console):
        """A console that shows escape sequences in metadata and docstrings as text."""

        def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                text = segment.text if segment.control else printable(segment.text, keep="\n")
                yield segment if text == segment.text else Segment(text, segment.style)

    width = None if sys.stdout.isatty() else UNWRAPPED
    made = Printing(width=width, markup=False, emoji=False, highlight=False)
    made.width = max(made.width, least)
    return made


def echo(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Write text, in which control characters other than tabs and line breaks show as escapes."""
    typer.echo(printable(str(text), keep="\n\t"), err=err, nl=nl)


def echo_code(code: str) -> None:
    """Write Python code: in UTF-8 to a file or a pipe, whatever the locale, since Python reads it so."""
    if sys.stdout.isatty() or not hasattr(sys.stdout, "buffer"):
        echo(code, nl=False)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(printable(code, keep="\n\t").encode())
    sys.stdout.buffer.flush()


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
        more = "" if traceback else ". Add --traceback to see where"
        warn("error", f"{type(error).__name__}: {error}{more}")
