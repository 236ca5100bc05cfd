"""What a worker tells of its app when it is ready, in plain data for the supervisor to print."""

from __future__ import annotations

from typing import Any


def summary_of(app: Any) -> dict[str, Any]:
    """Return the extensions in order, and the number of routes."""
    import socketify_ext

    inspection = socketify_ext.inspect(app)
    return {
        "extensions": [str(spec.provenance) for spec in inspection.order],
        "members": len(inspection.members),
        "routes": len(app.routes) if isinstance(app, socketify_ext.App) else None,
    }
