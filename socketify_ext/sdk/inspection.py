"""`Inspection`: the extensions, members, hooks and routes of an app or of a scope in it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .provenance import location, source_location
from .request_hooks import RequestHook
from .resolution import Settled
from .route_info import RouteInfo
from .spec import ComputedSpec, ExtensionSpec, MemberSpec, MethodSpec

_INDENT: Final = "    "


@dataclass(frozen=True)
class Inspection:
    """The extensions of an app or of a scope in it.

    Attributes:
        order: all that are in effect, those of the scopes above too, in resolved order.
        members: those in effect, by "target.name".
        settled: the settled collisions.
        prefix: of the scope, "" for the app.
        own: the names of those that are registered here, and not above.
        routes: those that were added here, and not in a scope below.
        hooks: those of its routes, in order.
        scopes: the scopes in it.
    """

    order: tuple[ExtensionSpec, ...]
    members: dict[str, MemberSpec]
    settled: tuple[Settled, ...]
    prefix: str = ""
    own: tuple[str, ...] = ()
    routes: tuple[RouteInfo, ...] = ()
    hooks: tuple[RequestHook, ...] = ()
    scopes: tuple[Inspection, ...] = ()

    def __str__(self) -> str:
        """Return the extensions in order as a tree, with members, hooks and routes; then the program's own, and the scopes."""
        return "\n".join(_lines(self, "", ()))


def _lines(inspection: Inspection, indent: str, above: Iterable[RequestHook]) -> Iterator[str]:
    hooks = [hook for hook in inspection.hooks if hook not in above]
    shown = set()
    for spec in inspection.order:
        if spec.name in inspection.own:
            shown.add(spec.name)
            asked = f", required by {spec.provenance.required_by}" if spec.provenance.required_by else ""
            yield f"{indent}{spec.provenance}{asked}"
            yield from _branches(indent, _parts(inspection, spec.name, hooks))
    others = [_hook(hook) for hook in hooks if hook.provenance is None or hook.provenance.extension not in shown]
    others += [_route(route) for route in inspection.routes if route.extension not in shown]
    if others:
        yield f"{indent}the program's own"
        yield from _branches(indent, others)
    for scope in inspection.scopes:
        yield f"{indent}scope {scope.prefix or 'without a prefix'}"
        yield from _lines(scope, f"{indent}{_INDENT}", inspection.hooks)


def _parts(inspection: Inspection, name: str, hooks: Iterable[RequestHook]) -> list[str]:
    """Return what an extension has in an app or a scope, a line for each part."""
    members = [_member(each) for each in inspection.members.values() if each.provenance.extension == name]
    own = [_hook(hook) for hook in hooks if hook.provenance is not None and hook.provenance.extension == name]
    return [*members, *own, *(_route(route) for route in inspection.routes if route.extension == name)]


def _branches(indent: str, lines: list[str]) -> Iterator[str]:
    for index, line in enumerate(lines, 1):
        yield f"{indent}{'└──' if index == len(lines) else '├──'} {line}"


def _member(member: MemberSpec) -> str:
    kind = "computed " if isinstance(member, ComputedSpec) else ""
    if isinstance(member, MethodSpec) and member.is_async:
        kind = "async "
    return f"{kind}{member.target}.{member.name}{member.signature}"


def _hook(hook: RequestHook) -> str:
    below = f" below /{'/'.join(hook.prefix)}" if hook.prefix else ""
    chosen = ", for chosen routes" if hook.where is not None else ""
    return f"{hook.event} {_function(hook.function)}{below}{chosen}"


def _route(route: RouteInfo) -> str:
    options = ", ".join(route.options)
    return f"{route.method} {route.pattern} {_handler(route.handler)}" + (f", with {options}" if options else "")


def _handler(handler: Any) -> str:
    """Return what answers a route: a function, or of a WebSocket the events that have one."""
    if isinstance(handler, Mapping):
        return ", ".join(str(event) for event, each in handler.items() if callable(each)) or "no handlers"
    return _function(handler)


def _function(function: Any) -> str:
    name = str(getattr(function, "__qualname__", type(function).__name__)).rpartition("<locals>.")[2]
    prefix = "async " if _is_async(function) else ""
    file, line = source_location(function)
    return f"{prefix}{name} ({location(file, line)})" if line else f"{prefix}{name}"


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(inspect.unwrap(function)) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - of an object whose calls are awaited
    )
