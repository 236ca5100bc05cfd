"""Sub-commands of plugins, from the hook `socketify_ext_cli`; loaded for unknown names and for help."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import typer
from typer.core import TyperGroup

from socketify_ext.sdk.printable import printable

from .commands import Commands
from .output import report, warn
from .streams import write_error
from .traceback import is_asked, with_traceback


class CommandGroup(TyperGroup):
    """The built-in commands, then those of plugins."""

    _plugins_loaded = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = Commands()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; plugins are imported for names that no built-in command has."""
        if cmd_name not in self.commands:
            self._load_plugins(ctx)
        found = super().get_command(ctx, cmd_name)
        return None if found is None else with_traceback(found)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, for help and completion."""
        self._load_plugins(ctx)
        return super().list_commands(ctx)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an error becomes one message and exit code 1, with a traceback on request."""
        try:
            return super().invoke(ctx)
        except Exception as error:  # a plugin's command may raise anything
            if hasattr(error, "exit_code") or isinstance(error, (typer.Abort, BrokenPipeError)):
                raise  # typer's own
            full = write_error(error) if isinstance(error, OSError) else None
            report(full or error, traceback=is_asked(ctx))
            raise typer.Exit(1) from None

    def _load_plugins(self, ctx: Any) -> None:
        if self._plugins_loaded:
            return
        self._plugins_loaded = True
        tell = _unheard if ctx.resilient_parsing else warn
        for plugin, commands in plugin_commands(tell):
            for name, command in commands.items():
                if name in self.commands:
                    tell("warning", f"plugin {plugin} adds command {name!r}, which is taken; it is left out")
                else:
                    self.commands[name] = command


def _unheard(kind: str, problem: object) -> None:
    """Say nothing while a shell completes a command: it would stand in the line that is typed."""


def plugin_commands(tell: Callable[[str, object], None] = warn) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each plugin's name and commands; `tell` gets the problem of a plugin whose hook fails, which is left out."""
    from ..inspection.hooks import hooks_problem, load_hooks

    manager, problems = load_hooks()
    for problem in problems:
        tell("error", problem)
    plugins = [(name, plugin) for name, plugin in manager.list_name_plugin() if plugin is not None]
    for name, plugin in plugins:
        others = [other for _, other in plugins if other is not plugin]
        cli = typer.Typer()
        try:
            manager.subset_hook_caller("socketify_ext_cli", others)(cli=cli)
            if cli.registered_commands or cli.registered_groups:
                yield name, _printable_commands(typer.main.get_group(cli))
        except Exception as error:  # it may raise anything, and must not break the others
            tell("error", hooks_problem(name, error))


def _printable_commands(group: Any) -> dict[str, Any]:
    """Return a group's commands by name, with control characters of all that help shows as escapes."""
    commands = {}
    for name, command in group.commands.items():
        for shown in (command, *command.params):
            for part in ("name", "help", "short_help", "epilog", "metavar", "rich_help_panel"):
                text = getattr(shown, part, None)
                if isinstance(text, str):
                    setattr(shown, part, _printable_help(text))
            default = getattr(shown, "default", None)
            if isinstance(default, str) and getattr(shown, "show_default", False):
                shown.show_default = printable(default)
        if hasattr(command, "commands"):
            command.commands = _printable_commands(command)
        commands[printable(name)] = command
    return commands


def _printable_help(text: str) -> str:
    """Show control characters as escapes, except those that lay out help: a line of its own with backspace, a feed."""
    return "\b\n".join(printable(part, keep="\n\t\f") for part in text.split("\b\n"))
