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
        raise ValueError("a fault")

    async def streamed(res, req):
        await res.stream(["a", "b"])

    app.get("/late-status", lambda res, req: res.send("gone", status=410))
    app.get("/refused", refused)
    app.get("/failed", failed)
    app.get("/streamed", streamed)
    app.get("/", lambda res, req: res.end("root"))
    app.get("/items", lambda res, req: res.end(["tea"]))
    app.put("/items", lambda res, req: res.write_status(201).end("made"))
    app.get("/late", late)
    app.get("/own", lambda res, req: res.end("no cors"), cors=False)
    app.get("/by-hand", lambda res, req: res.cors(req).end("by hand"), cors=False)
    app.get("/partners", lambda res, req: res.end("partners"), cors=["https://partner.example"])
    app.post("/partners", lambda res, req: res.end("everybody"))
    app.get("/articles/:id", lambda res, req: res.end("an article"), cors=["https://partner.example"])
    app.get("/articles/news", lambda res, req: res.end("news"))
    app.get("/pages/*", lambda res, req: res.end("a page"))
    app.get("/pages/ours", lambda res, req: res.end("ours"), cors=False)
    return app


def installed(**options):
    app = socketify_ext.App()
    app.register(socketify_ext.load("cors", **options))
    return add_routes(app)


def guarded(order, **options):
    """An app whose guard and limit refuse, with its extensions registered in this order."""
    app = socketify_ext.App()

    @socketify_ext.extension("door")
    def door(request, response, ws, *, app):
        @app.before_request(prefix="/guarded")
        async def look(res, req):
            await asyncio.sleep(0)
            raise socketify_ext.HTTPError(401, "who are you?")

        @app.before_request(prefix="/limited")
        def count(res, req):
            raise socketify_ext.HTTPError(429, headers={"Retry-After": "7"})

    extensions = {"cors": socketify_ext.load("cors", **options), "door": door}
    for name in order:
        app.register(extensions[name])
    app.before_request(prefix="/own-guard")(lambda res, req: res.write_status(403).end("no"))
    for path in ("/guarded", "/limited", "/own-guard"):
        app.get(path, lambda res, req: res.end("in"))
    return app


def with_own_options_route(**options):
    app = installed(**options)
    app.options("/own", lambda res, req: res.end("mine"))
    app.any("/*", lambda res, req: res.end("any"))
    return app


def readme():
    """Run the README's example up to where it listens."""
    text = (Path(__file__).parent.parent / "README.md").read_text()
    example = re.search(r"```python\n(.*?)\napp\.listen", text, re.DOTALL)[1]
    names = {}
    exec(example, names)  # noqa: S102 - it is ours
    return names["app"]
