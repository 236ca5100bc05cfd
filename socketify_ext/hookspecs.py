"""The pluggy hooks around `app.register`, and the marker that plugins put on their implementations.

A plugin gives its hooks as a module or object through the entry-point group `socketify_ext.hooks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import typer

    from .sdk.resolution import Collision
    from .sdk.spec import ExtensionSpec

PROJECT = "socketify_ext"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def socketify_ext_before_register(app: Any, spec: ExtensionSpec) -> None:
    """Check an extension before it is registered on an app; raise to refuse it.

    Args:
        app: the app, or the scope that it is registered in; None on a stock app, which extensions can't reach.
        spec: the validated extension.
    """


@hookspec
def socketify_ext_after_register(app: Any, spec: ExtensionSpec) -> None:
    """Handle that an extension is in effect.

    Args:
        app: the app, or the scope; None on a stock app.
        spec: the validated extension.
    """


@hookspec(firstresult=True)
def socketify_ext_collision(app: Any, collision: Collision) -> str | None:
    """Settle a collision that no override settles.

    Args:
        app: the app, or the scope; None on a stock app.
        collision: the target, the member's name and its providers in resolved order.

    Returns:
        The name of the extension whose member wins, or None to leave it to other hooks.
    """


@hookspec
def socketify_ext_cli(cli: typer.Typer) -> None:
    """Add sub-commands to `socketify-ext`.

    Args:
        cli: the typer application; add with `@cli.command()`.
    """
