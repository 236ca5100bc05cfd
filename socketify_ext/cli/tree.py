"""`socketify-ext tree TARGET`: the extensions of an app in order, what each requires and adds."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from ..inspection.query import TIME_LIMIT, app_description
from .output import console, echo_json
from .target import AsJson, Target, Timeout

if TYPE_CHECKING:
    from rich.tree import Tree

    from ..inspection.app_description import AppDescription, Source


def show_tree(target: Target, as_json: AsJson = False, timeout: Timeout = TIME_LIMIT) -> None:
    """Show the extensions of an app in order, what each requires, and the members it adds."""
    described = app_description(target, timeout)
    if as_json:
        echo_json([_record(described, source) for source in described.extensions])
    else:
        console().print(_tree(described))


def _record(described: AppDescription, source: Source) -> dict[str, object]:
    keys = ("name", "distribution", "version", "file", "line", "summary", "required_by", "requires")
    members = [
        {"name": member.path, "signature": member.signature, "is_async": member.is_async}
        for member in described.members
        if member.extension == source.name
    ]
    return {**{key: getattr(source, key) for key in keys}, "members": members, "lost": _lost(described, source)}


def _lost(described: AppDescription, source: Source) -> list[str]:
    """Name the members of an extension that another one's stand in for."""
    return [
        contest.member
        for contest in described.contests
        if contest.winner != source.name and source.name in [provider.extension for provider in contest.providers]
    ]


def _tree(described: AppDescription) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    core = f"socketify {described.core}, {'installed' if described.installed else 'a stock app'}"
    tree = Tree(Text.assemble((described.target, "bold"), f" ({core})"))
    if not described.extensions:
        tree.add("no extensions")
    for source in described.extensions:
        head = Text.assemble((source.name, "bold"), f" ({place(source)})")
        if source.required_by:
            head.append(f", required by {source.required_by}")
        if source.requires:
            head.append(f", requires {', '.join(source.requires)}")
        branch = tree.add(head)
        for member in described.members:
            if member.extension == source.name:
                prefix = "async " if member.is_async else ""
                branch.add(Text(f"{prefix}{member.path}{member.signature}"))
        for name in _lost(described, source):
            winner = next(contest.winner for contest in described.contests if contest.member == name)
            branch.add(Text(f"{name}: {winner}'s is there instead", "dim"))
    return tree


def place(source: Source) -> str:
    """Show where an extension comes from, as in `socketify-ext 0.1.0, auth.py:72`."""
    return ", ".join(part for part in (source.origin, f"{PurePath(source.file).name}:{source.line}") if part)
