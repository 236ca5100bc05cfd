"""The extension: the document, the page, and the route options that describe operations."""

from __future__ import annotations

from typing import Any, Final

import socketify_ext

from .description import Description
from .options import Options
from .page import ASSETS, START, asset_folder, page, policy, start_script
from .route_options import ROUTE_OPTIONS

_NO_STORE: Final = ("Cache-Control", "no-cache")
_NO_SNIFF: Final = ("X-Content-Type-Options", "nosniff")


@socketify_ext.extension(
    "openapi",
    options=Options,
    after=["auth", "schema"],
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
)
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

    def send_document(res: Any, req: Any) -> None:  # noqa: ARG001
        res.write_header(*_NO_STORE).write_header("Content-Type", "application/json").end(description.text())

    app.get(options.path, send_document, **options.route_options)
    if options.docs is not None:
        add_page(app, options, options.docs)


def add_page(app: socketify_ext.AppSurface, options: Options, docs: str) -> None:
    """Serve the page at `docs`, and its files below."""
    folder = asset_folder()
    html, script = page(options.title, docs, options.path), start_script(docs, options.path)
    headers = (
        ("Content-Security-Policy", policy(options.servers)),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Content-Type", "text/html; charset=utf-8"),
        _NO_STORE,
        _NO_SNIFF,
    )

    def send_page(res: Any, req: Any) -> None:  # noqa: ARG001
        for name, value in headers:
            res.set_header(name, value)
        res.end(html)

    def send_start(res: Any, req: Any) -> None:  # noqa: ARG001
        res.set_header(*_NO_SNIFF).write_header(*_NO_STORE)
        res.write_header("Content-Type", "text/javascript; charset=utf-8").end(script)

    def sender(name: str) -> Any:
        async def send(res: Any, req: Any) -> None:  # noqa: ARG001
            await res.set_header(*_NO_SNIFF).send_file(folder / name)

        return send

    app.get(docs, send_page, **options.route_options)
    app.get(f"{docs}/{START}", send_start, **options.route_options)
    for name in ASSETS:
        app.get(f"{docs}/{name}", sender(name), **options.route_options)
