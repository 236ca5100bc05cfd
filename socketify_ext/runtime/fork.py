"""The processes that a program forks: its workers, which serve one port together."""

from __future__ import annotations

import os

_IMPORTED_IN = os.getpid()
_forked: list[bool] = []  # an entry for each child that this process has forked since


def is_forked() -> bool:
    """Check whether this is a forked worker of the process that imported the package."""
    return os.getpid() != _IMPORTED_IN


def shares_ports() -> bool:
    """Check whether this process and others are the workers of one program: it was forked, or has forked."""
    return bool(_forked) or is_forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_parent=lambda: _forked.append(True))
