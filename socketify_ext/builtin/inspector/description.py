"""What the inspector shows of an app, as plain data."""

from __future__ import annotations

import inspect as python_inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, SecretBytes, SecretStr

from ...sdk.provenance import location, source_location
from .grade import written_grade
from .requests import is_counting

_MASK: Final = "•••"
_LONGEST: Final = 200  # characters of an option's value


def describe(app: Any) -> dict[str, Any]:
    """Return extensions, members, routes and hooks of an app and of its scopes, and whether it runs on speedups."""
    return {**_scope(app.inspect(), ()), "speedups": app.speedups}


def _scope(inspection: Any, above: Sequence[Any]) -> dict[str, Any]:
    return {
        "prefix": inspection.prefix,
        "extensions": [
            {**_extension(spec), "members": [*_members(spec, inspection)], "overrides": [*_overrides(spec, inspection)]}
            for spec in inspection.order
            if spec.name in inspection.own
        ],
        "routes": [_route(route) for route in inspection.routes],
        "hooks": [_hook(hook) for hook in inspection.hooks if hook not in above and not is_counting(hook.function)],
        "collisions": [_collision(each) for each in inspection.settled],
        "scopes": [_scope(each, inspection.hooks) for each in inspection.scopes],
    }


def _extension(spec: Any) -> dict[str, Any]:
    provenance = spec.provenance
    options = spec.identity[1] if len(spec.identity) > 1 else None
    return {
        "name": spec.name,
        "summary": spec.summary,
        "distribution": provenance.distribution,
        "version": provenance.version,
        "location": provenance.location,
        "grade": written_grade(spec.name, provenance.distribution, provenance.file),
        "required_by": provenance.required_by,
        "requires": [str(each) for each in spec.requires],
        "before": list(spec.before),
        "after": list(spec.after),
        "options": dict(_options(options)) if isinstance(options, BaseModel) else {},
    }


def _options(options: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the options as text; what its model hides is masked."""
    for name, field in type(options).model_fields.items():
        value = getattr(options, name)
        if not field.repr or isinstance(value, (SecretStr, SecretBytes)):
            yield f"{prefix}{name}", "" if value is None else _MASK
        elif isinstance(value, BaseModel):
            yield from _options(value, f"{prefix}{name}.")
        elif callable(value):
            yield f"{prefix}{name}", _named(value)
        else:
            yield f"{prefix}{name}", repr(value)[:_LONGEST]


def _members(spec: Any, inspection: Any) -> Iterator[dict[str, Any]]:
    for member in inspection.members.values():
        if member.provenance.extension == spec.name:
            yield {
                "target": member.target,
                "name": member.name,
                "kind": member.kind,
                "signature": member.signature,
                "is_async": bool(getattr(member, "is_async", False)),
                "doc": getattr(member, "doc", ""),
                "deprecated": getattr(member, "deprecated", None),
                "location": member.provenance.location,
            }


def _overrides(spec: Any, inspection: Any) -> Iterator[str]:
    """Yield the extensions whose members this one replaces."""
    for settled in inspection.settled:
        if settled.winner.provenance.extension == spec.name:
            for provider in settled.collision.providers:
                if provider.provenance.extension != spec.name:
                    yield provider.provenance.extension


def _collision(settled: Any) -> dict[str, Any]:
    return {
        "member": f"{settled.collision.target}.{settled.collision.name}",
        "providers": [each.provenance.extension for each in settled.collision.providers],
        "winner": settled.winner.provenance.extension,
        "by": settled.by,
    }


def _route(route: Any) -> dict[str, Any]:
    return {
        "method": route.method,
        "pattern": route.pattern,
        "scope": route.scope,
        "location": route.location,
        "extension": route.extension,
        "handler": _handler(route.handler),
        "options": {name: repr(value)[:_LONGEST] for name, value in route.options.items()},
    }


def _handler(handler: Any) -> str:
    if isinstance(handler, Mapping):
        return ", ".join(str(event) for event, function in handler.items() if callable(function))
    return _named(handler)


def _hook(hook: Any) -> dict[str, Any]:
    return {
        "event": hook.event,
        "function": _named(hook.function),
        "is_async": python_inspect.iscoroutinefunction(hook.function),
        "extension": None if hook.provenance is None else hook.provenance.extension,
        "prefix": "/" + "/".join(hook.prefix),
        "location": location(*source_location(hook.function)),
    }


def _named(function: Any) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__
