"""Missing annotations and docstrings of a member."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from ..sdk.spec import MISSING, ComputedSpec, MemberSpec, PropertySpec
from .report import Finding


def lint(member: MemberSpec) -> Iterator[Finding]:
    """Yield findings for missing annotations and docstrings of one member."""
    place = member.provenance.location
    if isinstance(member, PropertySpec):
        if member.type is None:
            yield Finding("types", f"property {member.name} has no type", place=place)
        return
    if not member.doc:
        yield Finding("docs", f"{member.name} has no docstring", place=place)
    if isinstance(member, ComputedSpec):
        if member.returns is MISSING:
            yield Finding("types", f"the value of {member.name} has no annotation", place=place)
        return
    try:
        signature = inspect.signature(member.function)
    except ValueError:  # a builtin without a signature
        return
    bare = [name for name, each in list(signature.parameters.items())[1:] if each.annotation is each.empty]
    if bare:
        yield Finding("types", f"{', '.join(bare)} of {member.name} has no annotation", place=place)
    elif signature.return_annotation is signature.empty:
        yield Finding("types", f"the result of {member.name} has no annotation", place=place)
