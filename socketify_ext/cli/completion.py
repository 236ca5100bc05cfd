"""What a shell offers for the arguments of a command; nothing of an app or a plugin is imported for it."""

from __future__ import annotations


def complete_target(incomplete: str) -> list[str]:
    """Return the extensions and what modules of the current folder hold, as far as they begin so."""
    from pathlib import Path

    from socketify_ext.registry.registry import Registry

    from ..inspection.beside import targets_beside

    names = [listing.name for listing in Registry().list() if listing.status == "ok"]
    return [name for name in [*names, *targets_beside(Path.cwd())] if name.startswith(incomplete)]


def complete_extension(incomplete: str) -> list[str]:
    """Return the extensions whose names begin so."""
    from socketify_ext.registry.registry import Registry

    return [name for name in Registry().names() if name.startswith(incomplete)]
