"""`socketify-ext show NAME`: options, members, order and hooks of one extension."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from .output import console, echo_json

if TYPE_CHECKING:
    from rich.console import Console

    from .description import Description, Member, Place


def show_extension(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name, or distribution:name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Show the options, members, order and hooks of one extension."""
    from socketify_ext.registry import Registry

    from .description import describe
    from .plugins import hook_names

    with contextlib.redirect_stdout(sys.stderr):  # whatever the extension prints is not our answer
        extension = Registry().find(name)
        hooks = hook_names(extension.distribution) if extension.distribution else []
        description, sound = describe(extension, hooks)
    if as_json:
        from dataclasses import asdict

        echo_json(asdict(description))
    else:
        _print(console(), description)
    if not sound:
        raise typer.Exit(1)


def _print(out: Console, described: Description) -> None:
    origin = " ".join(part for part in (described.distribution, described.version) if part)
    out.print(f"{described.name} ({origin}, {_at(described.file, described.line)})", style="bold")
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
    return [f"{prefix}{member.name}{member.signature}{suffix}", _at(member.file, member.line), member.doc]


def _place(place: Place) -> list[str]:
    return [place.name, _at(place.file, place.line)]


def _at(file: str, line: int) -> str:
    return f"{PurePath(file).name}:{line}"
