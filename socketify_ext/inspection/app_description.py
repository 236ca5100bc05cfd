"""All extensions and members of an app as plain data, for `stubs`, `why`, `tree` and `lock`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socketify_ext.registry.compatibility import core_version
from socketify_ext.sdk.spec import TARGETS

from .description import ExtensionDescription, common_parts
from .member import Member, describe_member

if TYPE_CHECKING:
    from socketify_ext.app import Inspection
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
class AppDescription:
    """All that extensions add to the requests, responses and WebSockets of a target.

    Args:
        target: as the user wrote it.
        installed: whether the members are on a `socketify_ext.App`, else on a stock app.
        core: the core's version.
        extensions: in resolved order.
        members: in the order of the extensions.
        settled: the collisions that were settled.
        own_names: the names that the core's and this package's own classes have, for each target.
    """

    target: str
    installed: bool
    core: str
    extensions: list[AppExtension]
    members: list[Member]
    settled: list[SettledCollision]
    own_names: dict[str, list[str]]

    def extension_of(self, member: Member) -> AppExtension:
        """Return the extension that adds a member."""
        return next(each for each in self.extensions if each.name == member.extension)

    def replaces_own(self, member: Member) -> bool:
        """Whether a member overrides one of the core's."""
        return member.name in self.own_names[member.target]


def describe_app(target: str, inspection: Inspection, *, installed: bool) -> AppDescription:
    """Describe what extensions add to an app: a `socketify_ext.App` where `installed`, else a stock app."""
    import socketify

    import socketify_ext

    home: Any = socketify_ext if installed else socketify
    bases = {"request": home.Request, "response": home.Response, "ws": home.WebSocket}
    rank = {spec.name: index for index, spec in enumerate(inspection.order)}
    members = sorted(inspection.members.values(), key=lambda member: rank[member.provenance.extension])
    settled = [
        SettledCollision(
            f"{each.collision.target}.{each.collision.name}",
            [describe_member(provider) for provider in each.collision.providers],
            each.winner.provenance.extension,
            each.by,
        )
        for each in inspection.settled
    ]
    return AppDescription(
        target=target,
        installed=installed,
        core=core_version() or "unknown",
        extensions=[_extension(spec) for spec in inspection.order],
        members=[describe_member(member) for member in members],
        settled=settled,
        own_names={name: _public_names(bases[name]) for name in TARGETS},
    )


def _extension(spec: ExtensionSpec) -> AppExtension:
    parts = common_parts(spec.provenance, spec.summary, spec.requires)
    return AppExtension(**parts, required_by=spec.provenance.required_by)


def _public_names(kind: type[Any]) -> list[str]:
    return sorted(name for name in dir(kind) if not name.startswith("_"))
