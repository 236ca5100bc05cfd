"""The extension `inspector`: its routes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from ...sdk.app_surface import AppSurface
from ...sdk.declaration import extension
from ...sdk.surface import Surface
from .admission import admit, check_origin
from .description import describe
from .figures import Figures
from .options import Options
from .page import POLICY, render

_ASSETS: Final = Path(__file__).parent / "assets"
_TYPES: Final = {"inspector.css": "text/css; charset=utf-8", "inspector.js": "text/javascript; charset=utf-8"}
_TEXT: Final = 1
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@extension("inspector", options=Options)
def inspector(request: Surface, response: Surface, ws: Surface, *, options: Options, app: AppSurface) -> None:
    """Show extensions, members, routes, hooks and live figures on a page of the app; closed to other machines."""

    async def begin(res: Any, req: Any, content_type: str) -> Any:
        await admit(req, res.get_remote_address(), options.allow)
        for name, value in _HEADERS.items():
            res.set_header(name, value)
        return res.set_header("Content-Type", content_type)

    async def page(res: Any, req: Any) -> None:
        (await begin(res, req, "text/html; charset=utf-8")).end(
            render(f"./{options.path.rpartition('/')[2]}", describe(app.root))
        )

    async def data(res: Any, req: Any) -> None:
        (await begin(res, req, "application/json")).end(json.dumps(describe(app.root)))

    async def asset(res: Any, req: Any) -> None:
        name = req.get_url().rpartition("/")[2]
        (await begin(res, req, _TYPES[name])).end((_ASSETS / name).read_bytes())

    app.get(options.path, page)
    app.get(f"{options.path}/api", data)
    for name in _TYPES:
        app.get(f"{options.path}/{name}", asset)
    _serve_figures(app, options)


def _serve_figures(app: AppSurface, options: Options) -> None:
    """Serve the live figures over a WebSocket."""
    watching: set[Any] = set()

    def show(figures: dict[str, Any]) -> None:
        text = json.dumps(figures)
        for socket in list(watching):
            socket.send(text, _TEXT)

    figures = Figures(app, f"{app.prefix}{options.path}", show)

    async def upgrade(res: Any, req: Any, context: Any) -> None:
        await admit(req, res.get_remote_address(), options.allow)
        check_origin(req)
        names = ("sec-websocket-key", "sec-websocket-protocol", "sec-websocket-extensions")
        res.upgrade(*map(req.get_header, names), context)

    def opened(socket: Any) -> None:
        watching.add(socket)
        figures.add()

    def closed(socket: Any, _code: int, _message: Any) -> None:
        watching.discard(socket)
        figures.remove()

    app.on_startup(figures.connect)
    app.on_shutdown(figures.close)
    app.ws(f"{options.path}/live", {"upgrade": upgrade, "open": opened, "close": closed, "max_payload_length": 16})
