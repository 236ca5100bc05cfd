"""Apps that the tests serve."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace

import socketify

import socketify_ext

SECRET = "newest-secret-of-the-app"  # noqa: S105 - made up
README = Path(__file__).parent.parent / "README.md"


async def session_of(res, req):
    await asyncio.sleep(0)
    return req.get_header("session")


def make(kind="app", bind=None, **options):
    app = socketify_ext.App() if kind == "app" else socketify_ext.install(socketify.App())
    binds = {"session": session_of, "name": lambda res, req: req.get_header("session")}
    app.register(socketify_ext.load("csrf", bind=binds.get(bind, bind), **options))

    @app.register
    @socketify_ext.extension("users")
    def users(request, response, ws):
        """Know everybody who gives a name."""

        @request.method
        async def get_user(self):
            await asyncio.sleep(0)
            name = self.get_header("name")
            return SimpleNamespace(name=name or "Anonymous", is_authenticated=name is not None)

    async def echo(res, req):
        res.end((await res.get_data()).getvalue())

    async def form(res, req):
        res.end(dict(await res.get_form(max_fields=3)))

    async def streamed(res, req):
        res.end(str(sum([len(part) async for part in res.body()])))

    async def token(res, req):
        res.end([await req.get_csrf_token(), await req.get_csrf_token()])

    async def own_cache(res, req):
        res.write_header("Cache-Control", "private")
        res.end(await req.get_csrf_token())

    async def by_hand(res, req):
        found = await res.get_form()
        await req.check_csrf_token(found.get("csrf_token"))
        res.end("checked")

    async def too_late(res, req):
        res.end("gone")
        await req.get_csrf_token()

    app.get("/", lambda res, req: res.end("look"))
    for method in ("post", "put", "patch", "delete"):
        getattr(app, method)("/item", lambda res, req: res.end("changed"))
    app.post("/echo", echo)
    app.post("/form", form)
    app.post("/streamed", streamed)
    app.any("/any", lambda res, req: res.end("any"))
    app.post("/hook", lambda res, req: res.end("hook"), csrf=False)
    app.post("/by-hand", by_hand, csrf=False)
    app.get("/token", token)
    app.get("/own-cache", own_cache)
    app.get("/too-late", too_late)
    app.ws("/ws", {"message": lambda ws, message, opcode: ws.send(message, opcode)})
    app.ws("/open", {"message": lambda ws, message, opcode: ws.send(message, opcode)}, csrf=False)
    return app


def without_users(**options):
    app = socketify_ext.App()
    app.register(socketify_ext.load("csrf", bind="user", **options))
    app.get("/token", lambda res, req: req.get_csrf_token())
    return app


def with_cors(order):
    app = socketify_ext.App()
    for name in order:
        options = {
            "cors": {"allow_origins": ["https://app.example"]},
            "csrf": {"trusted_origins": ["https://app.example"]},
        }
        app.register(socketify_ext.load(name, **options[name]))
    app.post("/item", lambda res, req: res.cors(req).end("changed"))
    return app


def readme():
    """Run the README's examples up to where the first one listens."""
    first, second = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names = {}
    exec(first.partition("\napp.listen")[0] + second, names)  # noqa: S102 - it is ours
    return names


def readme_first():
    return readme()["app"]


def readme_second():
    return readme()["guarded"]
