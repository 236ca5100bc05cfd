"""`socketify-ext list`: every extension and its status, from metadata alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from socketify_ext.sdk.printable import printable

from .output import console, echo, echo_json, warn

if TYPE_CHECKING:
    from socketify_ext.registry.discovery import Listing
    from socketify_ext.registry.registry import Registry

HEADS = ("Name", "Version", "Distribution", "Status", "Summary")
_LEAST_SUMMARY = 20  # characters of a line; a narrower terminal breaks the lines by itself
STYLES = {"ok": "green", "broken": "red", "blocked": "yellow", "duplicate": "red", "shadowed": "yellow"}


def list_extensions(
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the installed extensions, and why any of them can't be loaded."""
    from socketify_ext.registry.registry import Registry

    registry = Registry()
    listings = [*registry.list(), *map(_loaded, registry.list_hooks())]
    if as_json:
        echo_json([_record(listing) for listing in listings])
    else:
        _print_table(listings)
    _report_unknown(registry)
    for folder in registry.leftovers():
        warn("warning", f"{folder} is left out: it is not the metadata of what is installed. Remove it")


def _loaded(hooks: Listing) -> Listing:
    """Load a plugin's hooks in a process of their own: where they fail, every registration of every app does."""
    if hooks.status != "ok":
        return hooks
    from socketify_ext.errors import ExtensionError
    from socketify_ext.inspection.query import Query, run_query

    try:
        run_query(Query(f"{hooks.distribution}:{hooks.name}", "hooks"))
    except ExtensionError as error:
        return replace(hooks, status="broken", error=error.why)
    return hooks


def _record(listing: Listing) -> dict[str, str | None]:
    keys = ("name", "version", "distribution", "source", "status", "summary", "error", "kind")
    return {key: getattr(listing, key) for key in keys}


def _print_table(listings: Sequence[Listing]) -> None:
    names = [f"{each.name} (hooks)" if each.kind == "hooks" else each.name for each in listings]
    rows = [
        (name, each.version or "", each.distribution or "", each.status, each.summary)
        for name, each in zip(names, listings, strict=True)
    ]
    if not sys.stdout.isatty():  # for programs: one line an extension, without importing rich
        details = ["; ".join(filter(None, (each.summary, each.error))) for each in listings]
        written = [HEADS, *((*row[:4], detail) for row, detail in zip(rows, details, strict=True))]
        plain = [tuple(map(printable, row)) for row in written]
        widths = [max(len(row[column]) for row in plain) for column in range(len(HEADS))]
        for row in plain:
            echo("  ".join(map(str.ljust, row, widths)).rstrip())
        return
    from rich.table import Column, Table
    from rich.text import Text

    *fixed, last = HEADS
    columns = [Column(head, no_wrap=True, overflow="fold") for head in fixed]
    table = Table(*columns, Column(last, overflow="fold"), box=None, pad_edge=False)
    for listing, row in zip(listings, rows, strict=True):
        summary = Text(listing.summary)
        if listing.error:
            summary.append(f"\n{listing.error}" if listing.summary else listing.error, STYLES[listing.status])
        table.add_row(*row[:3], Text(listing.status, STYLES[listing.status]), summary)
    least = sum(max(len(row[column]) for row in (HEADS, *rows)) + 2 for column in range(len(fixed))) + _LEAST_SUMMARY
    console(least).print(table)


def _report_unknown(registry: Registry) -> None:
    from socketify_ext.registry.registry import DISABLE_VARIABLE
    from socketify_ext.sdk.suggest import suggestion

    for name in registry.unknown_blocked:
        close = suggestion(name, registry.names())
        warn("warning", f"{DISABLE_VARIABLE} names {name!r}, which no extension has. {close}".rstrip())
