"""`socketify-ext why MEMBER TARGET`: where a member comes from, and what it replaces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ..inspection.query import TIME_LIMIT
from .described import described_app
from .option_values import OptionValues
from .output import console, echo_json
from .target import AsJson, Target, Timeout

if TYPE_CHECKING:
    from socketify_ext.errors import ExtensionError

    from ..inspection.app_description import AppDescription, ScopeDescription
    from ..inspection.member import Member

_ALIASES: Final = {"req": "request", "res": "response", "websocket": "ws", "socket": "ws"}

MemberName = Annotated[
    str, typer.Argument(metavar="MEMBER", help="A member with what it is on, as in request.get_user.")
]


def explain_member(
    member: MemberName,
    target: Target,
    options: OptionValues = None,
    as_json: AsJson = False,
    timeout: Timeout = TIME_LIMIT,
) -> None:
    """Show where a member comes from: extension, distribution, file and line, and what it overrides."""
    from socketify_ext.sdk.spec import TARGETS

    if _is_target(member) and not _is_target(target):
        raise _malformed(member, f"Write the member first: socketify-ext why {target} {member}")
    described = described_app(target, timeout, options)
    kind, _, name = member.partition(".")
    if kind not in TARGETS or not name.isidentifier():
        raise _malformed(member, _meant(member, described))
    found = [(scope, each) for scope in described.subtree() for each in scope.members if each.path == member]
    if not found and name not in described.own_names[kind]:
        raise _unknown(member, described)
    if as_json:
        records = [_record(each, scope, described) for scope, each in found]
        echo_json(records[0] | {"elsewhere": records[1:]} if records else _core_record(member, described))
    else:
        _print(member, found, described)


def _is_target(text: str) -> bool:
    """Whether a text is written as a target is, `module:attribute`, and not as a member."""
    return ":" in text


def _malformed(member: str, fix: str) -> ExtensionError:
    from socketify_ext.errors import MemberNameError

    return MemberNameError(f"member {member!r}", "can't be explained", "it is not the name of a member", fix)


def _meant(member: str, described: AppDescription) -> str:
    """Return the fix of a malformed name: the members that somebody may have meant who left its target out, or wrote
    `req.` or `get-user()`.
    """
    from socketify_ext.sdk.spec import TARGETS
    from socketify_ext.sdk.suggest import close_names, did_you_mean

    kind, dot, name = member.partition(".") if "." in member else ("", "", member)
    kind = _ALIASES.get(kind.lower(), kind)
    name = re.sub(r"\W+", "_", name.removesuffix("()"))
    known = [f"{target}.{own}" for target in TARGETS for own in described.own_names[target]]
    known += [each.path for scope in described.subtree() for each in scope.members]
    if dot and kind in TARGETS:
        wanted = f"{kind}.{name}"
        close = [wanted] if wanted in known else list(close_names(wanted, known))
    else:
        by_name = {each.partition(".")[2] for each in known}
        names = [name] if name in by_name else close_names(name, by_name)
        close = [path for each in names for target in TARGETS if (path := f"{target}.{each}") in known]
    return did_you_mean(close) or "Write it as in request.get_user; it is on request, response or ws"


def _unknown(member: str, described: AppDescription) -> ExtensionError:
    from socketify_ext.errors import MemberNameError
    from socketify_ext.sdk.spec import TARGETS
    from socketify_ext.sdk.suggest import suggestion

    kind, _, name = member.partition(".")
    added = [each.path for scope in described.subtree() for each in scope.members]
    elsewhere = [f"{other}.{name}" for other in TARGETS if f"{other}.{name}" in added]
    known = [*added, *(f"{kind}.{own}" for own in described.own_names[kind])]
    close = f"Did you mean '{elsewhere[0]}'?" if elsewhere else suggestion(member, known)
    fix = close or f"See all members with `socketify-ext tree {described.target}`"
    return MemberNameError(f"member {member!r}", "can't be explained", f"{described.target} has no such member", fix)


def _core_record(name: str, described: AppDescription) -> dict[str, Any]:
    return {"member": name, "extension": None, "distribution": "socketify", "version": described.core}


def _record(member: Member, scope: ScopeDescription, described: AppDescription) -> dict[str, Any]:
    extension, settled = scope.extension_of(member), scope.settled_at(member.path)
    return {
        "member": member.path,
        "scope": scope.prefix,
        "signature": member.signature,
        "is_async": member.is_async,
        "doc": member.doc,
        "extension": extension.name,
        "distribution": extension.distribution,
        "version": extension.version,
        "file": member.file,
        "line": member.line,
        "renamed_from": member.renamed_from,
        "overrides_core": described.replaces_own(member),
        "instead_of": [each.extension for each in settled.providers if each.extension != extension.name]
        if settled
        else [],
        "settled_by": settled.by if settled else None,
        "required_by": extension.required_by,
        "requires": extension.requires,
        "parameters": None if member.parameters is None else [asdict(each) for each in member.parameters],
    }


def _print(name: str, found: Sequence[tuple[ScopeDescription, Member]], described: AppDescription) -> None:
    out = console()
    if not found:
        out.print(name, style="bold")
        out.print(f"  no extension added it: it is socketify's own ({described.core})")
    for scope, member in found:
        out.print(f"{member.prefix}{name}{member.signature}", style="bold")
        for line in member.doc.splitlines()[:1]:
            out.print(f"  {line}")
        for line in _told(name, member, scope, described):
            out.print(f"  {line}")


def _told(name: str, member: Member, scope: ScopeDescription, described: AppDescription) -> Iterator[str]:
    extension = scope.extension_of(member)
    origin = f", of {extension.origin}" if extension.origin else ", declared by the program"
    where = f", in the scope {scope.label}" if scope.label else ""
    yield f"added by extension '{extension.name}'{origin}{where}"
    yield f"at {member.file}:{member.line}"
    if member.renamed_from:
        yield f"renamed from {member.target}.{member.renamed_from}"
    if described.replaces_own(member):
        yield f"overrides socketify's own {name}"
    settled = scope.settled_at(name)
    for other in settled.providers if settled else ():
        if settled and other.extension != extension.name:
            by = {"override": "it declares override", "hook": "a plugin's hook chose it"}
            why = by.get(settled.by, f"the app has on_collision={settled.by!r}")
            yield f"instead of that of '{other.extension}' ({other.file}:{other.line}): {why}"
    if extension.required_by:
        yield f"'{extension.name}' is there because '{extension.required_by}' requires it"
    for each in scope.extensions:
        if each.name != extension.required_by and extension.name in [_name(text) for text in each.requires]:
            yield f"'{each.name}' requires '{extension.name}' too"


def _name(requirement: str) -> str:
    return re.split(r"[<>=!~ ]", requirement, maxsplit=1)[0]
