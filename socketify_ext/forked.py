"""Whether this process was forked, which it must have noted before: whoever forks imports this package first."""

from __future__ import annotations

import os

_forked = False


def _note() -> None:
    global _forked  # noqa: PLW0603  # a fact about the process
    _forked = True


os.register_at_fork(after_in_child=_note)


def is_forked() -> bool:
    """Tell whether this process was forked by a Python program that had imported this package."""
    return _forked
