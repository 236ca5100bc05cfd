"""Order extensions and settle collisions: pure functions over frozen specs."""

from __future__ import annotations

import graphlib
import heapq
import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from .. import errors
from .provenance import Provenance
from .spec import EVERY, ComputedSpec, ExtensionSpec, MemberSpec, MethodSpec, Requirement, Target
from .suggest import suggestion

Policy = Literal["error", "keep", "replace"]
NOT_REGISTERED: Final = "it is not registered"


@dataclass(frozen=True)
class Reserved:
    """Names of the core on one target: `state` may never be replaced, `public` with `override=True`."""

    public: frozenset[str]
    state: frozenset[str]


@dataclass(frozen=True)
class Collision:
    """Two or more providers for one member name, in resolved order."""

    target: Target
    name: str
    providers: tuple[MemberSpec, ...]

    def __str__(self) -> str:
        first, *others = (str(provider.provenance) for provider in self.providers)
        return f"{self.target}.{self.name} is added by {first} and by {' and '.join(others)}"


@dataclass(frozen=True)
class Settled:
    """A settled collision: its winner, and the reason ("override", "keep", "replace" or "hook")."""

    collision: Collision
    winner: MemberSpec
    by: str


@dataclass(frozen=True)
class Resolution:
    """The extensions in order, the winning members by target and name, and the settled collisions."""

    order: tuple[ExtensionSpec, ...] = ()
    members: Mapping[tuple[Target, str], MemberSpec] = field(default_factory=dict)
    settled: tuple[Settled, ...] = ()


Settle = Callable[[Collision], "str | None"]


def resolve(
    specs: Sequence[ExtensionSpec],
    reserved: Mapping[Target, Reserved] | None = None,
    *,
    policy: Policy = "error",
    settle: Settle | None = None,
) -> Resolution:
    """Order `specs`, guard the core's names and settle collisions.

    Args:
        specs: the extensions in registration order, one for each name.
        reserved: the core's names for each target; None guards nothing.
        policy: settles the collisions that no override and no hook settles: "keep" the earlier provider
            in resolved order, "replace" it by the later one, or "error".
        settle: called for each collision that no override settles; returns the name of the winning extension, or None.

    Raises:
        MissingRequirementError, OrderingCycleError, CoreNameError, CollisionError: all collisions at once.
    """
    check_requirements(specs)
    order, precedes = ordered(specs)
    reserved = reserved or {}
    guarded: set[tuple[Target, str]] = set()
    for target, names in reserved.items():
        guarded.update(zip(itertools.repeat(target), names.public | names.state, strict=False))
    members: dict[tuple[Target, str], MemberSpec] = {}
    contested: dict[tuple[Target, str], list[MemberSpec]] = {}
    for spec in order:
        if not guarded.isdisjoint(spec.by_name):
            _guard_core(spec, reserved)
        for key in members.keys() & spec.by_name.keys():
            contested.setdefault(key, [members[key]]).append(spec.by_name[key])
        members.update(spec.by_name)
    settled: list[Settled] = []
    open_collisions: list[Collision] = []
    for target, name in filter(contested.__contains__, list(members)):  # as they were first added
        found = contested[target, name]
        collision = Collision(target, name, tuple(found))
        decision = _by_override(found, precedes) or _by_hook(collision, settle) or _by_policy(found, policy)
        if decision is None:
            open_collisions.append(collision)
        else:
            members[target, name] = decision[0]
            settled.append(Settled(collision, *decision))
    if open_collisions:
        raise _collision_error(open_collisions, specs)
    return Resolution(order, members, tuple(settled))


def check_requirements(specs: Iterable[ExtensionSpec]) -> None:
    """Raise MissingRequirementError for the first requirement that `specs` do not meet."""
    present = {spec.name: spec for spec in specs}
    for spec in present.values():
        for requirement in spec.requires:
            found = present.get(requirement.name)
            if found is None:
                why = NOT_REGISTERED
                fix = suggestion(requirement.name, present.keys() - {spec.name})
                fix = fix or f"Install a plugin that provides '{requirement.name}', or register your own first"
            elif requirement.accepts(found.version):
                continue
            else:
                raise wrong_version(spec.provenance, requirement, found.provenance)
            raise errors.MissingRequirementError(
                f"extension {spec.provenance}",
                f"requires '{requirement}'",
                why,
                fix,
                requirement=requirement,
            )


