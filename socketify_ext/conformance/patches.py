"""Functions that a target replaces for the whole process: of the core, of this package, and of Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import isbuiltin, isfunction
from types import ModuleType
from typing import Any, Final

_PACKAGES: Final = ("socketify", "socketify_ext")
_STANDARD: Final = ("asyncio", "asyncio.tasks", "builtins", "json", "logging", "os", "socket", "threading", "time")
_before: dict[tuple[int, str], tuple[str, Any, Any]] = {}


def remember_functions() -> None:
    """Remember all functions as they are now."""
    _before.clear()
    _before.update(((id(owner), name), (label, owner, value)) for label, owner, name, value in _functions())


def patched() -> list[str]:
    """Return the functions that are others by now, as in "json.dumps"."""
    return [label for (_, name), (label, owner, value) in _before.items() if vars(owner).get(name, None) is not value]


def _functions() -> Iterator[tuple[str, Any, str, Any]]:
    for module_name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType):
            continue
        if module_name.partition(".")[0] not in _PACKAGES and module_name not in _STANDARD:
            continue
        for name, value in list(vars(module).items()):
            if isfunction(value) or isbuiltin(value):
                yield f"{module_name}.{name}", module, name, value
            elif isinstance(value, type) and value.__module__ == module_name:
                for attribute, function in list(vars(value).items()):
                    if isfunction(function):
                        yield f"{module_name}.{name}.{attribute}", value, attribute, function
