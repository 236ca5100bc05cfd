"""Whether this process was forked by one that had imported this package."""

from __future__ import annotations

import os

_IMPORTED_IN = os.getpid()


def is_forked() -> bool:
    """Check whether this is a forked worker of the process that imported the package."""
    return os.getpid() != _IMPORTED_IN
