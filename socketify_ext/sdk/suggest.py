"""Close matches for a misspelt name, as the fix of an error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def close_names(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the names close to `name`, the closest first."""
    return tuple(difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6))


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'?" for the names close to `name`, or an empty text."""
    return did_you_mean(close_names(name, known))


def did_you_mean(names: Sequence[str]) -> str:
    """Return the question whether one of these names was meant; an empty text without any."""
    return f"Did you mean {' or '.join(map(repr, names))}?" if names else ""
