"""Apps that set and read cookies, served by the tests in processes of their own."""

import asyncio
from pathlib import Path

import socketify
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


def secure_cookies(kind):
    """Serve routes that set a Secure cookie: at once, after an await, in a thread, and after the handler."""
    if kind == "tls":
        data = Path(__file__).parents[1] / "data"
        tls = {"key_file_name": str(data / "localhost.key"), "cert_file_name": str(data / "localhost.crt")}
        app = socketify_ext.App(socketify.AppOptions(**tls))
    else:
        app = make_app(kind)

    def set_first(res):
        return res.set_cookie("first", "1", secure=True)

    async def after(res, req):
        await asyncio.sleep(0)
        set_first(res).end("set")

    def late(res, req):
        res.grab_aborted_handler()
        app.loop.loop.call_soon(lambda: set_first(res).end("set"))

    async def thread(res, req):
        await asyncio.to_thread(set_first, res)
        res.end("set")

    app.get("/plain", lambda res, req: res.set_cookie("plain", "1").end("set"))
    app.get("/secure/now", lambda res, req: set_first(res).end("set"))
    app.get("/secure/after", after)
    app.get("/secure/late", late)
    app.get("/secure/thread", thread)
    return app


def secure_cart():
    """Serve a cart that has its cookie for HTTPS only."""
    app = socketify_ext.App()
    app.register(socketify_ext.load("cart", store="memory://", secret="a secret of this test"))

    async def add(res, req):
        async with req.edit_cart() as cart:
            cart.add("book", unit_price="9.90")
        res.end({"total": str(cart.total)})

    app.post("/add", add)
    return app
