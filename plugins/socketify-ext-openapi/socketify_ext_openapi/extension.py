"""The extension: the document, the page, and the route options that describe operations."""

from __future__ import annotations

from typing import Any

import socketify_ext

from .description import Description
from .options import Options
from .page import ASSETS, START, asset_folder, page, policy, start_script
from .route_options import ROUTE_OPTIONS

_NO_STORE = ("Cache-Control", "no-cache")


@socketify_ext.extension("openapi", options=Options, after=["auth", "schema"])
def openapi(
    request: socketify_ext.Surface,  # noqa: ARG001
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Describe the app's routes as OpenAPI 3.1, at /openapi.json and on a page at /docs."""
    for name, kind in ROUTE_OPTIONS.items():
        app.route_option(name, type=kind)
    description = Description(app, options)
    app.on_route(description.add)

    @app.get(options.path, **options.route_options)
    def document(res: Any, req: Any) -> None:  # noqa: ARG001
        res.write_header(*_NO_STORE).write_header("Content-Type", "application/json").end(description.text())

    if options.docs is not None:
        add_page(app, options, options.docs)


def add_page(app: socketify_ext.AppSurface, options: Options, docs: str) -> None:
    """Serve the page at `docs`, and its files below."""
    folder = asset_folder()
    html, script = page(options.title, docs, options.path), start_script(docs, options.path)
    headers = (
        ("Content-Security-Policy", policy(options.servers)),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        _NO_STORE,
    )

    @app.get(docs, **options.route_options)
    def show(res: Any, req: Any) -> None:  # noqa: ARG001
        for name, value in headers:
            res.set_header(name, value)
        res.write_header("Content-Type", "text/html; charset=utf-8").end(html)

    @app.get(f"{docs}/{START}", **options.route_options)
    def start(res: Any, req: Any) -> None:  # noqa: ARG001
        res.write_header(*_NO_STORE).set_header("X-Content-Type-Options", "nosniff")
        res.write_header("Content-Type", "text/javascript; charset=utf-8").end(script)

    def add_asset(name: str) -> None:
        @app.get(f"{docs}/{name}", **options.route_options)
        async def asset(res: Any, req: Any) -> None:  # noqa: ARG001
            await res.set_header("X-Content-Type-Options", "nosniff").send_file(folder / name)

    for name in ASSETS:
        add_asset(name)
