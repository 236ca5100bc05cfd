"""Apps that the tests serve."""

from __future__ import annotations

import re
from pathlib import Path

import prometheus_client
import socketify

import socketify_ext


def measured(kind="app", **options):
    app = socketify_ext.App() if kind == "app" else socketify_ext.install(socketify.App())

    @app.register
    @socketify_ext.extension("door")
    def door(request, response, ws, *, app):
        """Answer before anything is counted."""

        @app.before_request(prefix="/closed")
        def refuse(res, req):
            res.write_status(403).end("closed")

        @app.on_ws_open(prefix="/leaving")
        def leave(ws):
            ws.close()

    app.register(socketify_ext.load("metrics", **options))
    hits = prometheus_client.Counter("shop_hits", "Hits of a program's own.")

    def refused(res, req):
        raise socketify_ext.HTTPError(404, "no such item")

    def hang(res, req):
        res.grab_aborted_handler()

    app.get("/items/:id", lambda res, req: (hits.inc(), res.end("item")))
    app.get("/refused", refused)
    app.get("/closed/:id", lambda res, req: res.end("open"))
    app.get("/hang", hang)
    app.any("/any", lambda res, req: res.end("any"))
    app.ws("/chat/:room", {"message": lambda ws, message, opcode: ws.send(message, opcode)})
    app.ws("/leaving", {"message": lambda ws, message, opcode: None})
    return app


def readme():
    """Run the README's examples up to where the first one listens."""
    text = (Path(__file__).parent.parent / "README.md").read_text()
    first, second = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(first.partition("\napp.listen")[0] + second, names)  # noqa: S102 - it is ours
    return names["app"]
