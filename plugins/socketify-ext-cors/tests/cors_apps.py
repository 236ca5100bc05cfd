"""Apps that the tests serve."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import socketify

import socketify_ext


def add_routes(app):
    async def late(res, req):
        await asyncio.sleep(0)
        res.cors(req).end("late")

    def refused(res, req):
        res.cors(req)
        raise socketify_ext.HTTPError(404, "no such item")

    app.get("/late-status", lambda res, req: res.cors(req).send("gone", status=410))
    app.get("/refused", refused)
    app.get("/", lambda res, req: res.cors(req).end("root"))
    app.get("/items", lambda res, req: res.cors(req).end(["tea"]))
    app.put("/items", lambda res, req: res.write_status(201).cors(req).end("made"))
    app.get("/late", late)
    app.get("/own", lambda res, req: res.end("no cors"))
    return app


def installed(**options):
    app = socketify_ext.App()
    app.register(socketify_ext.load("cors", **options))
    app.before_request(prefix="/api")(lambda res, req: res.cors(req))
    return add_routes(app)


def stock(**options):
    app = socketify.App()
    app.register(socketify_ext.load("cors", **options))
    return add_routes(app)


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
