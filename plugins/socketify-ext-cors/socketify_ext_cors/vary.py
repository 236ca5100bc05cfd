"""The header Vary, which several extensions add to."""

from __future__ import annotations

from typing import Any


def add_vary(res: Any, names: str) -> None:
    """Add names to Vary, unless they are there."""
    written = res.get_header("Vary") or ""
    known = {name.strip().lower() for name in written.split(",")}
    missing = [name for name in names.split(", ") if name.lower() not in known]
    if missing and "*" not in known:
        res.set_header("Vary", ", ".join(filter(None, (written, *missing))))
