# ruff: noqa: D101
"""FastAPI under uvicorn, with the route of validated.py."""

import sys
from typing import Annotated

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

app = FastAPI()


class Address(BaseModel):
    street: str
    city: str
    zip: Annotated[str, Field(max_length=10)]


class Order(BaseModel):
    sku: Annotated[str, Field(min_length=1)]
    quantity: Annotated[int, Field(gt=0)]
    tags: list[str] = []
    address: Address


@app.get("/validated")
async def ready() -> dict[str, str]:
    return {}


@app.post("/validated")
async def order(order: Order) -> dict[str, object]:
    return {"sku": order.sku, "quantity": order.quantity, "city": order.address.city}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
