"""The name of a process, as `ps` shows it."""

from __future__ import annotations

import contextlib


def name_process(name: str) -> None:
    """Name this process, where setproctitle is installed."""
    with contextlib.suppress(ImportError):
        from setproctitle import setproctitle

        setproctitle(f"socketify-ext: {name}")
