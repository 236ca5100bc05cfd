"""Apps whose routes are described."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

import socketify_ext
from socketify_ext import HTTPError

TOKEN = "s3cret-token"  # noqa: S105
TOKENS = {TOKEN: {"name": "Ann", "scopes": ["orders"]}, "other-token": {"name": "Bob", "scopes": []}}


def _whole(value):
    return int(value) if type(value) is float and value.is_integer() else value


# JSON Schema takes 2.0 for an integer; pydantic, where it is strict, does not. It stands last, or pydantic does not describe
# the limits.
whole = BeforeValidator(_whole)
Sku = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,20}$")]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Line(Strict):
    sku: Sku
    quantity: Annotated[int, Field(gt=0, le=100, description="how many"), whole] = 1


class OrderIn(Strict):
    """What a client orders."""

    lines: Annotated[list[Line], Field(min_length=1, max_length=10)]
    note: Annotated[str, Field(max_length=100)] | None = None
    kind: Literal["normal", "express"] = "normal"


class Order(OrderIn):
    id: int


class Tree(Strict):
    name: Annotated[str, Field(max_length=20)]
    children: Annotated[list[Tree], Field(max_length=3)] = []


class Paging(BaseModel):
    page: Annotated[int, Field(ge=1, le=1000, description="from 1 on")] = 1
    kinds: list[Literal["normal", "express"]] = Field([], alias="kind")
    sku: Sku | None = None


class OrderPath(BaseModel):
    order: Annotated[int, Field(ge=0, lt=2**31)]


class Detail(BaseModel):
    detail: str


@socketify_ext.extension("guard", requires=["auth"])
def guard(request, response, ws, *, app):
    """Let users alone pass."""

    def apply(route, scopes):
        @route.before_request
        async def check(res, req):
            await req.require_user(scopes)

    app.route_option("auth", type=list[str], apply=apply)


def shop(max_body=100_000, **options):
    """Take orders, by hand and by models."""
    app = socketify_ext.App(max_body=max_body)
    app.register(socketify_ext.load("auth", tokens=TOKENS))
    app.register(guard)
    app.register(socketify_ext.load("schema"))
    app.register(socketify_ext.load("openapi", title="Shop", version="1.2", **options))
    orders: dict[int, dict] = {}

    @app.get("/orders", query=Paging, returns=list[Order], tags=["orders"])
    def list_orders(res, req):
        """List orders.

        The *latest* come first.
        """
        query = req.valid.query
        found = [each for each in reversed(orders.values()) if not query.kinds or each["kind"] in query.kinds]
        return found[(query.page - 1) * 10 : query.page * 10]

    @app.post("/orders", body=OrderIn, returns={201: Order}, tags=["orders"])
    def add_order(res, req):
        """Order something."""
        order = {"id": len(orders) + 1, **req.valid.body.model_dump()}
        if len(orders) < 1000:
            orders[order["id"]] = order
        res.write_status(201).end(order)

    @app.get("/orders/:order", params=OrderPath, returns={200: Order, 404: Detail}, tags=["orders"])
    def get_order(res, req):
        """Get an order."""
        order = orders.get(req.valid.params.order)
        if order is None:
            raise HTTPError(404, "there is no such order")
        return order

    @app.delete("/orders/:id", returns={204: None, 404: Detail}, params=OrderId, deprecated=True, tags=["orders"])
    async def drop_order(res, req):
        if orders.pop(req.valid.params.id, None) is None:
            raise HTTPError(404, "there is no such order")
        res.write_status(204).end()

    @app.put("/tree", body=Tree, returns=Tree, examples={"body": {"a leaf": {"name": "leaf"}}})
    def echo_tree(res, req):
        return req.valid.body

    @app.get("/names/:name", returns={200: Named})
    def name(res, req):
        return {"name": req.get_parameter("name")}

    @app.get("/hidden", hidden=True)
    def hidden(res, req):
        res.end("hidden")

    return app


class OrderId(BaseModel):
    id: Annotated[int, Field(ge=0, lt=2**31)]


class Named(BaseModel):
    name: str


def guarded(**options):
    """Have routes for users alone."""
    app = shop(**options)

    @app.get("/me", auth=["orders"], returns=Named, summary="Who am I?")
    async def me(res, req):
        res.end({"name": (await req.get_user()).name})

    return app


def plain():
    """Have no extension that describes it."""
    app = socketify_ext.App()
    app.get("/x", lambda res, req: res.end("x"), tags=["a"])
    return app
