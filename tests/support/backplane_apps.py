"""Apps with a backplane, served by the tests in processes of their own."""

import asyncio
import json
import os

import socketify_ext
from socketify_ext.errors import HTTPError

TEXT, BINARY = 1, 2


def chat(patience=60, **options):
    """Serve sockets that say what they want as JSON, and tell how the backplane is."""
    app = socketify_ext.App()
    app.register(socketify_ext.load("backplane", timeout=patience, **options))

    def message(ws, text, opcode):
        wish = json.loads(text)
        data = wish.get("data")
        if wish["do"] == "subscribe":
            for topic in wish["topics"]:
                ws.subscribe(topic)
        elif wish["do"] == "unsubscribe":
            for topic in wish["topics"]:
                ws.unsubscribe(topic)
        elif wish["do"] == "publish":
            data = data.encode() if wish.get("binary") else data
            ws.publish(wish["topic"], data, BINARY if wish.get("binary") else TEXT, bool(wish.get("compress")))
        ws.send({"done": wish["do"]}, TEXT)

    async def publish(res, req):
        """Publish numbered messages after an await, where the native loop may be asleep."""
        start, count, topic = int(req.get_query("start")), int(req.get_query("count")), req.get_query("topic")
        name, size = req.get_query("name"), int(req.get_query("size") or 0)
        await asyncio.sleep(0)
        for number in range(start, start + count):
            app.publish(topic, f"{name}:{number}{' ' * size}", TEXT)
        res.end("ok")

    async def flush(res, req):
        try:
            await app.backplane.flush(10)
        except asyncio.TimeoutError:
            raise HTTPError(504) from None
        res.end("ok")

    def counters(res, req):
        names = ("published", "received", "dropped", "outages", "connected", "queued")
        res.end({name: getattr(app.backplane, name) for name in names})

    app.ws(
        "/ws",
        {"message": message, "max_payload_length": 1024 * 1024, "max_backpressure": 64 * 1024 * 1024, "compression": 1},
    )
    app.get("/publish", publish)
    app.get("/flush", flush)
    app.get("/counters", counters)
    return app


def without_sockets(**options):
    """Publish from a process that has no WebSocket route at all."""
    app = socketify_ext.App()
    app.register(socketify_ext.load("backplane", **options))

    def publish(res, req):
        topic = req.get_query("topic")
        sent = [app.publish(topic, f"{number} {' ' * 10_000}", TEXT) for number in range(int(req.get_query("count")))]
        res.end({"sent": any(sent), "there": app.num_subscribers(topic)})

    app.get("/publish", publish)
    return app


def run(app):
    """Serve under the core's CLI, whose workers are forked: tell each socket which process it is at."""
    app = socketify_ext.install(app)
    app.register(socketify_ext.load("backplane", url=os.environ["ENGINE"]))

    def greet(ws):
        ws.subscribe("room")
        ws.send(str(os.getpid()), TEXT)

    async def flush(res, req):
        await app.backplane.flush(10)
        res.end(str(os.getpid()))

    app.ws("/ws", {"open": greet, "message": lambda ws, message, opcode: ws.publish("room", message, opcode)})
    app.get("/flush", flush)
