"""Sub-commands that plugins add through the hook `socketify_ext_cli`, loaded only when one may be meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from .output import report, warn

if TYPE_CHECKING:
    import pluggy


class CommandGroup(TyperGroup):
    """Look for a command among the built-in ones first, then among those of plugins."""

    _plugins_loaded = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a command; plugins are imported for a name that no built-in command has."""
        if cmd_name not in self.commands:
            self._load_plugins()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Name all commands, for help and completion."""
        self._load_plugins()
        return super().list_commands(ctx)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; whatever it raises becomes one message and exit code 1, with a traceback where asked for."""
        try:
            return super().invoke(ctx)
        except Exception as error:  # a plugin's command may raise anything
            if hasattr(error, "exit_code") or isinstance(error, (typer.Abort, BrokenPipeError)):
                raise  # typer's own
            report(error, traceback=ctx.params["traceback"])
            raise typer.Exit(1) from None

    def _load_plugins(self) -> None:
        if self._plugins_loaded:
            return
        self._plugins_loaded = True
        for plugin, commands in plugin_commands():
            for name, command in commands.items():
                if name in self.commands:
                    warn("warning", f"plugin {plugin} adds command {name!r}, which is taken; its own is left out")
                else:
                    self.commands[name] = command


def load_hooks(distribution: str | None = None) -> pluggy.PluginManager:
    """Load the hooks of one distribution or all, each by itself: one that fails is reported and left out."""
    from socketify_ext.registry import discovery
    from socketify_ext.registry.registry import DISABLE_VARIABLE, Registry

    registry = Registry(entry_points=False)
    blocked = set(discovery.disabled_names(os.environ.get(DISABLE_VARIABLE, "")))
    for candidate in discovery.candidates(discovery.HOOK_GROUP):
        if blocked & {candidate.name, candidate.qualified_name} or distribution not in (None, candidate.distribution):
            continue
        try:
            registry.add_hooks(candidate.load(), f"{candidate} ({candidate.name})")
        except Exception as error:  # it may raise anything, and must not break the others
            _report(f"{candidate} ({candidate.name})", error)
    return registry.plugin_manager


def hook_names(distribution: str) -> list[str]:
    """Name the hooks that a distribution implements."""
    manager = load_hooks(distribution)
    callers = (manager.get_hookcallers(plugin) or () for plugin in manager.get_plugins())
    return sorted({caller.name for found in callers for caller in found})


def plugin_commands() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each plugin's name and commands; a plugin whose hook fails is reported and left out."""
    manager = load_hooks()
    plugins = [(name, plugin) for name, plugin in manager.list_name_plugin() if plugin is not None]
    for name, plugin in plugins:
        others = [other for _, other in plugins if other is not plugin]
        cli = typer.Typer()
        try:
            manager.subset_hook_caller("socketify_ext_cli", others)(cli=cli)
            if cli.registered_commands or cli.registered_groups:
                yield name, dict(typer.main.get_group(cli).commands)
        except Exception as error:  # it may raise anything, and must not break the others
            _report(name, error)


def _report(plugin: str, error: Exception) -> None:
    from socketify_ext.errors import ExtensionError

    told = str(error) if isinstance(error, ExtensionError) else f"{type(error).__name__}: {error}"
    warn("error", f"the hooks of plugin {plugin} are left out: {told}")
