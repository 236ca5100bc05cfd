"""The security schemes of the extension `auth`: where tokens may stand, by its options."""

from __future__ import annotations

from typing import Any

from .registered import options_of


def auth_schemes(app: Any) -> dict[str, dict[str, Any]]:
    """Return the schemes by name, any of which is enough; none where the app has no `auth`."""
    options = options_of(app, "auth")
    if options is None:
        return {}
    bearer = {"type": "http", "scheme": "bearer"}
    if options.jwt is not None:
        bearer["bearerFormat"] = "JWT"
    schemes: dict[str, dict[str, Any]] = {"bearerAuth": bearer}
    if options.header.lower() != "authorization":
        schemes["headerAuth"] = {"type": "apiKey", "in": "header", "name": options.header}
    if options.cookie is not None:
        schemes["cookieAuth"] = {"type": "apiKey", "in": "cookie", "name": options.cookie}
    return schemes
