"""Apps whose server ends while clients are still there, run by test_ending.py."""

import asyncio
import threading

import socketify_ext


def make(grace=5.0, limit=4.0, cancel_on_abort=False):
    app = socketify_ext.App(shutdown_grace=grace, shutdown_timeout=limit, cancel_on_abort=cancel_on_abort)

    def say(*words):
        print(*words, flush=True)

    async def forever(name, res=None, start=None):
        say(name, "begun")
        try:
            if start is not None:
                start()
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            say(name, "cancelled")
            raise
        finally:
            await asyncio.sleep(0.05)
            say(name, "finally")

    async def long(res, req):
        await forever("long")

    async def short(res, req):
        say("short begun")
        await asyncio.sleep(1.5)
        res.end("in time")

    async def after(res, req):
        res.end("answered")
        await forever("after")

    async def catches(res, req):
        try:
            await forever("catches")
        except asyncio.CancelledError:
            res.end("caught")

    async def deaf(res, req):
        say("deaf begun")
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                say("deaf ignores")

    async def events(res, req):
        say("events begun")
        try:
            while not res.aborted:
                res.write("data: 1\n\n")
                await asyncio.sleep(0.05)
        finally:
            say("events finally")

    async def upload(res, req):
        say("upload begun")
        try:
            res.end(str(len((await res.get_data()).getvalue())))
        finally:
            say("upload finally")

    async def form(res, req):
        say("form begun")
        try:
            await res.get_form()
        finally:
            say("form finally")

    async def download(res, req):
        say("download begun")
        try:
            await res.send_chunk(b"x" * 50_000_000, 50_000_000)
        finally:
            say("download finally")

    def deferred(res, req):
        say("deferred begun")
        res.grab_aborted_handler()

    async def hooked(res, req):
        await forever("hook")

    app.before_request(hooked, prefix="/hooked")

    async def opened(ws):
        await forever("socket")

    async def background(res, req):
        app.run_async(forever("background"))
        res.end("runs")

    for handler in (long, short, after, catches, deaf, events, download, deferred, background):
        app.get(f"/{handler.__name__}", handler)
    app.get("/hooked", lambda res, req: res.end("not reached"))
    app.get("/ready", lambda res, req: res.end("ready"))
    app.post("/upload", upload)
    app.post("/form", form)
    app.ws("/ws", {"open": opened})

    @app.on_shutdown
    def stop():
        say("stopped")

    return app


def disposing():
    """Dispose of the app in a handler, and use it afterwards."""
    app = socketify_ext.App(shutdown_grace=0.2)

    def dispose(res, req):
        app.dispose()
        res.end([app.publish("room", "text", 1), app.num_subscribers("room")])

    app.ws("/ws", {"open": lambda ws: ws.subscribe("room"), "message": lambda ws, message, opcode: None})
    app.get("/dispose", dispose)
    return app


def several(how, grace=0.2):
    """The apps of a process: this one, and others that are served with it."""
    app = socketify_ext.App(shutdown_grace=grace)
    other = socketify_ext.App(shutdown_grace=grace)
    ports = []

    async def late(res, req):
        await asyncio.sleep(0.01)
        res.end("other")

    other.get("/", late)
    other.on_shutdown(lambda: print("other stopped", flush=True))
    app.on_shutdown(lambda: print("app stopped", flush=True))
    app.get("/port", lambda res, req: res.end(ports[0]))
    app.get("/close", lambda res, req: (res.end("closes"), app.close()))
    app.get("/close-other", lambda res, req: (res.end("closes"), other.close()))
    place = {"port": 0, "host": "127.0.0.1"}

    def listen(where=other):
        where.listen(place, lambda config: ports.append(config.port))

    if how == "before":
        listen()
    elif how == "in a handler":
        app.get("/listen", lambda res, req: (listen(), res.end("listens")))
    elif how == "at the start":
        app.on_startup(lambda: app._server.loop.call_soon(listen))
    elif how == "in a thread":
        begun = threading.Event()

        def serve():
            threaded = socketify_ext.App()
            threaded.get("/", late)
            threaded.get("/stop", lambda res, req: (res.end("stops"), threaded.close()))
            listen(threaded)
            begun.set()
            threaded.run()

        threading.Thread(target=serve, daemon=True).start()
        begun.wait(10)
    return app
