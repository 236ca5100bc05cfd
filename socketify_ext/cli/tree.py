"""`socketify-ext tree TARGET`: the extensions of an app in order, what each requires and adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..inspection.query import TIME_LIMIT
from .described import described_app
from .option_values import OptionValues
from .output import console, echo_json
from .target import AsJson, Target, Timeout

if TYPE_CHECKING:
    from rich.tree import Tree

    from ..inspection.app_description import AppDescription, AppExtension


def show_tree(
    target: Target, options: OptionValues = None, as_json: AsJson = False, timeout: Timeout = TIME_LIMIT
) -> None:
    """Show the extensions of an app in order, what each requires, and the members it adds."""
    described = described_app(target, timeout, options)
    if as_json:
        echo_json([_record(described, each) for each in described.extensions])
    else:
        console().print(_tree(described))


def _record(described: AppDescription, extension: AppExtension) -> dict[str, object]:
    keys = ("name", "distribution", "version", "file", "line", "summary", "required_by", "requires")
    members = [
        {"name": member.path, "signature": member.signature, "is_async": member.is_async}
        for member in described.members
        if member.extension == extension.name
    ]
    return {**{key: getattr(extension, key) for key in keys}, "members": members, "lost": _lost(described, extension)}


def _lost(described: AppDescription, extension: AppExtension) -> list[str]:
    """Return the members of an extension that those of another one replace."""
    return [
        settled.member
        for settled in described.settled
        if settled.winner != extension.name and extension.name in [each.extension for each in settled.providers]
    ]


def _tree(described: AppDescription) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    core = f"socketify {described.core}, {'installed' if described.installed else 'a stock app'}"
    tree = Tree(Text.assemble((described.target, "bold"), f" ({core})"))
    if not described.extensions:
        tree.add("no extensions")
    for each in described.extensions:
        head = Text.assemble((each.name, "bold"), f" ({each.location})")
        if each.required_by:
            head.append(f", required by {each.required_by}")
        if each.requires:
            head.append(f", requires {', '.join(each.requires)}")
        branch = tree.add(head)
        for member in described.members:
            if member.extension == each.name:
                branch.add(Text(f"{member.prefix}{member.path}{member.signature}"))
        for name in _lost(described, each):
            winner = next(settled.winner for settled in described.settled if settled.member == name)
            branch.add(Text(f"{name}: {winner}'s is there instead", "dim"))
    return tree
