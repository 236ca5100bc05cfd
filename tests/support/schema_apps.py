"""Routes with models of what they take and answer."""

import asyncio
import dataclasses
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import TypedDict

import socketify_ext

LIMIT = 100_000


class Order(BaseModel):
    sku: str
    quantity: Annotated[int, Field(gt=0)] = 1


class Search(BaseModel):
    text: str = Field("", alias="q")
    page: int = 1
    tags: list[str] = Field([], alias="tag")


class ItemPath(BaseModel):
    user: int
    kind: Literal["book", "film"]


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Entry(TypedDict):
    name: str
    sizes: list[int]


class Struct(msgspec.Struct):
    sku: str
    lines: list[int] = []


class Node(BaseModel):
    name: str
    children: list["Node"] = []


class Rough(BaseModel):
    word: str

    @field_validator("word")
    @classmethod
    def check(cls, word):
        if word == "http":
            raise socketify_ext.HTTPError(409, "taken")
        if word == "fit":
            raise ValueError("it is not a word")
        raise {"key": KeyError, "type": TypeError, "run": RuntimeError, "recursion": RecursionError}[word](word)


class User(BaseModel):
    name: str


class UserInStore(User):
    password: str = "s3cret"


class Row:
    """What a database library returns."""

    name = "Ann"
    password = "s3cret"


class Account(BaseModel):
    owner: User
    others: list[User] = []


@dataclasses.dataclass
class PointInStore(Point):
    password: str = "s3cret"


class Card(msgspec.Struct):
    name: str


class CardInStore(Card):
    password: str = "s3cret"


class Deck(msgspec.Struct):
    cards: list[Card]


class Renamed(BaseModel):
    model_config = ConfigDict(serialize_by_alias=False)

    text: str = Field(alias="q")


Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    items: list[Item]


BODIES = {
    "order": Order,
    "point": Point,
    "entry": Entry,
    "struct": Struct,
    "numbers": list[int],
    "node": Node,
    "rough": Rough,
}
# What handlers answer with, by the model that it has to fit.
ANSWERS = {
    "plain": (User, {"name": "Ann"}),
    "more": (User, {"name": "Ann", "password": "s3cret"}),
    "subclass": (User, UserInStore(name="Ann")),
    "row": (User, Row()),
    "nested": (Account, Account(owner=UserInStore(name="Ann"), others=[UserInStore(name="Bob")])),
    "nested dict": (Account, {"owner": UserInStore(name="Ann"), "others": [{"name": "Bob", "password": "s3cret"}]}),
    "list": (list[User], [UserInStore(name="Ann"), {"name": "Bob", "password": "s3cret"}]),
    "dataclass": (Point, PointInStore(1)),
    "typeddict": (Entry, {"name": "a", "sizes": [1], "password": "s3cret"}),
    "struct": (Card, CardInStore("Ann")),
    "struct dict": (Card, {"name": "Ann", "password": "s3cret"}),
    "struct in struct": (Deck, Deck([CardInStore("Ann")])),
    "structs": (list[Card], [CardInStore("Ann")]),
    "generic": (Page[User], {"items": [UserInStore(name="Ann")]}),
    "alias": (Renamed, Renamed(q="tea")),
    "alias by name": (Renamed, {"text": "tea"}),
    "number": (int, 5),
    "wrong": (User, {"name": 5}),
    "missing": (User, {"password": "s3cret"}),
    "unchecked": (User, User.model_construct(name=5)),
    "wrong struct": (Card, {"name": 5}),
    "no value": (Card, Row()),
}


def shown(value):
    return value.model_dump() if isinstance(value, BaseModel) else msgspec.to_builtins(value)


def make(max_body=LIMIT):
    app = socketify_ext.App(max_body=max_body)
    app.register(socketify_ext.load("schema"))
    for name, model in BODIES.items():
        app.post(f"/body/{name}", lambda res, req: res.end({"value": shown(req.valid.body)}), body=model)

    async def late(res, req):
        await asyncio.sleep(0)
        return {"value": shown(req.valid.body), "url": req.get_full_url()}

    app.post("/late", late, body=Order)
    app.get("/search", lambda res, req: {"value": shown(req.valid.query)}, query=Search)
    app.get("/users/:user/:kind", lambda res, req: {"value": shown(req.valid.params)}, params=ItemPath)

    @app.put("/all/:user/:kind", body=Order, query=Search, params=ItemPath)
    def everything(res, req):
        valid = req.valid
        res.end([shown(valid.params), shown(valid.query), shown(valid.body)])

    app.get("/none", lambda res, req: {"valid": repr(req.valid)})
    app.get("/unset", lambda res, req: res.end(req.valid.body), query=Search)

    @app.post("/again", body=Order)
    async def again(res, req):
        res.end([shown(req.valid.body), await res.get_json(), (await res.get_data()).getvalue().decode()])

    @app.post("/deferred", body=Order)
    def deferred(res, req):
        res.grab_aborted_handler()
        asyncio.get_running_loop().call_soon(res.end, {"sku": req.valid.body.sku})

    @app.post("/silent", body=Order)
    def silent(res, req):
        pass

    for name, (model, value) in ANSWERS.items():

        def answers(name, model, value):
            path = name.replace(" ", "-")
            app.get(f"/returned/{path}", lambda res, req: value, returns=model)
            app.get(f"/ended/{path}", lambda res, req: res.end(value), returns=model)
            app.get(f"/sent/{path}", lambda res, req: res.send(value, status=200), returns={200: model})

            @app.get(f"/late/{path}", returns=model)
            async def late(res, req):
                await asyncio.sleep(0)
                res.end(value)

        answers(name, model, value)

    @app.get("/status/:status", returns={201: User, 404: Order, 204: None})
    def by_status(res, req):
        if req.get_query("send"):
            res.send({"name": "Ann", "sku": "tea", "password": "s3cret"}, status=int(req.get_parameter("status")))
        elif req.get_query("raise"):
            raise socketify_ext.HTTPError(int(req.get_parameter("status")), {"free": "text"})
        else:
            res.write_status(int(req.get_parameter("status")))
            res.end({"name": "Ann", "sku": "tea", "password": "s3cret"})

    app.get("/text", lambda res, req: "as it is", returns=User)

    def upgrade(res, req, context):
        keys = (req.get_header(f"sec-websocket-{part}") for part in ("key", "protocol", "extensions"))
        res.upgrade(*keys, context, req.valid)

    app.ws(
        "/ws/:user/:kind",
        {"upgrade": upgrade, "open": lambda ws: ws.send(str(ws.get_user_data().query.page))},
        query=Search,
        params=ItemPath,
    )

    seen = []

    @app.before_request(prefix="/guarded")
    def guard(res, req):
        if req.get_header("token") != "s3cret":
            raise socketify_ext.HTTPError(401)

    @app.before_request(prefix="/guarded/late")
    async def late_guard(res, req):
        await asyncio.sleep(0)

    app.post("/guarded/order", lambda res, req: {"value": shown(req.valid.body)}, body=Order)
    app.post("/guarded/late/order", lambda res, req: {"value": shown(req.valid.body)}, body=Order)
    app.get("/seen", lambda res, req: {"seen": seen})
    return app


def without_models():
    app = socketify_ext.App()
    app.post("/body/order", lambda res, req: None)
    return app
