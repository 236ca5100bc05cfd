"""`socketify-ext show TARGET`: options, members, order and hooks of one extension."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from socketify_ext.sdk.provenance import location

from ..inspection.query import TIME_LIMIT, Query, run_query
from .option_values import OptionValues, read_options
from .output import console, echo_json, warn
from .target import TARGET_ARGUMENT, AsJson, Timeout

if TYPE_CHECKING:
    from rich.console import Console

    from ..inspection.description import DeclaredExtension, Option, Place
    from ..inspection.member import Member


_MEMBER: Final = ("name", "kind", "signature", "is_async", "override", "deprecated", "doc", "file", "line")


def show_extension(
    target: Annotated[str | None, TARGET_ARGUMENT] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show all plugins that have a manifest, and import none of them.")
    ] = False,
    load: Annotated[
        bool, typer.Option("--load", help="Import the extension even if it has a manifest that can be shown.")
    ] = False,
    options: OptionValues = None,
    as_json: AsJson = False,
    timeout: Timeout = TIME_LIMIT,
) -> None:
    """Show the options, members, order and hooks of one extension."""
    if (target is None) is not every:
        raise typer.BadParameter("give one target, or --all", param_hint="TARGET")
    if target is None:
        _show_all(as_json=as_json)
        return
    described = None if load or options else _from_manifest(target)
    if described is not None:
        _show(described, "shown from its manifest", as_json=as_json)
    else:
        _show_loaded(Query(target, "extension", timeout, read_options(options)), as_json=as_json)


def _show(described: DeclaredExtension, how: str, *, as_json: bool) -> None:
    if as_json:
        echo_json({**_record(described), "is_imported": not how})
    else:
        _print(console(), described, how)


def _show_loaded(query: Query, *, as_json: bool) -> None:
    from ..inspection.description import DeclaredExtension
    from ..inspection.plain_data import rebuild

    answer = run_query(query).value
    for problem in answer["problems"]:
        warn("error", problem)
    _show(rebuild(DeclaredExtension, answer["description"]), "", as_json=as_json)
    if not answer["sound"]:
        raise typer.Exit(1)


def _from_manifest(target: str) -> DeclaredExtension | None:
    """Describe an extension from its manifest; None where only an import can tell, or it is no plugin's."""
    from socketify_ext.errors import ExtensionError, ManifestError
    from socketify_ext.registry.registry import Registry

    try:
        candidate = Registry().provider(target)
    except ExtensionError:
        return None  # the process that loads the target says why
    from ..inspection.manifest import installed_description

    try:
        return installed_description(candidate, os.environ)[0]
    except ManifestError as error:
        warn("warning", error)
        return None


def _show_all(*, as_json: bool) -> None:
    from socketify_ext.errors import ManifestError
    from socketify_ext.registry.registry import Registry

    from ..inspection.manifest import installed_description

    found = []
    for candidate in Registry().plugins():
        try:
            described, reason = installed_description(candidate, os.environ)
        except ManifestError as error:
            described, reason = None, str(error)
        if described is None:
            warn("not shown", f"{candidate.qualified_name}: {reason}")
        else:
            found.append(described)
    if as_json:
        echo_json([{**_record(each), "is_imported": False} for each in found])
        return
    out = console()
    for index, each in enumerate(found):
        out.print("\n" * bool(index), end="")
        _print(out, each, "")


def _record(described: DeclaredExtension) -> dict[str, Any]:
    members = {
        target: [{name: getattr(each, name) for name in _MEMBER} | {"doc": _summary(each)} for each in found]
        for target, found in _by_target(described)
    }
    return {**asdict(described), "members": members}


def _by_target(described: DeclaredExtension) -> list[tuple[str, list[Member]]]:
    from socketify_ext.sdk.spec import TARGETS

    return [(target, [each for each in described.members if each.target == target]) for target in TARGETS]


def _summary(member: Member) -> str:
    return member.doc.partition("\n")[0]


def _print(out: Console, described: DeclaredExtension, how: str) -> None:
    out.print(f"{described.name} ({described.location})", style="bold")
    if how:
        out.print(how, style="dim")
    if described.doc:
        out.print(described.doc)
    _section(out, "Options", list(_options(described.options)))
    for target, members in _by_target(described):
        _section(out, f"Members of {target}", [_member(member) for member in members])
    if described.needs_because is not None:
        out.print(f"\n{_needs(described)}", style="yellow")
    if described.members_error:
        where = "It stops there" if described.members else "Members can't be listed"
        out.print(f"\n{where}: {described.members_error}", style="red")
    for title, names in (
        ("Requires", described.requires),
        ("Before", described.before),
        ("After", described.after),
        ("Tested with", described.tested_with),
        ("Hooks", described.hooks),
    ):
        _section(out, title, [[name] for name in names])
    hooks = [
        [f"{hook.event} {hook.prefix}", hook.name, location(hook.file, hook.line)] for hook in described.request_hooks
    ]
    _section(out, "Request hooks", hooks)
    _section(out, "Route options", [[f"{option.name}: {option.type}"] for option in described.route_options])
    _section(out, "Start-up", [_place(place) for place in described.startup])
    _section(out, "Shutdown", [_place(place) for place in described.shutdown])
    _section(out, "Routes", [[route.method, route.path] for route in described.routes])


def _section(out: Console, title: str, rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    from rich.table import Table

    out.print(f"\n{title}", style="bold")
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(max(map(len, rows)) + 1):
        table.add_column(overflow="fold")  # of a narrow terminal: nothing is left out
    for row in rows:
        table.add_row("", *row)
    out.print(table)


def _options(options: Iterable[Option], path: str = "") -> Iterator[list[str]]:
    """Yield a row for each option, and below it those of a nested model, as in `jwt.key`."""
    for option in options:
        yield [f"{path}{_option_head(option)}", option.description]
        yield from _options(option.options, f"{path}{option.name}.")


def _needs(described: DeclaredExtension) -> str:
    """Return which options must be given, and how."""
    if not described.needs:
        return f"It needs options: {described.needs_because}. Give them with --option NAME=VALUE; members may differ with them."
    names, first = ", ".join(described.needs), described.needs[0]
    return f"It needs {names}: give --option {first}=VALUE; members that depend on it may differ."


def _option_head(option: Option) -> str:
    default = "(required)" if option.default is None else f"= {option.default}"
    return f"{option.name}: {option.type} {default}"


def _member(member: Member) -> list[str]:
    suffix = " (override)" if member.override else ""
    suffix += f" (deprecated: {member.deprecated})" if member.deprecated else ""
    return [
        f"{member.prefix}{member.name}{member.signature}{suffix}",
        location(member.file, member.line),
        _summary(member),
    ]


def _place(place: Place) -> list[str]:
    return [place.name, location(place.file, place.line)]
