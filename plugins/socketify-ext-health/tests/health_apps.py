"""Apps that the tests serve."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import socketify

import socketify_ext

README = Path(__file__).parent.parent / "README.md"
state = {"database": True}


@socketify_ext.extension("guard")
def guard(request, response, ws, *, app):
    """Let nobody in without a token."""

    @app.before_request
    async def refuse(res, req):
        await asyncio.sleep(0)
        if req.get_header("token") is None:
            raise socketify_ext.HTTPError(401)


@socketify_ext.extension("queue", requires=["health"])
def queue(request, response, ws, *, app):
    """Add a check."""

    @app.on_startup
    async def connect():
        app.health.add_check("queue", lambda: None)


def make(kind="app", order=("health", "guard", "queue"), **options):
    app = socketify_ext.App() if kind == "app" else socketify_ext.install(socketify.App())
    loaded = {"health": socketify_ext.load("health", **options), "guard": guard, "queue": queue}
    for name in order:
        app.register(loaded[name])

    @app.health.check("database")
    async def look():
        if state["database"] is None:
            raise ConnectionError("s3cret is wrong")
        return state["database"]

    def block(res, req):
        time.sleep(float(req.get_query("seconds")))
        res.end("blocked")

    async def wait(res, req):
        await asyncio.sleep(float(req.get_query("seconds")))
        res.end("waited")

    def database(res, req):
        state["database"] = {"up": True, "down": False, "broken": None}[req.get_parameter(0)]
        res.end("set")

    def lag(res, req):
        res.end({"lag": app.health.lag, "closing": app.health.is_closing})

    app.get("/", lambda res, req: res.end("hello"))
    app.get("/block", block)
    app.get("/wait", wait)
    app.get("/lag", lag)
    app.post("/database/:state", database)
    app.ws("/ws", {"message": lambda ws, message, opcode: ws.send(message, opcode)})
    return app


def readme():
    """Run the README's examples up to where the first one listens."""
    first, second = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names = {}
    exec(first.partition("\napp.listen")[0] + second, names)  # noqa: S102 - it is ours
    return names["app"]
