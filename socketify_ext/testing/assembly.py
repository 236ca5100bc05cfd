"""Extensions for a test: on an app, on fakes, in a registry of their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import errors
from ..registry.registry import Registry, load
from ..sdk.declaration import Extension, as_extension, extension
from ..sdk.spec import TARGETS, ComputedSpec
from ..sdk.suggest import suggestion

if TYPE_CHECKING:
    from ..app import App
    from ..sdk.spec import MemberSpec
    from ..sdk.surface import Surface

Registrable = Extension | Callable[..., None] | str


def extension_app(*extensions: Registrable, overrides: Mapping[str, Any] | None = None, **arguments: Any) -> App:
    """Make an app with extensions, ready for routes.

    Args:
        extensions: loaded or declared ones, bare functions, or names to load.
        overrides: replacements of members in this test, by "target.name": a function with `self` for a method or a
            computed property, any other value for a property.
        arguments: those of `socketify_ext.App`.

    Raises:
        ExtensionError: see `docs/errors.md`; MemberNameError where no extension has an overridden member.
    """
    from ..app import App, inspect

    app = App(**arguments)
    for each in found(extensions, arguments.get("registry")):
        app.register(each)
    if overrides:
        app.register(standing_in(overrides, inspect(app).members))
    return app


def isolated_registry(*extensions: Registrable) -> Registry:
    """Make a registry that finds these extensions and nothing that is installed: no plugins, no hooks, no built-ins.

    Give it to an app: `extension_app(mine, registry=isolated_registry(what_mine_requires))`.
    """
    registry = Registry(entry_points=False, environment={})
    for each in found(extensions):
        registry.add(each)
    return registry


def found(extensions: Sequence[Registrable], registry: Registry | None = None) -> list[Extension]:
    """Load extensions that are given by name, and wrap bare functions."""
    loaded = registry.load if registry is not None else load
    return [loaded(each) if isinstance(each, str) else as_extension(each) for each in extensions]


def standing_in(overrides: Mapping[str, Any], known: Mapping[str, MemberSpec]) -> Extension:
    """Make the extension that replaces members with `overrides`; `known` are the members by "target.name"."""
    unknown = [name for name in overrides if name not in known]
    if unknown:
        raise errors.MemberNameError(
            "overrides",
            f"names {unknown[0]}",
            "no extension of this test has such a member",
            suggestion(unknown[0], known) or f"There are {', '.join(known) or 'none'}",
        )

    @extension("overrides")
    def stand_in(request: Surface, response: Surface, ws: Surface) -> None:
        """Stand in for members in a test."""
        surfaces = dict(zip(TARGETS, (request, response, ws), strict=True))
        for place, value in overrides.items():
            target, _, name = place.partition(".")
            surface = surfaces[target]  # type: ignore[index]  # it is one of the known
            replaced = known[place]
            if isinstance(replaced, ComputedSpec):
                surface.property(_computing(value, is_async=replaced.is_async), name=name, override=True)
            elif callable(value):
                surface.method(value, name=name, override=True)
            else:
                surface.property(name, value, override=True)

    return stand_in


def _computing(value: Any, *, is_async: bool) -> Callable[[Any], Any]:
    """Return the function of a computed property in place of which a function or a value stands."""
    compute = value if callable(value) else lambda _: value

    def compute_now(self: Any) -> Any:  # a function, where `compute` is any object that can be called
        return compute(self)

    async def compute_async(self: Any) -> Any:
        found = compute(self)
        return await found if inspect.isawaitable(found) else found

    return compute_async if is_async else compute_now
