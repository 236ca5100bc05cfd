"""An app's members, declared again for other objects."""

from __future__ import annotations

from collections.abc import Mapping

from ..sdk.declaration import Extension, extension
from ..sdk.spec import TARGETS, ComputedSpec, MemberSpec, MethodSpec
from ..sdk.surface import Surface


def redeclare(members: Mapping[str, MemberSpec]) -> Extension:
    """Declare an app's members again, for other objects."""

    @extension("members")
    def add(request: Surface, response: Surface, ws: Surface) -> None:
        surfaces = dict(zip(TARGETS, (request, response, ws), strict=True))
        for member in members.values():
            surface = surfaces[member.target]
            if isinstance(member, MethodSpec):
                surface.method(member.function, name=member.name, override=True)
            elif isinstance(member, ComputedSpec):
                surface.property(member.function, name=member.name, override=True)
            elif member.default_factory is not None:
                surface.property(member.name, default_factory=member.default_factory, override=True)
            else:
                surface.property(member.name, member.default, override=True)

    return add
