"""Apps that the tests serve."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import socketify_ext


def add_routes(app):
    async def late(res, req):
        await asyncio.sleep(0)
        res.end("late")

    def refused(res, req):
        raise socketify_ext.HTTPError(404, "no such item")

    def failed(res, req):
        res.write_header("X-Lost", "1")
        raise ValueError("no")

    async def stream(res, req):
        await res.stream(["a", "b"])

    def by_hand(res, req):
        res.cors(req).write_header("X-Own", "1").end("by hand")

    app.get("/late-status", lambda res, req: res.send("gone", status=410))
    app.get("/refused", refused)
    app.get("/failed", failed)
    app.get("/stream", stream)
    app.get("/file", lambda res, req: res.send_file(__file__))
    app.get("/", lambda res, req: res.end("root"))
    app.get("/items", lambda res, req: res.end(["tea"]))
    app.put("/items", lambda res, req: res.write_status(201).end("made"))
    app.get("/late", late)
    app.get("/by-hand", by_hand)
    app.get("/vary", lambda res, req: res.write_header("Vary", "Accept, ORIGIN").end("varies"))
    app.post("/small", lambda res, req: "small", max_body=1)
    app.get("/guarded/item", lambda res, req: "never")
    return app


def installed(**options):
    app = socketify_ext.App()

    @app.before_request(prefix="/guarded")
    async def guard(res, req):
        await asyncio.sleep(0)
        raise socketify_ext.HTTPError(401)

    app.register(socketify_ext.load("cors", **options))
    return add_routes(app)


def with_own_options_route(**options):
    app = installed(**options)
    app.options("/own", lambda res, req: res.end("mine"))
    app.any("/*", lambda res, req: res.end("any"))
    return app


def with_route_options(**options):
    app = socketify_ext.App()
    app.get("/items/:id", lambda res, req: "item", cors={"allow_origins": ["https://other.example"]})
    app.put("/items/:id", lambda res, req: "put", cors={"allow_methods": ["PUT"], "allow_credentials": True})
    app.delete("/items/:id", lambda res, req: "deleted")
    app.get("/items/special", lambda res, req: "special")
    app.get("/private", lambda res, req: "private", cors=False)
    app.get("/same", lambda res, req: "same", cors=True)
    app.ws("/socket", {"message": lambda ws, message, opcode: None}, cors=False)
    app.register(socketify_ext.load("cors", **options))
    return app


def with_scopes(**options):
    app = socketify_ext.App()
    app.get("/items", lambda res, req: "outside")
    for name in ("a", "b"):
        scope = app.scope(f"/{name}")
        scope.register(socketify_ext.load("cors", **{**options, "allow_origins": [f"https://{name}.example"]}))
        scope.get("/items", lambda res, req: "inside")
    return app


def readme():
    """Run the README's example up to where it listens."""
    text = (Path(__file__).parent.parent / "README.md").read_text()
    example = re.search(r"```python\n(.*?)\napp\.listen", text, re.DOTALL)[1]
    names = {}
    exec(example, names)  # noqa: S102 - it is ours
    return names["app"]
