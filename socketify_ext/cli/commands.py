"""The commands of this package, each imported and built when it is asked for: one start runs one of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, MutableMapping
from typing import Any, Final

import typer

# In the order of help: the module and the function of each.
_HOMES: Final = {
    "run": ("run", "run_app"),
    "list": ("list", "list_extensions"),
    "show": ("show", "show_extension"),
    "tree": ("tree", "show_tree"),
    "routes": ("routes", "show_routes"),
    "why": ("why", "explain_member"),
    "stubs": ("stubs.command", "write_stubs"),
    "lock": ("lock", "lock_target"),
    "manifest": ("manifest", "write_manifest"),
    "new": ("new.command", "new_project"),
    "check": ("check", "check_extension"),
}


class Commands(MutableMapping[str, Any]):
    """Commands by name: those of this package, built on first access, and those that plugins add."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = dict.fromkeys(_HOMES)

    def __getitem__(self, name: str) -> Any:
        if self._built[name] is None:
            self._built[name] = _build(name, *_HOMES[name])
        return self._built[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._built[name] = command

    def __delitem__(self, name: str) -> None:
        del self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._built)

    def __len__(self) -> int:
        return len(self._built)


def _build(name: str, module: str, function: str) -> Any:
    home = importlib.import_module(f".{module}", __package__)
    group = typer.Typer()
    group.command(name)(getattr(home, function))
    return typer.main.get_group(group).commands[name]
