"""The extension: the route options `body`, `query`, `params` and `returns`, and `req.valid`."""

from __future__ import annotations

from ...sdk.app_surface import AppSurface
from ...sdk.declaration import extension
from ...sdk.surface import Surface
from .routes import INPUTS, Model, Returns, apply_input, apply_returns
from .valid import Valid


@extension("schema")
def schema(request: Surface, response: Surface, ws: Surface, *, app: AppSurface) -> None:
    """Validate what routes take and answer: `app.post(path, handler, body=Model)`, then `req.valid.body`."""
    request.property("valid", default_factory=Valid, type=Valid)
    for name in INPUTS:
        app.route_option(name, type=Model, apply=apply_input(name))
    app.route_option("returns", type=Returns, apply=apply_returns)
