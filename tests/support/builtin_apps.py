"""Apps with the built-ins, served by the tests in processes of their own."""

import asyncio
import dataclasses
import datetime
import decimal
import enum
import sys
import uuid
from pathlib import Path
from types import SimpleNamespace

import pydantic
import socketify

import socketify_ext

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))


def make_app(kind, pools=()):
    """Make a stock app, a `socketify_ext.App` or an installed one, with the core's pools as asked."""
    sizes = {
        "request_response_factory_max_items": 50 if "http" in pools else 0,
        "websocket_factory_max_items": 50 if "ws" in pools else 0,
    }
    app = socketify_ext.App(**sizes) if kind == "app" else socketify.App(**sizes)
    return socketify_ext.install(app) if kind == "install" else app


def seed(kind, pools=()):
    import seed as example

    return example.make(make_app(kind, pools))


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Item(pydantic.BaseModel):
    sku: str


VALUES = {
    "plain": {"a": [1, 2.5, None, True, b"x", "ä"]},
    "aware": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc),
    "naive": datetime.datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001 - the rule for naive ones is what is tested
    "date": datetime.date(2026, 1, 2),
    "decimal": decimal.Decimal("1.10"),
    "uuid": uuid.UUID(int=7),
    "enum": Color.RED,
    "set": {1},
    "timedelta": datetime.timedelta(days=1, seconds=2, microseconds=500_000),
    "point": Point(1, 2),
    "model": Item(sku="s"),
    "bad": object(),
}


async def lookup(token):
    await asyncio.sleep(0)
    return {"name": token.upper()} if token.startswith("t") else None


def fast_json(kind):
    app = make_app(kind)
    app.register(socketify_ext.load("json"))

    async def echo(res, req):
        res.end(await res.get_json())

    app.get("/value/:name", lambda res, req: res.end(VALUES[req.get_parameter(0)]))
    app.post("/echo", echo)
    app.ws("/ws", {"message": lambda ws, text, opcode: ws.send(VALUES[text], 1)})
    return app


def builtins(kind, pools=(), verify=None):
    app = make_app(kind, pools)
    app.register(socketify_ext.load("msgpack"))
    ways = {"tokens": {"secret": {"name": "Test", "role": "admin"}}} if verify is None else {"verify": lookup}
    app.register(socketify_ext.load("auth", **ways))
    app.register(socketify_ext.load("cart"))
    app.register(socketify_ext.load("pm"))

    async def user(res, req):
        res.end(await req.get_user())

    async def late_user(res, req):
        await asyncio.sleep(0.001)
        found = await req.get_user()
        res.cork(lambda answer: answer.end(found))

    async def cart(res, req):
        req.cart.append(req.get_query("item"))
        await asyncio.sleep(0.001)
        res.cork(lambda answer: answer.end(req.cart))

    def upgrade(res, req, context):
        name = req.get_query("name")
        res.upgrade(
            req.get_header("sec-websocket-key"),
            req.get_header("sec-websocket-protocol"),
            req.get_header("sec-websocket-extensions"),
            context,
            SimpleNamespace(username=name) if name == "Object" else {"username": name},
        )

    def message(ws, text, opcode):
        to_username, _, words = text.partition(": ")
        ws.send_pm(to_username, words)

    app.get("/value/:name", lambda res, req: res.msgpack(VALUES[req.get_parameter(0)], status=201))
    app.get("/user", user)
    app.get("/late-user", late_user)
    app.get("/cart", cart)
    app.ws(
        "/chat",
        {
            "upgrade": upgrade,
            "open": lambda ws: ws.subscribe(
                "signal-" + (getattr(ws.get_user_data(), "username", None) or ws.get_user_data()["username"])
            ),
            "message": message,
        },
    )
    return app
