"""Apps that set and read cookies, served by the tests in processes of their own."""

import asyncio

from builtin_apps import make_app

import socketify_ext


def cookies(kind):
    """Serve routes that set, read and delete the cookies that they are told."""
    app = make_app(kind)
    app.register(socketify_ext.extension("nothing")(lambda request, response, ws: None))

    async def set_all(res, req):
        for name, value in (await res.get_json()).items():
            res.set_cookie(name, value, http_only=True, same_site="Lax")
        res.end("set")

    async def get_all(res, req):
        before = dict(req.get_cookies())
        await asyncio.sleep(0)
        res.end([before, {name: req.get_cookie(name) for name in before}])

    async def delete(res, req):
        for name in await res.get_json():
            res.delete_cookie(name)
        res.end("deleted")

    app.post("/set", set_all)
    app.get("/get", get_all)
    app.get("/deep/get", get_all)
    app.post("/delete", delete)
    return app
