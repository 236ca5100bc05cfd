"""What is registered on an app."""

from __future__ import annotations

from typing import Any

import socketify_ext


def options_of(app: Any, name: str) -> Any:
    """Return the options of an extension that an app or a scope has, None where it has no such extension."""
    return next((spec.options for spec in socketify_ext.inspect(app).order if spec.name == name), None)
