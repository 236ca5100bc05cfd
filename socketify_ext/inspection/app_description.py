"""All extensions and members of an app as plain data: the one description that `stubs`, `why`, `tree`, `lock` read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socketify_ext.sdk.spec import TARGETS

from .member import Member, described

if TYPE_CHECKING:
    from socketify_ext.app import Inspection
    from socketify_ext.sdk.spec import ExtensionSpec


@dataclass(frozen=True)
class Source:
    """One extension of an app, and who asked for it."""

    name: str
    distribution: str | None
    version: str | None
    file: str
    line: int
    summary: str
    required_by: str | None
    requires: list[str]

    @property
    def origin(self) -> str:
        """Show the distribution and its version, or nothing for what a program declares itself."""
        return " ".join(part for part in (self.distribution, self.version) if part)


@dataclass(frozen=True)
class Contest:
    """A collision that was settled: all providers in order, the extension that won, and by what."""

    member: str
    providers: list[Member]
    winner: str
    by: str


@dataclass(frozen=True)
class AppDescription:
    """What a target puts on requests, responses and WebSockets.

    Args:
        target: what was asked for, as it was written.
        installed: whether the members are on a `socketify_ext.App`, else on a stock app.
        core: the core's version.
        extensions: in resolved order.
        members: in the order of the extensions.
        contests: the collisions that were settled.
        own_names: the names that the core's and this package's own classes have, for each target.
    """

    target: str
    installed: bool
    core: str
    extensions: list[Source]
    members: list[Member]
    contests: list[Contest]
    own_names: dict[str, list[str]]

    def source(self, member: Member) -> Source:
        """Give the extension that put a member there."""
        return next(source for source in self.extensions if source.name == member.extension)

    def replaces_own(self, member: Member) -> bool:
        """Tell whether a member stands in the place of one of the core's."""
        return member.name in self.own_names[member.target]


def describe_app(
    target: str, inspection: Inspection, bases: Mapping[str, type[Any]], *, installed: bool
) -> AppDescription:
    """Describe what is on an app; `bases` holds the classes that members are put on."""
    from importlib.metadata import version

    rank = {spec.name: index for index, spec in enumerate(inspection.order)}
    members = sorted(inspection.members.values(), key=lambda member: rank[member.provenance.extension])
    contests = [
        Contest(
            f"{settled.collision.target}.{settled.collision.name}",
            [described(provider) for provider in settled.collision.providers],
            settled.winner.provenance.extension,
            settled.by,
        )
        for settled in inspection.settled
    ]
    return AppDescription(
        target=target,
        installed=installed,
        core=version("socketify"),
        extensions=[_source(spec) for spec in inspection.order],
        members=[described(member) for member in members],
        contests=contests,
        own_names={name: _public_names(bases[name]) for name in TARGETS},
    )


def _source(spec: ExtensionSpec) -> Source:
    source = spec.provenance
    return Source(
        name=spec.name,
        distribution=source.distribution,
        version=source.version,
        file=source.file,
        line=source.line,
        summary=spec.summary,
        required_by=source.required_by,
        requires=[str(requirement) for requirement in spec.requires],
    )


def _public_names(kind: type[Any]) -> list[str]:
    return sorted(name for name in dir(kind) if not name.startswith("_"))
