"""The places where the SDK takes functions, replaced so that those functions are observed.

The process that does so serves probes and nothing else.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from ..runtime.patterns import EVENTS
from ..runtime.request import Request
from ..sdk.app_surface import AppSurface
from ..sdk.declared_route import DeclaredRoute
from ..sdk.provenance import Provenance
from ..sdk.request_hooks import RequestHook
from .observation import current, note_late_reads
from .part import Part, part_of, service_part
from .watch import Watch

_GETTERS: Final = {
    "get_header": "header",
    "get_header_list": "header",
    "get_header_lines": "header",
    "get_query": "query",
    "get_query_list": "query",
    "get_cookie": "cookie",
    "get_cookie_list": "cookie",
}


def watch_all(watch: Watch) -> None:
    """Watch all that this process declares from now on."""
    note_late_reads()
    handler = logging.Handler(logging.ERROR)
    handler.emit = watch.log  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    _watch_hooks(watch)
    _watch_surface(watch)
    _watch_reads(watch)


def _watch_hooks(watch: Watch) -> None:
    make = RequestHook.__init__

    def init(hook: Any, event: Any, function: Any, prefix: Any = (), provenance: Any = None, where: Any = None) -> None:
        path = "/" + "/".join(prefix) if prefix else ""
        part = part_of("hook", event, function, provenance, path)
        make(hook, event, watch.watched(part, function), prefix, provenance, where)

    setattr(RequestHook, "__init__", init)  # noqa: B010 - mypy knows it as a method


def _watch_surface(watch: Watch) -> None:
    add_route, lifecycle, route_option = AppSurface._add_route, AppSurface._lifecycle, AppSurface.route_option
    json_serializer, use_backplane = AppSurface.json_serializer, AppSurface.use_backplane

    def watched_route(surface: Any, route: DeclaredRoute) -> Any:
        return add_route(surface, replace(route, target=_target(watch, surface._provenance, route)))

    def watched_lifecycle(surface: Any, name: str, functions: Any, function: Any) -> Any:
        part = part_of("lifecycle", name, function, surface._provenance)
        lifecycle(surface, name, functions, watch.watched(part, function))
        return function

    def watched_option(surface: Any, name: Any, *, type: Any = Any, apply: Any = None) -> None:
        part = part_of("route option", str(name), apply, surface._provenance)
        watch.options[str(name)] = type
        if apply is None:
            watch.parts.append(part)
        route_option(surface, name, type=type, apply=watch.watched(part, apply))

    def watched_serializer(surface: Any, serializer: Any) -> None:
        watch.parts.append(service_part("serializer", "json_serializer", surface._provenance))
        json_serializer(surface, serializer)

    def watched_backplane(surface: Any, backplane: Any) -> None:
        watch.parts.append(service_part("backplane", "use_backplane", surface._provenance))
        use_backplane(surface, backplane)

    changes = {
        "_add_route": watched_route,
        "_lifecycle": watched_lifecycle,
        "route_option": watched_option,
        "json_serializer": watched_serializer,
        "use_backplane": watched_backplane,
    }
    for name, function in changes.items():
        setattr(AppSurface, name, function)


def _target(watch: Watch, provenance: Provenance, route: DeclaredRoute) -> Any:
    """Watch the handler of a route, or those of a WebSocket's events."""
    path, target = f"{provenance.scope}{route.path}", route.target
    if route.method == "ws" and isinstance(target, Mapping):
        events = [event for event in target if event in EVENTS]
        parts = {event: part_of("event", event, target[event], provenance, path) for event in events}
        return {**target, **{event: watch.watched(part, target[event]) for event, part in parts.items()}}
    if not callable(target):  # a folder
        name = f"{route.method} {path}"
        watch.parts.append(Part(name, "route", route.location, provenance.extension, route.method, path))
        return target
    return watch.watched(part_of("route", route.method, target, provenance, path), target)


def _watch_reads(watch: Watch) -> None:
    for getter, what in _GETTERS.items():
        setattr(Request, getter, _noting(watch, what, getattr(Request, getter)))


def _noting(watch: Watch, what: str, inner: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(inner)
    def noting(request: Any, name: Any, *more: Any, **options: Any) -> Any:
        if current.get() is not None:
            watch.reads[what].add(name.decode(errors="replace") if isinstance(name, bytes) else str(name))
        return inner(request, name, *more, **options)

    return noting
