"""The child process that loads a target and describes it: `python -m socketify_ext.inspection.worker`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from socketify_ext import errors
from socketify_ext.registry.registry import DISABLE_VARIABLE
from socketify_ext.sdk.declaration import Extension

from .given_options import GivenOptions
from .hooks import hook_names, load_hooks_of
from .loading import load_target, without_serving
from .missing_stubs import stubs_stand_in
from .process import EventWriter, run_child
from .unconfigured import LenientRegistry

if TYPE_CHECKING:
    from socketify_ext.app import App


_PROBE: Final = "socketify-ext.cli"


def _nothing(request: Any, response: Any, ws: Any) -> None:
    """Add nothing."""


class Inspector:
    """Answer one question about a target, as `Query` asks it.

    Args:
        request: the parts of the query.
        served: the apps that have served so far.
    """

    def __init__(self, request: dict[str, Any], served: Sequence[Any]) -> None:
        self._target: str = request["target"]
        self._question: str = request["question"]
        self._given = GivenOptions(request["options"])
        self._stub = request["stub"]
        self._served = served
        self._registry = _without_options() if self._question == "project" else LenientRegistry()
        self._extension: Extension | None = None

    def answer(self) -> dict[str, Any]:
        """Load the target and return the parts of an `Answer`.

        Raises:
            ExtensionError: it is not a target, or fails.
        """
        if self._question == "hooks":
            load_hooks_of(self._target)
            return _answered(None)
        if self._question == "manifest":
            return _answered(_manifest(self._target))
        with self._given.in_effect(), stubs_stand_in(self._stub) as missing:
            try:
                found = self._loaded()
                value = self._described(found)
            except errors.ExtensionError as error:
                raise self._given.advised(error, self._target, self._extension) from error.__cause__
        self._given.check_used(self._target)
        own = None if self._extension is None else self._extension.name
        lacking = () if self._question == "extension" else self._registry.unconfigured.values()
        return _answered(
            value,
            [*missing, *(each.problem(own) for each in lacking if not each.stops)],
            [each.problem(own) for each in lacking if each.stops],
        )

    def _described(self, found: Any) -> Any:
        if self._question == "extension":
            return self._described_extension(found)
        app = self._app_of(found)
        if self._question == "app":
            return self._described_app(app)
        if self._question == "project" and self._extension is not None:
            return {
                "app": self._described_app(app),
                "options": {name: self._registry.given_or_stand_ins(name) for name in self._registry.required},
                "lacking": {name: [each.missing, each.because] for name, each in self._registry.unconfigured.items()},
                **_manifest(self._extension.name),
            }
        module, _, function = self._question.partition(":")
        return getattr(importlib.import_module(module), function)(app)

    def _loaded(self) -> Any:
        """Return an app, or an extension with the options that the command and the environment have for it."""
        found = load_target(self._target, self._registry, self._served)
        if not isinstance(found, Extension):
            return found
        self._extension = found
        self._given.belong_to(found)
        if found.loader == self._registry.load:
            return self._registry.load(self._target)
        return self._registry.describable(found, self._given.of(found))

    def _described_extension(self, found: Any) -> Any:
        import socketify_ext

        from .description import describe

        if not isinstance(found, Extension):
            raise errors.TargetError(
                f"target {self._target!r}",
                "can't be shown",
                "it is an app",
                f"See what is on it with `socketify-ext tree {self._target}`",
                target=self._target,
            )
        hooks, problems = hook_names(found.distribution) if found.distribution else ([], [])
        app = socketify_ext.App(registry=self._registry)
        for requirement in found.requirements:  # they may set what the extension reads of the app
            try:
                app.register(self._registry.load(requirement.name))
            except Exception:  # noqa: S112 - what is required is shown by its name, and may be away or broken
                continue
        description, sound = describe(found, hooks, app)
        return {"description": asdict(description), "sound": sound, "problems": problems}

    def _app_of(self, found: Any) -> App:
        """Return an app as it is, and an extension on an app of its own."""
        import socketify_ext

        if not isinstance(found, Extension):
            app: App = found
            return app
        app = socketify_ext.App(registry=self._registry)
        app.register(found)
        return app

    def _described_app(self, app: App) -> Any:
        import socketify_ext

        from .app_description import describe_app

        installed = isinstance(app, socketify_ext.App)
        inspection = socketify_ext.inspect(app)
        if not installed and not inspection.order:  # the core only records what bare functions add
            app.register(Extension(_nothing, _PROBE))
            inspection = socketify_ext.inspect(app)
            own = tuple(spec for spec in inspection.order if spec.name != _PROBE)
            inspection = replace(inspection, order=own)
        return asdict(describe_app(self._target, inspection, installed=installed))


def _answered(value: Any, warnings: Sequence[str] = (), incomplete: Sequence[str] = ()) -> dict[str, Any]:
    """Return the parts of an `Answer`."""
    return {"value": value, "warnings": [*warnings], "incomplete": [*incomplete]}


def _without_options() -> LenientRegistry:
    """Return a registry for what is written to files: the same on every machine, with no secret of an environment."""
    disabled = os.environ.get(DISABLE_VARIABLE, "")
    return LenientRegistry(environment={DISABLE_VARIABLE: disabled})


def _manifest(name: str) -> Any:
    from .manifest import is_installed_copy, package_manifest

    registry = _without_options()
    path, manifest = package_manifest(name, registry)
    is_copy = is_installed_copy(registry.provider(name), path)
    return {"path": str(path), "is_installed_copy": is_copy, "text": manifest.text()}


def main(request: dict[str, Any], write_event: EventWriter) -> None:
    """Load the target and write the answer."""
    with without_serving() as served:
        write_event(answer=Inspector(request, served).answer())


if __name__ == "__main__":
    run_child(main)
