"""The shop's app: `ENGINE=redis://... PICTURES=folder socketify-ext run shop.app:make`."""

import json
import os
import secrets
import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import jwt
from pydantic import BaseModel, Field, StringConstraints
from socketify import OpCode

import socketify_ext
from socketify_ext import HTTPError, UploadedFile
from socketify_ext.stores import open_store

HERE = Path(__file__).parent
KEY = os.environ.get("SHOP_KEY", "a key for this demo alone, of 32 bytes")
DAY = 24 * 60 * 60
KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif"}
ARTICLES = "shop:articles"
FIRST = {
    "book": {"name": "A book", "price": "9.90", "picture": None},
    "pen": {"name": "A pen", "price": "1.20", "picture": None},
}
TOPIC = "people"

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=30)]


class Login(BaseModel):
    name: Name


class Article(BaseModel):
    name: Name
    price: Decimal = Field(gt=0, lt=100_000, decimal_places=2)
    picture: UploadedFile | None = None


def make():
    engine, pictures = os.environ["ENGINE"], Path(os.environ["PICTURES"])
    store = open_store(engine)
    app = socketify_ext.App()
    app.register(socketify_ext.load("json"))
    app.register(socketify_ext.load("msgpack"))
    app.register(socketify_ext.load("auth", jwt={"key": KEY, "algorithms": ["HS256"]}, cookie="login"))
    app.register(socketify_ext.load("backplane", url=engine))
    app.register(socketify_ext.load("pm", inbox=engine, rate="50/second"))
    app.register(socketify_ext.load("cart", store=engine, secret=KEY, cookie_secure=False))
    app.on_shutdown(store.close)

    async def load_articles():
        written = await store.get(ARTICLES)
        return {**FIRST, **(json.loads(written) if written else {})}

    @app.get("/")
    def page(res, req):
        res.send_file(HERE / "static/index.html")

    app.static("/static", HERE / "static")
    app.static("/pictures", pictures)

    @app.post("/login")
    async def login(res, req):
        given = await res.get_json(Login)
        token = jwt.encode({"sub": given.name, "name": given.name, "exp": time.time() + DAY}, KEY, "HS256")
        res.set_cookie("login", token, max_age=DAY, http_only=True, same_site="Strict")
        return {"name": given.name}

    @app.post("/logout")
    def logout(res, req):
        res.delete_cookie("login").write_status(204).end_without_body()

    @app.get("/me")
    async def me(res, req):
        user = await req.get_user()
        return {"name": user.name if user.id else None}

    @app.get("/articles")
    async def articles(res, req):
        res.negotiate(await load_articles())  # MessagePack for the page, JSON for curl

    @app.post("/articles", max_body=2_000_000)
    async def add_article(res, req):
        await req.require_user()
        given = await res.get_form(Article)
        sku = secrets.token_hex(4)
        picture = None
        if given.picture is not None and given.picture.size:
            data = given.picture.file.read()
            kind = next((kind for start, kind in KINDS.items() if data.startswith(start)), None)
            if kind is None:
                raise HTTPError(422, "the picture is neither PNG nor JPEG nor GIF")
            picture = f"{sku}.{kind}"
            (pictures / picture).write_bytes(data)
        async with store.edit(ARTICLES) as values:
            written = json.loads(values[ARTICLES] or b"{}")
            written[sku] = {"name": given.name, "price": str(given.price), "picture": picture}
            values[ARTICLES] = json.dumps(written).encode()
        app.publish(TOPIC, {"type": "article", "sku": sku, **written[sku]}, OpCode.TEXT)
        res.write_status(201)
        return {"sku": sku}

    @app.get("/cart")
    async def show(res, req):
        cart = await req.load_cart()
        res.negotiate({"items": cart, "total": cart.total})

    @app.post("/cart/:sku")
    async def add(res, req):
        sku = req.get_parameter("sku")
        article = (await load_articles()).get(sku)
        if article is None:
            raise HTTPError(404, f"no article {sku}")
        async with req.edit_cart() as cart:
            cart.add(sku, unit_price=Decimal(article["price"]))
        res.negotiate({"items": cart, "total": cart.total})

    @app.delete("/cart")
    async def empty(res, req):
        async with req.edit_cart() as cart:
            cart.clear()
        res.negotiate({"items": cart, "total": cart.total})

    app.get("/worker", lambda res, req: res.end(os.getpid()))

    async def upgrade(res, req, context):
        await res.upgrade_authenticated(req, context)

    def opened(ws):  # pm has added it already
        ws.subscribe(TOPIC)
        app.publish(TOPIC, {"type": "hello", "name": ws.get_user().name}, OpCode.TEXT)

    def message(ws, text, opcode):
        name = ws.get_user().name
        asked = json.loads(text)
        if asked["type"] == "send":
            ws.send_pm(asked["to"], asked["message"], key=asked["key"])
        elif asked["type"] == "ack":
            ws.ack_pm(asked["id"])
        elif asked["type"] == "talk":  # from now on this socket sees who types to it
            ws.join_pm_room(asked["to"])
        elif asked["type"] == "typing":
            app.publish(ws.join_pm_room(asked["to"]), {"type": "typing", "name": name}, OpCode.TEXT)
        elif asked["type"] == "here":  # answers a hello
            app.publish(TOPIC, {"type": "here", "name": name}, OpCode.TEXT)

    def closed(ws, code, message):
        app.publish(TOPIC, {"type": "gone", "name": ws.get_user().name}, OpCode.TEXT)

    app.ws("/chat", {"upgrade": upgrade, "open": opened, "message": message, "close": closed})
    return app
