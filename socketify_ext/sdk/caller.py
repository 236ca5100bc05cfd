"""Whose line a warning is about: that of the program which calls this package."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import Final

_OURS: Final = (f"{Path(__file__).parents[1]}/", functools.__file__)  # cached properties are called by functools


def outside_level() -> int:
    """Return the `stacklevel` with which the caller's `warnings.warn` names the nearest line outside this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_code.co_filename.startswith(_OURS) and frame.f_back is not None:
        frame, level = frame.f_back, level + 1
    return level
