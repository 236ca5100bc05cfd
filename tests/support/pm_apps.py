"""Apps with private messages, served by the tests in processes of their own."""

import json
import re
from pathlib import Path

import socketify

import socketify_ext

ALLOW = {
    "friends": lambda sender, to: to != "Stranger",
    "lazy": lambda sender, to: later(),
}


async def later():
    return True


PAGE = Path(__file__).parents[2] / "docs" / "pm.md"


def page_example(inbox):
    """Run the example of the page, with another path for its inbox."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {"__name__": "example"}
    exec(compile(code.replace("sqlite:///pm.db", inbox), str(PAGE), "exec"), names)  # noqa: S102
    return names["app"]


def chat(kind="app", allow=None, join=True, backplane=None, **options):
    """Serve sockets that do what their clients ask for in JSON, as {"do": "send", "to": "Ben", "message": "hello"}."""
    app = socketify_ext.App(shutdown_grace=1) if kind == "app" else socketify.App()
    if kind == "install":
        socketify_ext.install(app, shutdown_grace=1)
    if allow is not None:
        options["allow"] = ALLOW[allow]
    if backplane is not None:
        app.register(socketify_ext.load("backplane", url=backplane))
    app.register(socketify_ext.load("pm", **options))

    def upgrade(res, req, context):
        name = json.loads(req.get_header("name"))
        keys = [req.get_header(f"sec-websocket-{part}") for part in ("key", "protocol", "extensions")]
        res.upgrade(*keys, context, {"username": name})

    async def opened(ws):
        if join:
            if join != "by itself":
                await ws.join_pm()
            if backplane is not None:
                await app.backplane.flush(10)
            ws.send({"type": "joined"}, 1)

    def message(ws, text, opcode):
        asked = json.loads(text)
        do = asked.pop("do")
        if do == "send":
            ws.send_pm(asked["to"], asked["message"], key=asked.get("key"))
        elif do == "ack":
            ws.send({"type": "acked", "known": ws.ack_pm(asked["id"])}, 1)
        elif do == "stored":
            return stored(ws, asked)
        elif do == "room":
            ws.send({"type": "room", "topic": ws.join_pm_room(asked["with"])}, 1)
        elif do == "type":
            app.publish(ws.join_pm_room(asked["with"]), {"type": "typing"}, 1)
        elif do == "topics":
            ws.send({"type": "topics", "topics": sorted(ws.get_topics())}, 1)
        return None

    async def stored(ws, asked):
        receipt = ws.send_pm(asked["to"], asked["message"])
        accepted = [await receipt.stored, await receipt.stored]
        ws.send({"type": "accepted", "accepted": accepted, "receipt": repr(receipt)}, 1)

    app.get("/health", lambda res, req: res.end("well"))
    behavior = {"upgrade": upgrade, "open": opened, "message": message, "max_payload_length": 1024 * 1024}
    app.ws("/chat", {**behavior, "max_backpressure": 64 * 1024})
    return app
