"""Loading of a target, while no app of this process listens or runs."""

from __future__ import annotations

import contextlib
import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from socketify_ext import errors
from socketify_ext.registry.installed import canonical
from socketify_ext.sdk.declaration import Extension, as_extension
from socketify_ext.sdk.pydantic_plugins import load_pydantic_plugins
from socketify_ext.sdk.suggest import close_names, did_you_mean, suggestion

from .beside import close_targets

if TYPE_CHECKING:
    from socketify_ext.registry.registry import Registry


@contextlib.contextmanager
def without_serving() -> Iterator[list[Any]]:
    """Make `listen` and `run` of all apps return at once, so that a module that serves can be loaded.

    Returns:
        The apps that would have served, the latest last.
    """
    import socketify

    import socketify_ext

    served: list[Any] = []

    def pass_by(app: Any, *_arguments: Any, **_options: Any) -> Any:
        served.append(app)
        return app

    kept = [(kind, name, vars(kind)[name]) for kind in (socketify.App, socketify_ext.App) for name in ("listen", "run")]
    for kind, name, _ in kept:
        setattr(kind, name, pass_by)
    try:
        yield served
    finally:
        for kind, name, own in kept:
            setattr(kind, name, own)


def load_target(
    target: str, registry: Registry, served: Sequence[Any], make_app: Callable[[], Any] | None = None
) -> Any:
    """Return the Extension or the App that a target names.

    Args:
        target: as it was written.
        registry: where extensions are found by name.
        served: the apps that have served so far, for a function that returns none.
        make_app: makes the app for a function that takes one; a stock one by default.

    Raises:
        TargetError: it names neither.
        ExtensionError: the extension it names can't be loaded.
    """
    load_pydantic_plugins()  # before the first model of the target does
    left, colon, attribute = target.partition(":")
    if not colon or target in _qualified_names(registry):
        return _found(target, registry)
    if not all(part.isidentifier() for part in left.split(".")) or not attribute.replace(".", "_").isidentifier():
        raise _wrong(target, *_no_identifier(target, left, attribute, registry))
    found: Any = _module(target, left, attribute, registry)
    for name in attribute.split("."):
        if not hasattr(found, name):
            known = [each for each, value in vars(found).items() if _is_loadable(value)]
            close = suggestion(name, known) or f"It has {', '.join(known) or 'nothing that could be one'}"
            raise _wrong(target, f"module {left!r} has no attribute {attribute!r}", close)
        found = getattr(found, name)
    return _resolved(target, found, served, make_app)


def _found(name: str, registry: Registry) -> Extension:
    """Find an extension by name; an unknown one may be a distribution's name, or a module beside."""
    try:
        return registry.find(name)
    except errors.UnknownExtensionError as error:
        close = _of_distribution(name, registry) or [
            *close_names(name, registry.names()),
            *close_targets(name, Path.cwd()),
        ]
        if not close:
            raise
        raise errors.UnknownExtensionError(
            error.who, error.what, error.why, did_you_mean(close), name=name, suggestions=tuple(close)
        ) from None


def _of_distribution(name: str, registry: Registry) -> list[str]:
    wanted = canonical(name)
    return [listing.name for listing in registry.list() if listing.distribution == wanted]


def _qualified_names(registry: Registry) -> set[str]:
    return {f"{listing.distribution}:{listing.name}" for listing in registry.list()}


def _wrong(target: str, why: str, fix: str) -> errors.TargetError:
    return errors.TargetError(f"target {target!r}", "can't be loaded", why, fix, target=target)


def _no_identifier(target: str, left: str, attribute: str, registry: Registry) -> tuple[str, str]:
    """Return which part is not an identifier, and a suggestion."""
    wrong = next((part for part in left.split(".") if not part.isidentifier()), attribute)
    close = suggestion(target, _qualified_names(registry))
    if not close:
        module = ".".join(part for part in left.removesuffix(".py").replace("-", "_").split("/") if part != ".")
        guess = f"{module}:{attribute.replace('-', '_')}"
        close = f"Did you mean {guess!r}?" if guess != target and guess.replace(":", "_").isidentifier() else ""
    return f"{wrong!r} is not an identifier", close or "Write module:attribute, as in main:app, or an extension's name"


def _module(target: str, name: str, attribute: str, registry: Registry) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing != name and not name.startswith(f"{missing}."):
            raise
        known = set(registry.names()) & {name, attribute}
        close = did_you_mean(sorted(known) or close_targets(target, Path.cwd()))
        fix = close or f"Run this in the folder of {missing}, or install it"
        raise _wrong(
            target, f"there is no module {missing!r} in {Path.cwd()} or in an installed package", fix
        ) from None


def _is_loadable(value: Any) -> bool:
    import socketify

    if isinstance(value, (Extension, socketify.App)):
        return True
    return inspect.isfunction(value) and not value.__name__.startswith("_")


def _resolved(target: str, found: Any, served: Sequence[Any], make_app: Callable[[], Any] | None) -> Any:
    import socketify

    if isinstance(found, (Extension, socketify.App)):
        return found
    if not callable(found):
        raise _wrong(
            target,
            f"a {type(found).__name__} is neither an App nor an extension, nor a function that makes one",
            "Name an App, a function run(app), a factory without parameters, or an extension",
        )
    needed = _needed(target, found)
    if len(needed) == 3:
        return as_extension(found)
    if len(needed) > 1:
        shown = ", ".join(needed)
        fix = "A factory takes nothing, run takes the app, an extension takes (request, response, ws)"
        raise _wrong(target, f"it takes {len(needed)} parameters ({shown})", fix)
    if needed:
        app = (make_app or socketify.App)()
        _check_sync(target, found(app))
        return app
    made = found()
    _check_sync(target, made)
    if made is None and served:  # a function that serves
        return served[-1]
    if isinstance(made, (Extension, socketify.App)):
        return made
    raise _wrong(target, f"it returned a {type(made).__name__}, not an App", "Return the app from the factory")


def _needed(target: str, function: Any) -> list[str]:
    """Return the names of the required positional parameters."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise _wrong(target, "its signature can't be read", "Wrap it: def run(app): ...") from None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each.name for each in parameters if each.kind in positional and each.default is each.empty]


def _check_sync(target: str, given: Any) -> None:
    if inspect.iscoroutine(given):
        given.close()
        raise _wrong(target, "it is a coroutine function, and an app is made before any loop runs", "Use a plain def")
