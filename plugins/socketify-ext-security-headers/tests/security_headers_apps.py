"""Apps that the tests serve."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import socketify

import socketify_ext

README = Path(__file__).parent.parent / "README.md"


def make(kind="app", **options):
    app = socketify_ext.App() if kind == "app" else socketify_ext.install(socketify.App())
    app.register(socketify_ext.load("security-headers", **options))

    def page(res, req):
        res.write_header("Content-Type", "text/html")
        res.end([req.csp_nonce, req.csp_nonce])

    async def late_page(res, req):
        await asyncio.sleep(0)
        page(res, req)

    def own(res, req):
        res.write_header("content-security-policy", "default-src *").write_header("Referrer-Policy", "unsafe-url")
        res.write_header("Cache-Control", "public")
        res.end(req.csp_nonce)

    def refused(res, req):
        raise socketify_ext.HTTPError(409, req.csp_nonce)

    def fails(res, req):
        raise ZeroDivisionError

    async def parts(res, req):
        first = req.csp_nonce if req.get_query("first") else "-"

        async def made():
            yield f"{first} "
            try:
                yield req.csp_nonce
            except RuntimeError as error:
                yield str(error)

        await res.stream(made(), "text/html")

    app.get("/page", page)
    app.get("/late", late_page)
    app.get("/plain", lambda res, req: res.end("text"))
    app.get("/own", own)
    app.get("/refused", refused)
    app.get("/fails", fails)
    app.get("/parts", parts)
    app.get("/none", lambda res, req: res.write_status(204).end(""))
    app.get("/same", lambda res, req: (req.csp_nonce, res.write_status(304).end("")))
    app.get("/moved", lambda res, req: res.redirect("/plain"))
    app.post("/data", lambda res, req: res.end("x"))
    app.get(
        "/partner",
        lambda res, req: res.end(req.csp_nonce),
        security_headers={"csp": {"frame-ancestors": ["https://a.example"]}, "hsts_max_age": None},
    )
    app.get("/off", lambda res, req: res.end(req.csp_nonce), security_headers=False)
    app.ws("/ws", {"message": lambda ws, message, opcode: ws.send(message, opcode)})
    app.static("/files", str(Path(__file__).parent))
    return app


def readme():
    """Run the README's example up to where it listens."""
    example = re.search(r"```python\n(.*?)\napp\.listen", README.read_text(), re.DOTALL)[1]
    names = {}
    exec(example, names)  # noqa: S102 - it is ours
    return names["app"]
