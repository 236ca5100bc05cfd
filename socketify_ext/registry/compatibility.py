"""The versions that an extension was tested with, compared with those that run."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from .. import __version__, errors
from ..sdk.caller import outside_level

if TYPE_CHECKING:
    from ..sdk.declaration import Extension
    from ..sdk.spec import Requirement

_SHOWN: Final = {"python": "Python"}


def core_version() -> str | None:
    """Return the version of socketify; None in a frozen program, which has no metadata."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("socketify")
    except PackageNotFoundError:
        return None


def running_version(part: str) -> str | None:
    """Return the version of "socketify-ext", "socketify" or "python" that runs, None where it is not known."""
    if part == "python":
        return ".".join(map(str, sys.version_info[:3]))
    return __version__ if part == "socketify-ext" else core_version()


def untested(tested_with: Iterable[Requirement]) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the running version and the tested versions of each part that runs in another version."""
    for stated in tested_with:
        running = running_version(stated.name)
        if running is not None and not stated.accepts(running):
            yield _SHOWN.get(stated.name, stated.name), running, stated.specifier


def warn_if_untested(extension: Extension) -> None:
    """Warn whoever loads an extension that was not tested with what runs here; the extension is loaded all the same."""
    found = list(untested(extension.tested_versions))
    if not found:
        return
    here = " and ".join(f"{name} {running}" for name, running, _ in found)
    stated = " and ".join(f"{name}{specifier}" for name, _, specifier in found)
    provider = extension.distribution or extension.name
    warnings.warn(
        f"extension {extension.provenance} was not tested with {here}: its author names {stated}. "
        f"Upgrade {provider}, or test it here with `socketify-ext check {extension.name}`.",
        errors.UntestedVersionWarning,
        stacklevel=outside_level(),
    )
