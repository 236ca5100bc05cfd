"""All extensions and members of an app as plain data, for `stubs`, `why`, `tree` and `lock`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socketify_ext.registry.compatibility import core_version
from socketify_ext.sdk.spec import TARGETS

from .description import ExtensionDescription, common_parts
from .member import Member, describe_member
from .route import Route, describe_route

if TYPE_CHECKING:
    from socketify_ext.sdk.inspection import Inspection
    from socketify_ext.sdk.spec import ExtensionSpec


@dataclass(frozen=True)
class AppExtension(ExtensionDescription):
    """One extension of an app, and the extension that required it, if any."""

    required_by: str | None


@dataclass(frozen=True)
class SettledCollision:
    """A collision that was settled: all providers in order, the extension that won, and by what."""

    member: str
    providers: list[Member]
    winner: str
    by: str


@dataclass(frozen=True)
class ScopeDescription:
    """What an app or a scope in it has of its own.

    Attributes:
        label: the prefix, with a number where others have the same; "" for the app.
        prefix: of all its paths.
        extensions: those that are registered here, in resolved order.
        members: those that they add here, in the order of the extensions.
        settled: the collisions that they take part in.
        routes: those that were added here.
        scopes: the scopes in it.
    """

    label: str
    prefix: str
    extensions: list[AppExtension]
    members: list[Member]
    settled: list[SettledCollision]
    routes: list[Route]
    scopes: list[ScopeDescription]

    def extension_of(self, member: Member) -> AppExtension:
        """Return the extension that adds a member."""
        return next(each for each in self.extensions if each.name == member.extension)

    def settled_at(self, member: str) -> SettledCollision | None:
        """Return the collision of a member here, by "target.name"."""
        return next((settled for settled in self.settled if settled.member == member), None)

    def subtree(self) -> Iterator[ScopeDescription]:
        """Yield this one and the scopes in it, each behind the one above it."""
        yield self
        for scope in self.scopes:
            yield from scope.subtree()


@dataclass(frozen=True)
class AppDescription(ScopeDescription):
    """All that extensions add to the requests, responses and WebSockets of a target.

    Attributes:
        target: as the user wrote it.
        installed: whether the members are on a `socketify_ext.App`, else on a stock app.
        core: the core's version.
        own_names: the names that the core's and this package's own classes have, for each target.
    """

    target: str
    installed: bool
    core: str
    own_names: dict[str, list[str]]

    def every_member(self) -> tuple[list[Member], list[str]]:
        """Return the members of the app and of all scopes, one of each name, and how others of its name differ."""
        found: dict[str, Member] = {}
        problems = []
        for scope in self.subtree():
            for member in scope.members:
                first = found.setdefault(member.path, member)
                if (first.kind, first.exact_signature, first.is_async) != (
                    member.kind,
                    member.exact_signature,
                    member.is_async,
                ):
                    problems.append(
                        f"{member.path} has the type of extension {first.extension!r}; in the scope {scope.label} it is "
                        f"that of {member.extension!r}: {member.signature}"
                    )
        return list(found.values()), problems

    def replaces_own(self, member: Member) -> bool:
        """Whether a member overrides one of the core's."""
        return member.name in self.own_names[member.target]


def describe_app(target: str, inspection: Inspection, *, installed: bool) -> AppDescription:
    """Describe what extensions add to an app: a `socketify_ext.App` where `installed`, else a stock app."""
    import socketify

    import socketify_ext

    home: Any = socketify_ext if installed else socketify
    bases = {"request": home.Request, "response": home.Response, "ws": home.WebSocket}
    return AppDescription(
        **_parts("", inspection, Counter()),
        target=target,
        installed=installed,
        core=core_version() or "unknown",
        own_names={name: _public_names(bases[name]) for name in TARGETS},
    )


def _parts(label: str, inspection: Inspection, labels: Counter[str]) -> dict[str, Any]:
    """Return the parts of a `ScopeDescription`; `labels` counts those that are taken."""
    own = [spec for spec in inspection.order if spec.name in inspection.own]
    rank = {spec.name: index for index, spec in enumerate(own)}
    added = [member for member in inspection.members.values() if member.provenance.extension in rank]
    settled = [
        SettledCollision(
            f"{each.collision.target}.{each.collision.name}",
            [describe_member(provider) for provider in each.collision.providers],
            each.winner.provenance.extension,
            each.by,
        )
        for each in inspection.settled
        if any(provider.provenance.extension in rank for provider in each.collision.providers)
    ]
    return {
        "label": label,
        "prefix": inspection.prefix,
        "extensions": [_extension(spec) for spec in own],
        "members": [
            describe_member(member) for member in sorted(added, key=lambda each: rank[each.provenance.extension])
        ],
        "settled": settled,
        "routes": [describe_route(route, label) for route in inspection.routes],
        "scopes": [ScopeDescription(**_parts(_label(each, labels), each, labels)) for each in inspection.scopes],
    }


def _label(inspection: Inspection, labels: Counter[str]) -> str:
    label = inspection.prefix or "(no prefix)"
    labels[label] += 1
    return label if labels[label] == 1 else f"{label}~{labels[label]}"


def _extension(spec: ExtensionSpec) -> AppExtension:
    parts = common_parts(spec.provenance, spec.summary, spec.requires)
    return AppExtension(**parts, required_by=spec.provenance.required_by)


def _public_names(kind: type[Any]) -> list[str]:
    return sorted(name for name in dir(kind) if not name.startswith("_"))
