"""`socketify-ext tree TARGET`: the extensions of an app in order, its scopes and its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..inspection.query import TIME_LIMIT
from .described import described_app
from .option_values import OptionValues
from .output import console, echo_json
from .routes import head_of, record_of
from .target import AsJson, Target, Timeout

if TYPE_CHECKING:
    from rich.tree import Tree

    from ..inspection.app_description import AppExtension, ScopeDescription


def show_tree(
    target: Target, options: OptionValues = None, as_json: AsJson = False, timeout: Timeout = TIME_LIMIT
) -> None:
    """Show the extensions of an app in order, what each requires and adds, its routes, and the scopes in it."""
    described = described_app(target, timeout, options)
    if as_json:
        echo_json(_record(described))
        return
    from rich.text import Text
    from rich.tree import Tree

    core = f"socketify {described.core}, {'installed' if described.installed else 'a stock app'}"
    tree = Tree(Text.assemble((described.target, "bold"), f" ({core})"))
    _grow(tree, described)
    console().print(tree)


def _record(scope: ScopeDescription) -> dict[str, Any]:
    """Return an app or a scope as JSON."""
    return {
        "prefix": scope.prefix,
        "extensions": [_extension(scope, each) for each in scope.extensions],
        "routes": [record_of(route) for route in scope.routes],
        "scopes": [_record(each) for each in scope.scopes],
    }


def _extension(scope: ScopeDescription, extension: AppExtension) -> dict[str, object]:
    keys = ("name", "distribution", "version", "file", "line", "summary", "required_by", "requires")
    members = [
        {"name": member.path, "signature": member.signature, "is_async": member.is_async}
        for member in scope.members
        if member.extension == extension.name
    ]
    return {**{key: getattr(extension, key) for key in keys}, "members": members, "lost": _lost(scope, extension)}


def _lost(scope: ScopeDescription, extension: AppExtension) -> list[str]:
    """Return the members of an extension that those of another one replace."""
    return [
        settled.member
        for settled in scope.settled
        if settled.winner != extension.name and extension.name in [each.extension for each in settled.providers]
    ]


def _grow(tree: Tree, scope: ScopeDescription) -> None:
    """Add what an app or a scope has to its branch."""
    from rich.text import Text

    if not (scope.extensions or scope.scopes or scope.routes):
        tree.add("no extensions")
    for each in scope.extensions:
        head = Text.assemble((each.name, "bold"), f" ({each.location})")
        if each.required_by:
            head.append(f", required by {each.required_by}")
        if each.requires:
            head.append(f", requires {', '.join(each.requires)}")
        branch = tree.add(head)
        for member in scope.members:
            if member.extension == each.name:
                branch.add(Text(f"{member.prefix}{member.path}{member.signature}"))
        for name in _lost(scope, each):
            winner = next(settled.winner for settled in scope.settled if settled.member == name)
            branch.add(Text(f"{name}: {winner}'s is there instead", "dim"))
    for route in scope.routes:
        tree.add(Text(head_of(route)))
    for below in scope.scopes:
        _grow(tree.add(Text.assemble("scope ", (below.label, "bold"))), below)
