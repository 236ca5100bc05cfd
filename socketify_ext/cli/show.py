"""`socketify-ext show TARGET`: options, members, order and hooks of one extension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from socketify_ext.sdk.provenance import place as place_of

from ..inspection.query import TIME_LIMIT, run_query
from .output import console, echo_json, warn
from .target import AsJson, Target, Timeout

if TYPE_CHECKING:
    from rich.console import Console

    from ..inspection.description import Description, Member, Place


def show_extension(target: Target, as_json: AsJson = False, timeout: Timeout = TIME_LIMIT) -> None:
    """Show the options, members, order and hooks of one extension."""
    answer = run_query(target, "extension", timeout)
    for problem in answer["problems"]:
        warn("error", problem)
    if as_json:
        echo_json(answer["description"])
    else:
        from pydantic import TypeAdapter

        from ..inspection.description import Description

        _print(console(), TypeAdapter(Description).validate_python(answer["description"]))
    if not answer["sound"]:
        raise typer.Exit(1)


def _print(out: Console, described: Description) -> None:
    origin = " ".join(part for part in (described.distribution, described.version) if part)
    out.print(f"{described.name} ({origin}, {place_of(described.file, described.line)})", style="bold")
    if described.doc:
        out.print(described.doc)
    _section(out, "Options", [[_option_head(o.name, o.type, o.default), o.description] for o in described.options])
    for target, members in described.members.items():
        _section(out, f"Members of {target}", [_member(member) for member in members])
    if described.members_error:
        out.print(f"\nMembers can't be listed: {described.members_error}", style="red")
    for title, names in (
        ("Requires", described.requires),
        ("Before", described.before),
        ("After", described.after),
        ("Hooks", described.hooks),
    ):
        _section(out, title, [[name] for name in names])
    hooks = [
        [f"{hook.event} {hook.prefix}", hook.name, place_of(hook.file, hook.line)] for hook in described.request_hooks
    ]
    _section(out, "Request hooks", hooks)
    _section(out, "Start-up", [_place(place) for place in described.startup])
    _section(out, "Shutdown", [_place(place) for place in described.shutdown])
    _section(out, "Routes", [[route.method, route.path] for route in described.routes])


def _section(out: Console, title: str, rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    from rich.table import Table

    out.print(f"\n{title}", style="bold")
    table = Table.grid(padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row("", *row)
    out.print(table)


def _option_head(name: str, kind: str, default: str | None) -> str:
    return f"{name}: {kind} (required)" if default is None else f"{name}: {kind} = {default}"


def _member(member: Member) -> list[str]:
    prefix = "async " if member.is_async else ""
    suffix = " (override)" if member.override else ""
    return [f"{prefix}{member.name}{member.signature}{suffix}", place_of(member.file, member.line), member.doc]


def _place(place: Place) -> list[str]:
    return [place.name, place_of(place.file, place.line)]
