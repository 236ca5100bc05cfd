"""Patterns of routes as paths of OpenAPI, which names all parameters and has no wildcard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

WILDCARD: Final = "path"


def shape(pattern: str) -> str:
    """Return what a pattern is to the router, in which parameters have no name."""
    return "/".join(part[:1] if part.startswith((":", "*")) else part for part in pattern.split("/"))


def parameter_names(pattern: str) -> tuple[str, ...]:
    """Return the names of a pattern's parameters in order, each once; that of the wildcard at its end is `path`."""
    names: list[str] = []
    for part in pattern.split("/"):
        if part.startswith(":"):
            names.append(_free(part[1:] or "parameter", names))
        elif part == "*":
            names.append(_free(WILDCARD, names))
    return tuple(names)


def template(pattern: str, names: Iterable[str]) -> str:
    """Return a pattern as a path of OpenAPI, as in "/users/{id}/{path}" for "/users/:id/*"."""
    left = iter(names)
    return "/".join(f"{{{next(left)}}}" if part.startswith((":", "*")) else part for part in pattern.split("/"))


def _free(name: str, taken: Iterable[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}{number}"
    return free
