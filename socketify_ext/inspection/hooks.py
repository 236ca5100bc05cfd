"""The hooks that installed plugins implement, each loaded by itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from socketify_ext.errors import ExtensionError

if TYPE_CHECKING:
    import pluggy


def load_hooks(distribution: str | None = None) -> tuple[pluggy.PluginManager, list[str]]:
    """Load the hooks of one distribution or of all.

    Returns:
        The plugin manager, and a problem for each plugin that can't be loaded; the others still work.
    """
    from socketify_ext.registry import discovery
    from socketify_ext.registry.registry import DISABLE_VARIABLE, Registry

    registry = Registry(entry_points=False)
    blocked = set(discovery.disabled_names(os.environ.get(DISABLE_VARIABLE, "")))
    problems = []
    for candidate in discovery.candidates(discovery.HOOK_GROUP):
        if blocked & {candidate.name, candidate.qualified_name} or distribution not in (None, candidate.distribution):
            continue
        name = f"{candidate} ({candidate.name})"
        try:
            registry.add_hooks(candidate.load(), name)
        except Exception as error:  # it may raise anything, and must not break the others
            problems.append(hooks_problem(name, error))
    return registry.plugin_manager, problems


def load_hooks_of(plugin: str) -> None:
    """Load the hooks of one entry point, `distribution:name`.

    Raises:
        HookError: a hook is not of this package.
        Exception: whatever their import raises.
    """
    from socketify_ext.registry.registry import Registry

    found = Registry().hooks_provider(plugin)
    if found is not None:
        Registry(entry_points=False).add_hooks(found.load(), plugin)


def hooks_problem(plugin: str, error: Exception) -> str:
    """Return the message for a plugin whose hooks fail."""
    text = str(error) if isinstance(error, ExtensionError) else f"{type(error).__name__}: {error}"
    return f"the hooks of plugin {plugin} are left out: {text}"


def hook_names(distribution: str) -> tuple[list[str], list[str]]:
    """Return the names of the hooks that a distribution implements, and the problems of those that can't be loaded."""
    manager, problems = load_hooks(distribution)
    callers = (manager.get_hookcallers(plugin) or () for plugin in manager.get_plugins())
    return sorted({caller.name for found in callers for caller in found}), problems
