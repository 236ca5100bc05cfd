"""Apps with carts, served by test_cart.py in processes of their own."""

import asyncio
from collections.abc import Mapping

import socketify

import socketify_ext

SECRET = "newest-secret-of-the-shop"


class User(Mapping):
    """What `auth` gives: a frozen mapping."""

    def __init__(self, name, claims):
        self.name, self.claims, self.is_authenticated = name, claims, name != "Anonymous"

    def __getitem__(self, key):
        return getattr(self, key)

    def __iter__(self):
        return iter(("name", "is_authenticated", "claims"))

    def __len__(self):
        return 3


@socketify_ext.extension("people")
def people(request, response, ws):
    """A user for each token: "Ann", or with an issuer and a subject "Ann;shop;7"."""

    @request.method
    async def get_user(self):
        await asyncio.sleep(0)
        name, *more = (self.get_header("token") or "Anonymous").split(";")
        return User(name, dict(zip(("iss", "sub"), more, strict=False)))


def make_app(kind):
    app = socketify_ext.App() if kind == "app" else socketify.App()
    return socketify_ext.install(app) if kind == "install" else app


def plain(kind, json=False):
    """A cart that lives with its request."""
    app = make_app(kind)
    app.register(socketify_ext.load("msgpack"))
    app.register(socketify_ext.load("cart", max_items=3))
    if json:
        app.register(socketify_ext.load("json"))

    def add(res, req):
        for sku in req.get_queries()["sku"]:
            req.cart.add(sku, unit_price="9.90")
        return req.cart

    def append(res, req):
        req.cart.append(req.get_query("item"))
        res.end(req.cart)

    async def late(res, req):
        await asyncio.sleep(0)
        res.end(add(res, req))

    app.get("/append", append)
    app.get("/json", lambda res, req: res.end(add(res, req)))
    app.get("/msgpack", lambda res, req: res.msgpack(add(res, req)))
    app.get("/late", late)
    return app


def shop(kind="app", **options):
    """A cart that is kept."""
    app = make_app(kind)
    app.register(people)
    app.register(socketify_ext.load("msgpack"))
    app.register(socketify_ext.load("cart", **{"secret": SECRET, "cookie_secure": False, **options}))

    async def show(res, req):
        res.end(await req.load_cart())

    async def add(res, req):
        async with req.edit_cart() as cart:
            await asyncio.sleep(0)
            cart.add(req.get_query("sku"), int(req.get_query("quantity") or 1), "9.90", req.get_query("currency"))
        res.end({"cart": cart, "total": {unit: str(total) for unit, total in cart.totals.items()}})

    async def answer_inside(res, req):
        async with req.edit_cart() as cart:
            cart.add("inside")
            res.end(cart)

    async def remove(res, req):
        async with req.edit_cart() as cart:
            cart.remove(req.get_query("sku"))
        res.msgpack(req.cart)

    async def save(res, req):
        cart = await req.load_cart()
        cart.append(req.get_query("value"))
        if req.get_query("meanwhile"):
            async with req.edit_cart() as other:
                other.add("meanwhile")
            req.cart = cart
        await req.save_cart()
        await req.save_cart()
        res.end(await req.load_cart())

    async def fill(res, req):
        await req.load_cart()
        req.cart.extend(["x" * 50] * int(req.get_query("count")))
        await req.save_cart()
        res.end("saved")

    async def fail(res, req):
        try:
            async with req.edit_cart() as cart:
                cart.add("lost")
                cart.remove("missing")
        except ValueError:
            res.end(req.cart)

    async def late(res, req):
        res.end("answered")
        async with req.edit_cart() as cart:
            cart.add("late")

    async def unloaded(res, req):
        req.cart.append("x")
        if req.get_query("edit"):
            async with req.edit_cart():
                pass
        await (req.save_cart() if req.get_query("save") else req.load_cart())

    async def unserialisable(res, req):
        async with req.edit_cart() as cart:
            cart.append(object())

    handlers = (show, add, answer_inside, remove, save, fill, fail, late, unloaded, unserialisable)
    for handler in handlers:
        app.get(f"/{handler.__name__}", handler)
    return app
