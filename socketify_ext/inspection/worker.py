"""The child process that loads a target and describes it: `python -m socketify_ext.inspection.worker`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any, Final

from socketify_ext import errors
from socketify_ext.registry.registry import Registry
from socketify_ext.sdk.declaration import Extension

from .hooks import hook_names, load_hooks_of
from .loading import load_target, without_serving
from .process import EventWriter, one_line, run_child

if TYPE_CHECKING:
    from pydantic import BaseModel

    from socketify_ext.app import App


_PROBE: Final = "socketify-ext.cli"


def _nothing(request: Any, response: Any, ws: Any) -> None:
    """Add nothing."""


class _Unconfigured(Extension):
    """An extension that can be described without its required options: with the defaults of the others."""

    def validated_options(self) -> BaseModel | None:
        try:
            return super().validated_options()
        except errors.OptionsError:
            if self.options_model is None or self.options:
                raise
            return self.options_model.model_construct()


class _Registry(Registry):
    """A registry that loads requirements without their required options, to describe them."""

    def load(self, name: str, /, **options: Any) -> Extension:
        try:
            return super().load(name, **options)
        except errors.OptionsError:
            return _unconfigured(self.find(name))


def _unconfigured(extension: Extension) -> Extension:
    return _Unconfigured(**{field.name: getattr(extension, field.name) for field in fields(Extension)})


def answer(target: str, question: str, served: Sequence[Any]) -> Any:
    """Load a target and answer a question about it in plain data.

    Raises:
        ExtensionError: it is not a target, or fails.
    """
    if question == "manifest":
        return _manifest(target)
    if question == "hooks":
        return load_hooks_of(target)
    registry = _Registry()
    found = load_target(target, registry, served)
    if question == "extension":
        return _described_extension(target, found)
    app = _app_of(target, found, registry)
    if question == "app":
        return _described_app(target, app)
    module, _, function = question.partition(":")
    return getattr(importlib.import_module(module), function)(app)


def _described_extension(target: str, found: Any) -> Any:
    from .description import describe

    if not isinstance(found, Extension):
        raise errors.TargetError(
            f"target {target!r}",
            "can't be shown",
            "it is an app",
            f"See what is on it with `socketify-ext tree {target}`",
            target=target,
        )
    hooks, problems = hook_names(found.distribution) if found.distribution else ([], [])
    description, sound = describe(found, hooks)
    return {"description": asdict(description), "sound": sound, "problems": problems}


def _manifest(name: str) -> Any:
    from .manifest import is_installed_copy, package_manifest

    registry = _Registry(environment={})  # what a plugin declares is the same on every machine
    path, manifest = package_manifest(name, registry)
    is_copy = is_installed_copy(registry.provider(name), path)
    return {"path": str(path), "is_installed_copy": is_copy, "text": manifest.text()}


def _app_of(target: str, found: Any, registry: Registry) -> App:
    """Return an app as it is, and an extension on an app of its own."""
    import socketify_ext

    if not isinstance(found, Extension):
        app: App = found
        return app
    app = socketify_ext.App(registry=registry)
    # A name is loaded again, with options from the environment.
    extension = registry.load(target) if found.loader == registry.load else _unconfigured(found)
    _register(app, extension, target)
    return app


def _described_app(target: str, app: App) -> Any:
    import socketify_ext

    from .app_description import describe_app

    installed = isinstance(app, socketify_ext.App)
    inspection = socketify_ext.inspect(app)
    if not installed and not inspection.order:  # the core only records what bare functions add
        app.register(Extension(_nothing, _PROBE))
        inspection = socketify_ext.inspect(app)
        own = tuple(spec for spec in inspection.order if spec.name != _PROBE)
        inspection = replace(inspection, order=own)
    return asdict(describe_app(target, inspection, installed=installed))


def _register(app: App, extension: Extension, target: str) -> None:
    try:
        app.register(extension)
    except errors.ExtensionError:
        raise
    except Exception as error:  # a plugin may raise anything
        try:
            Extension.validated_options(extension)
        except errors.OptionsError as missing:
            raise errors.TargetError(
                f"target {target!r}",
                "can't be loaded",
                f"it fails without its options ({one_line(error)}): {missing.why}",
                f"Load it with options in an app, and give that instead: socketify_ext.load({extension.name!r}, ...)",
            ) from error
        raise


def main(request: dict[str, Any], write_event: EventWriter) -> None:
    """Load the target and write the answer."""
    with without_serving() as served:
        write_event(answer=answer(request["target"], request["question"], served))


if __name__ == "__main__":
    run_child(main)
