"""`socketify-ext routes TARGET`: the routes of an app with their handlers, options and scopes."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from socketify_ext.sdk.printable import printable

from ..inspection.query import TIME_LIMIT
from .described import described_app
from .option_values import OptionValues
from .output import console, echo, echo_json
from .target import AsJson, Target, Timeout

if TYPE_CHECKING:
    from ..inspection.route import Route

_HEADS: Final = ("Method", "Pattern", "Scope", "Handler", "Options", "Extension")


def show_routes(
    target: Target, options: OptionValues = None, as_json: AsJson = False, timeout: Timeout = TIME_LIMIT
) -> None:
    """Show the routes of an app: methods, patterns, handlers, options, and the extensions that added them."""
    described = described_app(target, timeout, options)
    routes = [route for scope in described.subtree() for route in scope.routes]
    if as_json:
        echo_json([record_of(route) for route in routes])
    else:
        _print_table([_row(route) for route in routes])


def record_of(route: Route) -> dict[str, Any]:
    """Return a route as JSON."""
    return asdict(route)


def head_of(route: Route) -> str:
    """Return a route in one line."""
    parts = [route.name, _handler(route), _options(route)]
    return "  ".join(part for part in parts if part) + (f"  [{route.extension}]" if route.extension else "")


def _handler(route: Route) -> str:
    return f"{route.handler} ({route.location})" if route.location else route.handler


def _options(route: Route) -> str:
    return ", ".join(f"{name}={value}" for name, value in route.options.items())


def _row(route: Route) -> tuple[str, ...]:
    return (route.method, route.pattern, route.scope, _handler(route), _options(route), route.extension or "")


def _print_table(rows: list[tuple[str, ...]]) -> None:
    if not sys.stdout.isatty():  # for programs: one line a route
        plain = [tuple(map(printable, row)) for row in (_HEADS, *rows)]
        widths = [max(len(row[column]) for row in plain) for column in range(len(_HEADS))]
        for row in plain:
            echo("  ".join(map(str.ljust, row, widths)).rstrip())
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(*_HEADS, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    console().print(table)
