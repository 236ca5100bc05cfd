"""Apps with MessagePack, served by the tests in processes of their own."""

import asyncio
import re
import sys
from pathlib import Path

import builtin_apps
import msgspec
import pydantic

import socketify_ext

sys.path.insert(0, str(Path(__file__).parent))

PAGE = Path(__file__).parents[2] / "docs" / "msgpack.md"
LIMIT = 4096


class Order(pydantic.BaseModel):
    sku: str
    quantity: int = 1


class Line(msgspec.Struct):
    sku: str
    quantity: int = 1


def members(kind, pools=(), max_size=LIMIT):
    app = builtin_apps.make_app(kind, pools)
    app.register(socketify_ext.load("msgpack", max_size=max_size, max_depth=10))

    def failed(error, res, req):
        """Answer what a stock app knows nothing of."""
        status = getattr(error, "status", 500)
        res.write_status(status).end(str(getattr(error, "detail", error)))

    app.set_error_handler(failed)

    async def echo(res, req):
        res.msgpack(await res.get_msgpack())

    async def order(res, req):
        found = await res.get_msgpack(Order)
        assert type(found) is Order
        res.msgpack(found, 201)

    async def line(res, req):
        res.msgpack(await res.get_msgpack(Line))

    async def numbers(res, req):
        res.msgpack(sum(await res.get_msgpack(list[int])))

    async def prices(res, req):
        res.msgpack(len(await res.get_msgpack(dict[str, int])))

    async def late(res, req):
        await asyncio.sleep(0.001)
        value = await res.get_msgpack()
        await asyncio.sleep(0.001)
        res.msgpack({"got": value, "mine": req.get_header("x-name")}, 201)

    async def twice(res, req):
        size = len((await res.get_data()).getvalue())
        res.msgpack([size, await res.get_msgpack()])

    async def late_choice(res, req):
        await asyncio.sleep(0.001)
        res.negotiate({"mine": req.get_header("x-name")})

    def message(ws, data, opcode):
        try:
            value = ws.unpack(data)
            found = ws.unpack(data, Order) if isinstance(value, dict) and "sku" in value else value
        except ValueError as error:
            ws.send_msgpack({"error": str(error)})
        else:
            ws.send_msgpack(found)

    def refuse(ws, data, opcode):
        try:
            ws.send_msgpack(object())
        except TypeError as error:
            ws.send_msgpack({"refused": str(error).partition(":")[0]})

    app.post("/echo", echo)
    app.post("/order", order)
    app.post("/line", line)
    app.post("/numbers", numbers)
    app.post("/prices", prices)
    app.post("/late", late)
    app.post("/twice", twice)
    app.get("/choice", lambda res, req: res.negotiate({"day": builtin_apps.VALUES["date"]}))
    app.get("/made", lambda res, req: res.write_header("Vary", "Origin").negotiate([1], 201))
    app.get("/late-choice", late_choice)
    app.get("/headed", lambda res, req: res.write_status(202).write_header("X-Own", "1").msgpack([1]))
    app.ws("/ws", {"message": message, "max_payload_length": 64 * 1024})
    app.ws("/refuse", {"message": refuse})
    return app


def example(page=str(PAGE)):
    """Serve the example of the page as it stands there."""
    source = re.search(r"```python\n(import .+?)```", Path(page).read_text(), re.DOTALL)[1]
    scope = {"__name__": "example"}
    exec(compile(source, page, "exec"), scope)  # noqa: S102 - the page's own text
    return scope["app"]
