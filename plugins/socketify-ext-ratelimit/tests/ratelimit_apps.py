"""Apps that the tests serve."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace

import socketify

import socketify_ext


async def by_token(res, req):
    await asyncio.sleep(0)
    return req.get_header("token")


def limited(kind="app", key="address", **options):
    app = socketify_ext.App() if kind == "app" else socketify_ext.install(socketify.App())
    keys = {"token": lambda res, req: req.get_header("token"), "late token": by_token}
    app.register(socketify_ext.load("ratelimit", key=keys.get(key, key), **options))

    @app.register
    @socketify_ext.extension("users")
    def users(request, response, ws):
        """Know everybody who gives a name."""

        @request.method
        async def get_user(self):
            await asyncio.sleep(0)
            name = self.get_header("name")
            known = {} if self.get_header("id") is None else {"id": self.get_header("id")}
            return SimpleNamespace(name=name or "Anonymous", is_authenticated=name is not None, **known)

    async def echo(res, req):
        res.end((await res.get_data()).getvalue())

    def fail(res, req):
        raise ValueError("a fault")

    app.get("/failing", fail)
    app.get("/", lambda res, req: res.end("root"))
    app.get("/login", lambda res, req: res.write_status(201).end({"a": 1}))
    app.get("/login/:id", lambda res, req: res.end("login"))
    app.get("/client/:number", lambda res, req: res.end("client"))
    app.get("/other", lambda res, req: res.end("other"))
    app.post("/login", echo)
    app.ws("/login/ws", {"message": lambda ws, message, opcode: ws.send(message, opcode)})
    return app


def without_users(**options):
    app = socketify_ext.App()
    app.register(socketify_ext.load("ratelimit", key="user", **options))
    app.get("/", lambda res, req: res.end("root"))
    return app


def guarded(order):
    """An app whose tokens are asked for behind a limit, with its extensions registered in this order."""
    extensions = {
        "auth": socketify_ext.load("auth", tokens={"secret": {"name": "Ann"}}),
        "ratelimit": socketify_ext.load("ratelimit", limits={"/": "2/hour"}),
    }
    app = socketify_ext.App()
    for name in order:
        app.register(extensions[name])
    app.get("/", lambda res, req: res.end("in"), auth=True)
    return app


def with_scopes(store):
    """An app with limits for each scope."""
    app = socketify_ext.App()
    for prefix in ("/a", "/b"):
        scope = app.scope(prefix)
        scope.register(socketify_ext.load("ratelimit", limits={"/": "9/hour", "/only": "1/hour"}, store=store))
        scope.get("/only", lambda res, req: res.end("in"))
    return app


def readme():
    """Run the README's example up to where it listens."""
    text = (Path(__file__).parent.parent / "README.md").read_text()
    example = re.search(r"```python\n(.*?)\napp\.listen", text, re.DOTALL)[1]
    names = {}
    exec(example, names)  # noqa: S102 - it is ours
    return names["app"]
