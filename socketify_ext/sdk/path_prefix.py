"""Leading segments of paths: which patterns and which requests are below them."""

from __future__ import annotations

from itertools import zip_longest
from posixpath import normpath
from urllib.parse import unquote

Segments = tuple[str, ...]


def covers(prefix: Segments, pattern: str) -> bool | None:
    """Whether all paths of a pattern are below a prefix; None if that depends on a request's path.

    Args:
        prefix: segments; one that begins with a colon stands for any text.
        pattern: of a route, as in "/items/:id" or "/files/*".
    """
    if not prefix:
        return True
    if not pattern.startswith("/"):
        return None
    segments = pattern[1:].split("/")
    for wanted, segment in zip(prefix, segments, strict=False):
        if wanted.startswith(":"):
            if not segment or segment.startswith("*"):
                return None
        elif segment.startswith((":", "*")):
            return None
        elif segment != wanted:
            return False
    return len(segments) >= len(prefix)


def matches(prefix: Segments, path: str | None) -> bool:
    """Whether a path is below a prefix, as it is or as a handler may understand it.

    What stands at a prefix may guard the paths below it: dot segments and percent-encoding don't lead past it, and text
    that is not a path is below every prefix.
    """
    if not prefix or path is None or not path.startswith("/"):
        return True
    return _leads(prefix, path[1:]) or (
        ("%" in path or "/." in path or "//" in path) and _leads(prefix, normpath(unquote(path)).lstrip("/"))
    )


def _leads(prefix: Segments, path: str) -> bool:
    segments = path.split("/", len(prefix))[: len(prefix)]
    return all(
        wanted == segment or bool(wanted and wanted.startswith(":") and segment)
        for wanted, segment in zip_longest(prefix, segments)
    )