def wrong_version(
    provenance: Provenance, requirement: Requirement, found: Provenance
) -> errors.MissingRequirementError:
    """Return the error of an extension whose requirement is there in a version that does not fit."""
    provider = found.distribution or f"'{requirement.name}'"
    return errors.MissingRequirementError(
        f"extension {provenance}",
        f"requires '{requirement}'",
        f"{found} has {f'version {found.version}' if found.version else 'no version'}",
        f"Install a version of {provider} that fits {requirement.specifier}",
        requirement=requirement,
    )


Precedes = Callable[[str, str], bool]


def ordered(specs: Sequence[ExtensionSpec]) -> tuple[tuple[ExtensionSpec, ...], Precedes]:
    """Sort by `requires`, `before` and `after`; ties go by the given order.

    Returns:
        The specs in order, and a function that checks whether one name was asked to come before another.

    Raises:
        OrderingCycleError: the constraints contradict each other.
    """
    rank: dict[str, int] = {}
    for index, spec in enumerate(specs):
        rank[spec.name] = index
    earlier = _earlier_names(specs, rank)

    def precedes(first: str, second: str) -> bool:
        return any(first in _reached(name, earlier) for name in earlier[second])

    if not any(earlier.values()):
        return tuple(specs), precedes
    sorter = graphlib.TopologicalSorter(earlier)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        cycle: list[str] = error.args[1]
        raise errors.OrderingCycleError(
            f"extensions {', '.join(str(specs[rank[name]].provenance) for name in dict.fromkeys(cycle))}",
            "can't be ordered",
            f"each must come before the next: {' -> '.join(cycle)}",
            "Drop one `before`, `after` or `requires` of this cycle",
            cycle=tuple(cycle),
        ) from None
    result: list[ExtensionSpec] = []
    ready: list[int] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(ready, rank[name])
        spec = specs[heapq.heappop(ready)]
        result.append(spec)
        sorter.done(spec.name)

    return tuple(result), precedes


def _earlier_names(specs: Sequence[ExtensionSpec], present: Mapping[str, int]) -> dict[str, set[str]]:
    """Return the names of the present extensions that each one must come after."""
    earlier: dict[str, set[str]] = {}
    for spec in specs:
        earlier[spec.name] = present.keys() & spec.after
        for requirement in spec.requires:
            if requirement.name in present:
                earlier[spec.name].add(requirement.name)
    for spec in specs:
        for name in present.keys() & spec.before:
            earlier[name].add(spec.name)
    for spec in specs:
        if EVERY in spec.before:
            _put_before_all(spec, specs, earlier)
        elif EVERY in spec.after:
            _put_after_all(spec, specs, earlier)
    return earlier


def _put_before_all(spec: ExtensionSpec, specs: Sequence[ExtensionSpec], earlier: dict[str, set[str]]) -> None:
    """Put an extension before all others, except those that must come earlier and those that say the same."""
    exempt = _reached(spec.name, earlier)
    for other in specs:
        if other.name not in exempt and EVERY not in other.before:
            earlier[other.name].add(spec.name)


def _put_after_all(spec: ExtensionSpec, specs: Sequence[ExtensionSpec], earlier: dict[str, set[str]]) -> None:
    """Put an extension after all others, except those that must come later and those that say the same."""
    later: dict[str, set[str]] = {each.name: set() for each in specs}
    for name, names in earlier.items():
        for each in names:
            later[each].add(name)
    exempt = _reached(spec.name, later)
    earlier[spec.name] |= {other.name for other in specs if other.name not in exempt and EVERY not in other.after}


