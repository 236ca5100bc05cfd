"""Routes with code of options around their handlers."""

import asyncio

import socketify_ext


def make():
    app = socketify_ext.App(max_body=100_000, max_held_bodies=1_000_000)
    log = []

    def named(name, *, after=(), late=False):
        @socketify_ext.extension(name, after=after)
        def extension(request, response, ws, *, app):
            @app.before_request
            def hook(res, req):
                log.append(f"{name} hook")

            def apply(route, value):
                def wrap(handler):
                    def handle(res, req, *context):
                        log.append(f"{name} {value}")
                        return handler(res, req, *context)

                    async def handle_late(res, req, *context):
                        await asyncio.sleep(0)
                        result = handle(res, req, *context)
                        return await result if asyncio.iscoroutine(result) else result

                    return handle_late if late else handle

                route.around(wrap)

            app.route_option(name, apply=apply)

        return extension

    app.register(named("inner", after=["outer"]))
    app.register(named("outer"))
    app.register(named("late", after=["inner"], late=True))

    @app.before_request(prefix="/around")
    def guard(res, req):
        log.append("guard")
        if req.get_query("stop"):
            raise socketify_ext.HTTPError(401)

    def answer(res, req):
        res.end([*log, "handler"])
        log.clear()

    app.get("/around", answer, inner=1, outer=2)
    app.get("/around/late", answer, late=1, outer=2)
    app.any("/around/any", answer, inner=1)

    @app.get("/log")
    def show(res, req):
        res.end(log[:])
        log.clear()

    def upgrade(res, req, context):
        keys = (req.get_header(f"sec-websocket-{part}") for part in ("key", "protocol", "extensions"))
        res.upgrade(*keys, context, [*log])

    app.ws("/socket", {"upgrade": upgrade, "open": lambda ws: ws.send(repr(ws.get_user_data()))}, outer=1)
    app.ws("/plain", {"message": lambda ws, message, opcode: ws.send(message)}, outer=1)

    # -- read_body

    def read(route, kind):
        def take(res, req, body):
            if kind == "refuse" and body == b"no":
                raise socketify_ext.HTTPError(422, "no")
            if kind == "fail":
                raise ValueError("a fault of take")
            req.taken = body

        route.read_body(take)

    @socketify_ext.extension("reading")
    def reading(request, response, ws, *, app):
        request.property("taken")
        app.route_option("read", type=str, apply=read)

    app.register(reading)

    def echo(res, req):
        res.write_header("X-Url", req.get_full_url()).write_header("X-Header", req.get_header("x-header") or "")
        return req.taken

    @app.post("/body/async", read="yes")
    async def late(res, req):
        await asyncio.sleep(0)
        return echo(res, req)

    @app.post("/body/again", read="yes")
    async def again(res, req):
        first, second = await res.get_data(), await res.get_data()
        return first.getvalue() + second.getvalue() + req.taken

    @app.post("/body/parts", read="yes")
    async def parts(res, req):
        async for _ in res.body():
            pass

    @app.post("/body/deferred", read="yes")
    def deferred(res, req):
        res.grab_aborted_handler()
        asyncio.get_running_loop().call_soon(res.end, req.taken)

    app.post("/body/plain", echo, read="refuse")
    app.post("/body/fail", echo, read="fail")
    app.post("/body/none", lambda res, req: None, read="yes")
    app.post("/body/large", lambda res, req: str(len(req.taken)), read="yes", max_body=900_000)
    app.post("/body/wrapped", echo, read="yes", late=1, inner=1)

    @app.before_request(prefix="/body/guarded")
    async def wait(res, req):
        await asyncio.sleep(0.05)

    app.post("/body/guarded", echo, read="yes")

    # -- encode

    def encode(route, value):
        route.encode(lambda value, status: f"{status} {value!r}".encode())

    app.route_option("shout", apply=encode)
    app.get("/encoded/returned", lambda res, req: {"a": 1}, shout=True)
    app.get("/encoded/other", lambda res, req: (1, 2), shout=True)
    app.get("/encoded/ended", lambda res, req: res.write_status(404).end([1]), shout=True)
    app.get("/encoded/sent", lambda res, req: res.send([1], status=201), shout=True)
    app.get("/encoded/text", lambda res, req: "text", shout=True)
    app.get("/encoded/written", lambda res, req: res.write([1]).write(b"-").end({}), shout=True)

    @app.get("/encoded/error", shout=True)
    def error(res, req):
        raise socketify_ext.HTTPError(404, {"a": 1})

    @app.get("/encoded/fault", shout=True)
    def fault(res, req):
        raise KeyError("fault")

    @app.get("/encoded/handled", shout=True)
    def handled(res, req):
        raise KeyError("handled")

    @app.on_error(prefix="/encoded/handled")
    def handle(error, res, req):
        res.write_status(418).end({"handled": True})

    @app.before_request(prefix="/encoded/hooked")
    def hooked(res, req):
        res.end({"hook": 1})

    app.get("/encoded/hooked", lambda res, req: {"a": 1}, shout=True)
    app.get("/yielded/:x", lambda res, req: req.set_yield(True), shout=True)
    app.get("/yielded/*", lambda res, req: {"a": 1})
    return app
