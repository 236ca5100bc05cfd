"""What `socketify-ext run` prints when all workers serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .say import say

if TYPE_CHECKING:
    from .settings import RunSettings


def print_banner(settings: RunSettings, url: str, ready: dict[str, Any]) -> None:
    """Print the address, what serves there, and the advice."""
    workers = f"{settings.workers} worker{'' if settings.workers == 1 else 's'}"
    routes = "" if ready["routes"] is None else f", {ready['routes']} route{'' if ready['routes'] == 1 else 's'}"
    say(f"{settings.target} at {url} ({workers}{routes})")
    extensions = ready["extensions"]
    for index, extension in enumerate(extensions, 1):
        say(f"{'└──' if index == len(extensions) else '├──'} {extension}")
    for advice in ready["advice"]:
        say(f"warning: {advice}")
