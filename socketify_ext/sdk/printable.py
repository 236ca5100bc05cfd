"""Untrusted text, made safe for a log line or a terminal."""

from __future__ import annotations

import re
from typing import Final

# Control characters, line and paragraph separators, marks of text direction, and lone surrogates.
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str, limit: int | None = None, *, keep: str = "") -> str:
    """Return text with control characters as escapes, and no longer than about `limit` characters.

    Args:
        text: untrusted text.
        limit: characters after which it is cut and the rest is counted; None for all.
        keep: control characters that stay as they are, such as newlines.
    """
    more = 0 if limit is None else len(text) - limit
    cut = text if more <= 0 else text[:limit]
    if not cut.isprintable():
        cut = _UNPRINTABLE.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), cut)
    return cut if more <= 0 else f"{cut}... ({more} more characters)"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
