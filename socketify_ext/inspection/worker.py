"""The process that loads a target and describes it: `python -m socketify_ext.inspection.worker`."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from socketify_ext import errors
from socketify_ext.registry.registry import Registry
from socketify_ext.sdk.declaration import Extension

from .loading import load_target, place_of, unserved

if TYPE_CHECKING:
    from pydantic import BaseModel

    from socketify_ext.app import App


_PROBE: Final = "socketify-ext.cli"


def _nothing(request: Any, response: Any, ws: Any) -> None:
    """Add no member."""


class _Unconfigured(Extension):
    """An extension that is described even where options must be given: with those that have defaults."""

    def validated_options(self) -> BaseModel | None:
        try:
            return super().validated_options()
        except errors.OptionsError:
            if self.options_model is None or self.options:
                raise
            return self.options_model.model_construct()


class _Registry(Registry):
    """Load what an extension requires without its options, to describe it."""

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
        ExtensionError: it is no target, or fails.
    """
    registry = _Registry()
    found = load_target(target, registry, served)
    if question == "extension":
        return _described_extension(target, found)
    return _described_app(target, found, registry)


def _described_extension(target: str, found: Any) -> Any:
    from ..cli.plugins import hook_names
    from .description import describe

    if not isinstance(found, Extension):
        raise errors.TargetError(
            f"target {target!r}",
            "can't be shown",
            "it is an app",
            f"See what is on it with `socketify-ext tree {target}`",
            target=target,
        )
    hooks = hook_names(found.distribution) if found.distribution else []
    description, sound = describe(found, hooks)
    return {"description": asdict(description), "sound": sound}


def _described_app(target: str, found: Any, registry: Registry) -> Any:
    import socketify

    import socketify_ext

    from .app_description import describe_app

    app: App = found
    if isinstance(found, Extension):
        app = socketify_ext.App(registry=registry)
        # A name is loaded once more, with the options that the environment may hold.
        extension = registry.load(target) if found.loader == registry.load else _unconfigured(found)
        _register(app, extension, target)
    installed = isinstance(app, socketify_ext.App)
    home: Any = socketify_ext if installed else socketify
    bases = {"request": home.Request, "response": home.Response, "ws": home.WebSocket}
    inspection = socketify_ext.inspect(app)
    if not installed and not inspection.order:  # the core only records what bare functions add
        app.register(Extension(_nothing, _PROBE))
        inspection = socketify_ext.inspect(app)
        own = tuple(spec for spec in inspection.order if spec.name != _PROBE)
        inspection = replace(inspection, order=own)
    return asdict(describe_app(target, inspection, bases, installed=installed))


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
                f"it fails without its options ({_one_line(error)}): {missing.why}",
                f"Load it with options in an app, and give that instead: socketify_ext.load({extension.name!r}, ...)",
            ) from error
        raise


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()) + place_of(error)


def _failed(target: str, error: BaseException) -> dict[str, Any]:
    """Give the parts of an error; what is none of ours becomes one."""
    if not isinstance(error, errors.ExtensionError):
        error = errors.TargetError(
            f"target {target!r}",
            "can't be loaded",
            _one_line(error),
            "Correct that; --traceback shows the whole way there",
        )
    parts = {name: getattr(error, name) for name in ("who", "what", "why", "fix")}
    kind = next(each.__name__ for each in type(error).__mro__ if hasattr(errors, each.__name__))  # a plugin's own too
    return {"kind": kind, **parts, "target": target}


def main(target: str, question: str, timeout: float, answer_file: str, trace_file: str) -> None:
    """Answer, in time or not at all: a file gets the answer, or another one the place where it hangs."""
    own = os.getpid()
    sys.path.insert(0, str(Path.cwd()))
    with Path(trace_file).open("w") as trace:
        faulthandler.dump_traceback_later(timeout, exit=True, file=trace)
        try:
            with contextlib.redirect_stdout(sys.stderr), unserved() as served:
                told = {"answer": answer(target, question, served)}
        except BaseException as error:  # a target may raise anything, SystemExit too
            told = {"error": {**_failed(target, error), "traceback": traceback.format_exc()}}
        if os.getpid() == own:  # an app that forks for its workers comes here once for each
            faulthandler.cancel_dump_traceback_later()
            Path(answer_file).write_text(json.dumps(told))
    sys.stderr.flush()
    os._exit(0)  # no thread of the target keeps the process


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
