"""Apps with hooks before the messages of WebSockets, served by `test_received.py` in processes of their own."""

import asyncio
import contextvars

from builtin_apps import make_app

import socketify_ext

user = contextvars.ContextVar("user", default="nobody")


def messages(kind):
    """Hooks that look, wait, refuse, fail and close."""
    app = make_app(kind)
    notes, gate = [], asyncio.Event()
    app.get("/notes", lambda res, req: res.end(notes))
    app.get("/open", lambda res, req: (gate.set(), res.end("")))
    app.get("/add", lambda res, req: (add(), res.end("added")))

    def add():
        app.on_ws_message(lambda ws, message, opcode: notes.append(["late", message]), prefix="/silent")

    @app.register
    @socketify_ext.extension("second", after=["first"])
    def second(request, response, ws, *, app):
        app.on_ws_message(lambda ws, message, opcode: notes.append(["second", message]), prefix="/ordered")

    @app.register
    @socketify_ext.extension("first")
    def first(request, response, ws, *, app):
        app.on_ws_message(lambda ws, message, opcode: notes.append(["first", message, int(opcode)]), prefix="/ordered")

        @app.on_ws_message(prefix="/guarded")
        def guard(ws, message, opcode):
            return None if message != "bad" else False

        @app.on_ws_message(prefix="/guarded-late")
        async def guard_late(ws, message, opcode):
            await asyncio.sleep(0.001)
            return guard(ws, message, opcode)

        @app.on_ws_message(prefix="/straight")
        async def guard_straight(ws, message, opcode):
            return guard(ws, message, opcode)

        @app.on_ws_message(prefix="/failing")
        def fail(ws, message, opcode):
            if message == "bad":
                raise LookupError("no filter")

        @app.on_ws_message(prefix="/failing-late")
        async def fail_late(ws, message, opcode):
            await asyncio.sleep(0.001)
            fail(ws, message, opcode)

        @app.on_ws_message(prefix="/uneven")
        async def wait_unevenly(ws, message, opcode):
            number = int(message)
            if number % 3:
                await asyncio.sleep(0.002 / (number % 5 + 1))

        @app.on_ws_message(prefix="/held")
        async def hold(ws, message, opcode):
            notes.append(["hook", message])
            await gate.wait()

        @app.on_ws_message(prefix="/closing")
        def close(ws, message, opcode):
            ws.end(1000, "enough")

        @app.on_ws_message(prefix="/closing-late")
        async def close_late(ws, message, opcode):
            await asyncio.sleep(0.001)
            ws.end(1000, "enough")

        @app.on_ws_message(prefix="/context")
        async def name(ws, message, opcode):
            user.set(message)
            await asyncio.sleep(0.001)

    app.on_ws_message(lambda ws, message, opcode: notes.append(["the app", message]), prefix="/ordered")

    def echo(ws, message, opcode):
        notes.append(["handler", message if isinstance(message, str) else list(message)])
        if not ws.closed:
            ws.send(message, opcode)

    async def echo_late(ws, message, opcode):
        await asyncio.sleep(0.001)
        echo(ws, message, opcode)

    def closed(ws, code, message):
        notes.append(["closed", code])

    prefixes = ("ordered", "guarded", "guarded-late", "straight", "failing", "failing-late", "uneven", "held")
    for prefix in (*prefixes, "closing", "closing-late"):
        app.ws(f"/{prefix}", {"message": echo, "close": closed})
        app.ws(f"/{prefix}/late", {"message": echo_late, "close": closed})
        app.ws(f"/:any/{prefix}", {"message": echo})
    app.ws("/context", {"message": lambda ws, message, opcode: ws.send(user.get(), 1)})
    app.ws("/silent", {"upgrade": upgrade})
    app.ws("/mute", {})
    return app


def upgrade(res, req, context):
    names = ("sec-websocket-key", "sec-websocket-protocol", "sec-websocket-extensions")
    res.upgrade(*map(req.get_header, names), context)


def flooded(kind):
    """A hook that waits while a client sends more than fits."""
    app = make_app(kind)
    gate, most, seen = asyncio.Event(), [0], []

    def state(res, req):
        waiting = [each._backlog for each in app._server.connections.values() if each._backlog is not None]
        res.end({"paused": any(each.is_paused for each in waiting), "most": most[0], "seen": len(seen)})

    app.get("/state", state)
    app.get("/open", lambda res, req: (gate.set(), res.end("")))

    @app.on_ws_message
    async def hold(ws, message, opcode):
        await gate.wait()
        most[0] = max(most[0], ws._backlog.size)

    def receive(ws, message, opcode):
        assert message.startswith(b"%d " % len(seen))
        seen.append(None)
        if message.endswith(b"last"):
            ws.send("all", 1)

    app.ws("/", {"message": receive})
    return app


def ending(kind):
    """A hook that waits when the server ends."""
    app = socketify_ext.App(shutdown_grace=0.1, shutdown_timeout=2)

    @app.on_ws_message
    async def hold(ws, message, opcode):
        print("hook waits", flush=True)
        await asyncio.sleep(3600)

    app.ws("/", {"message": lambda *arguments: print("handled"), "close": lambda ws, code, text: print("closed", code)})
    return app


def upgrades(kind):
    """Hooks before upgrades."""
    app = make_app(kind)
    notes = []
    app.get("/notes", lambda res, req: res.end(notes))

    @app.before_request(prefix="/api")
    async def before(res, req):
        await asyncio.sleep(0)
        notes.append("request")

    @app.before_upgrade(prefix="/api")
    def before_upgrade(res, req):
        notes.append("upgrade")
        if req.get_header("token") is None:
            raise socketify_ext.HTTPError(401)

    @app.before_upgrade(prefix="/api")
    async def before_upgrade_late(res, req):
        await asyncio.sleep(0)
        if req.get_header("token") == "bad":
            res.write_status(403).end("no")

    def own(res, req, context):
        notes.append("handler")
        upgrade(res, req, context)

    def leave(res, req, *context):
        notes.append("leaves")
        req.set_yield(True)

    app.get("/api/text", lambda res, req: res.end("text"))
    app.ws("/api/own", {"upgrade": own, "open": lambda ws: ws.send("open", 1)})
    app.ws("/api/none", {"open": lambda ws: ws.send("open", 1)})
    app.any("/api/left", leave)
    app.ws("/api/left", {"open": lambda ws: ws.send("open", 1)})
    return app
