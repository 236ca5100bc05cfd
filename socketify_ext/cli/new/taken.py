"""Names that a new project can't have, since something installed, built in or in the core has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...registry.discovery import candidates
from ...registry.installed import UNKNOWN, canonical, installed

if TYPE_CHECKING:
    from collections.abc import Mapping

# Names that the project's own code uses.
_USED = frozenset(
    (
        "annotations",
        "app",
        "client",
        "extension",
        "extension_app",
        "fake_request",
        "fake_response",
        "fake_websocket",
        "greeting_of",
        "httpx2",
        "make_app",
        "name",
        "options",
        "pytest",
        "request",
        "response",
        "socketify_ext",
        "subprocess",
        "sys",
        "targets",
        "ws",
    )
)


def why_taken(name: str, distribution: str, members: Mapping[str, str]) -> tuple[str, str]:
    """Return why the names of a project are taken, and what helps beside another name; "" where they are free.

    Nothing is imported: what is installed is known from its metadata.

    Args:
        name: of the extension.
        distribution: of the project.
        members: of its extension, by target.
    """
    from ...runtime.core import CORE_CLASSES

    found, _ = installed()
    for each in candidates(found=found):
        if each.name == name and each.source == "builtin":
            return "a built-in has it, and would always be found first", ""
        if each.name == name:
            return f"the installed {each} provides an extension of that name", _uninstall(each.distribution)
    for other in found:
        stated, version, _ = other.described
        if canonical(stated or other.name) == distribution:
            return f"{distribution} {version or other.version or UNKNOWN} is installed", _uninstall(distribution)
    if name.replace("-", "_") in _USED:
        return "the project's own code has another use for that name", ""
    for target, core_class in CORE_CLASSES.items():
        if hasattr(core_class, members[target]):
            return f"{target}.{members[target]} is socketify's own", ""
    return "", ""


def _uninstall(distribution: str) -> str:
    return f", or remove that one: pip uninstall {distribution}"