def _reached(name: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Return a name and all that its edges lead to."""
    todo, seen = [name], set[str]()
    while todo:
        each = todo.pop()
        if each not in seen:
            seen.add(each)
            todo.extend(edges[each])
    return seen


def _guard_core(spec: ExtensionSpec, reserved: Mapping[Target, Reserved]) -> None:
    taken = []
    for member in spec.members:
        names = reserved.get(member.target)
        if names is None:
            continue
        if member.name in names.state or (member.name in names.public and not member.override):
            taken.append(member)
    if not taken:
        return
    first = taken[0]
    is_state = first.name in reserved[first.target].state
    raise errors.CoreNameError(
        f"extension {spec.provenance}",
        f"adds {_listed(taken)}",
        "socketify keeps its state there" if is_state else "socketify has an attribute of that name",
        f"Rename it: {_renaming(first)}" + ("" if is_state else f", or replace it on purpose: {_overriding(first)}"),
        members=tuple(taken),
    )


def _listed(members: Iterable[MemberSpec]) -> str:
    return " and ".join(f"{member.target}.{member.name} ({member.provenance.location})" for member in members)


def _renaming(member: MemberSpec) -> str:
    """Return the code that renames a member: where it is loaded, or else where it is declared."""
    source = member.provenance
    name = re.sub(r"\W", "_", f"{source.extension}_{member.name}")
    if not name.isidentifier():
        name = f"my_{name}"
    if source.distribution is not None:
        return f'load("{source.extension}").renamed({member.renamed_from or member.name}="{name}")'
    if isinstance(member, MethodSpec):
        return f'@{member.target}.method(name="{name}")'
    if isinstance(member, ComputedSpec):
        return f'@{member.target}.property(name="{name}")'
    return f'{member.target}.property("{name}")'


def _overriding(member: MemberSpec) -> str:
    """Return the code that makes a member an override."""
    source = member.provenance
    if source.distribution is None:
        return "override=True"
    return f'load("{source.extension}").overriding("{member.target}.{member.renamed_from or member.name}")'


Decision = tuple[MemberSpec, str]


def _by_override(found: Sequence[MemberSpec], precedes: Precedes) -> Decision | None:
    """Settle by `override=True`: it beats plain members, and among overrides the order constraints decide."""
    overriding = [member for member in found if member.override]
    if not overriding or len(found) - len(overriding) > 1:
        return None
    for first, second in itertools.pairwise(overriding):
        if not precedes(first.provenance.extension, second.provenance.extension):
            return None
    return overriding[-1], "override"


def _by_hook(collision: Collision, settle: Settle | None) -> Decision | None:
    winner = settle(collision) if settle is not None else None
    if winner is None:
        return None
    for provider in collision.providers:
        if provider.provenance.extension == winner:
            return provider, "hook"
    names = [provider.provenance.extension for provider in collision.providers]
    raise errors.HookError(
        "hook socketify_ext_collision",
        f"gave {winner!r} for {collision.target}.{collision.name}",
        "no provider has that name",
        f"Return {' or '.join(map(repr, names))}, or None",
    )


def _by_policy(found: Sequence[MemberSpec], policy: Policy) -> Decision | None:
    if policy == "error":
        return None
    return (found[0] if policy == "keep" else found[-1]), policy


def _collision_error(collisions: Sequence[Collision], specs: Sequence[ExtensionSpec]) -> errors.CollisionError:
    """Return the error of the extension that was registered last, which names all others."""
    by_name = {spec.name: spec for spec in specs}
    rank = {name: index for index, name in enumerate(by_name)}
    latest = [
        max(collision.providers, key=lambda provider: rank[provider.provenance.extension]) for collision in collisions
    ]
    extension = by_name[latest[0].provenance.extension]
    its_own = [member for member in latest if member.provenance.extension == extension.name]
    reasons = []
    for collision, member in zip(collisions, latest, strict=True):
        others = " and ".join(str(each.provenance) for each in collision.providers if each is not member)
        by = f"already added by {others}"
        if member not in its_own:
            by = f"added by {member.provenance}, and {by}"
        reasons.append(by if len(collisions) == 1 else f"{collision.target}.{collision.name} is {by}")
    member, rivals = latest[0], [each for each in collisions[0].providers if each is not latest[0]]
    leave_out = f', leave it out: load("{extension.name}").only(...)' if extension.provenance.distribution else ""
    if not member.override:
        win = f"let it win: {_overriding(member)}"
    else:
        win = f'declare which comes last: after=["{rivals[-1].provenance.extension}"]'
    return errors.CollisionError(
        f"extension {extension.provenance}",
        f"adds {_listed(its_own)}",
        "; ".join(reasons),
        f"Rename it: {_renaming(member)}{leave_out}, or {win}",
        collisions=tuple(collisions),
    )
