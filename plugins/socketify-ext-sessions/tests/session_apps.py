"""Apps that the tests serve."""

from __future__ import annotations

import asyncio

import socketify

import socketify_ext

SECRET = "newest-secret-of-the-app"  # noqa: S105 - made up


def make(kind="app", **options):
    app = socketify_ext.App() if kind == "app" else socketify.App()
    app.register(socketify_ext.load("sessions", **{"secret": SECRET, "cookie_secure": False, **options}))

    async def show(res, req):
        res.end(await req.load_session())

    async def put(res, req):
        session = await req.load_session()
        session[req.get_query("key")] = req.get_query("value")
        await req.save_session()
        res.end(session)

    async def count(res, req):
        async with req.edit_session() as session:
            await asyncio.sleep(0)
            session["count"] = session.get("count", 0) + 1
        res.end(session)

    app.get("/show", show)
    app.get("/put", put)
    app.get("/count", count)
    return app
