"""Handlers that ask for the body at different times."""

import asyncio

import socketify

import socketify_ext


def make():
    app = socketify_ext.App()

    async def early(res, req):
        data = await res.get_data()
        res.end(str(len(data.getvalue())))

    async def large(res, req):
        data = await res.get_data(limit=32_000_000)
        res.end(str(len(data.getvalue())))

    async def late(res, req):
        await asyncio.sleep(0.05)
        data = await res.get_data()
        res.end(str(len(data.getvalue())))

    async def never(res, req):
        await asyncio.sleep(0.05)
        res.end("ignored")

    async def streamed(res, req):
        await asyncio.sleep(0.05)
        total = 0
        done = asyncio.get_running_loop().create_future()

        def part(res, chunk, is_end):
            nonlocal total
            total += len(chunk)
            if is_end:
                done.set_result(total)

        res.on_data(part)
        res.end(str(await done))

    for handler in (early, large, late, never, streamed):
        app.post(f"/{handler.__name__}", handler)

    async def waits(res, req):
        left = asyncio.Event()
        res.on_aborted(lambda res: left.set())
        await left.wait()

    app.post("/waits", waits)
    app.get("/held", lambda res, req: res.end(str(app._server.held_bytes)))
    app.get("/small", lambda res, req: (setattr(app._server, "max_held_bodies", 1000), res.end("ok")))
    app.get("/early", lambda res, req: res.end("hello"))
    return app


LIMIT = 20_000_000


def make_limited():
    """Routes with a limit of their own, and handlers that read the body in every way, at once and behind an await."""
    app = socketify_ext.App()
    kept = []

    async def whole(res, req):
        res.end(str(len((await res.get_data()).getvalue())))

    async def text(res, req):
        res.end(str(len(await res.get_text())))

    async def in_parts(res, req):
        total = 0
        async for part in res.body():
            kept.append(app._server.held_bytes)
            total += len(part)
            await asyncio.sleep(0)
        res.end(str(total))

    def behind(handler):
        async def late(res, req):
            await asyncio.sleep(0.05)
            await handler(res, req)

        return late

    for handler in (whole, text, in_parts):
        name = handler.__name__.replace("_", "-")
        app.post(f"/{name}/early", handler, max_body=LIMIT)
        app.post(f"/{name}/late", behind(handler), max_body=LIMIT)

    async def breaks(res, req):
        async for _ in res.body():
            break
        await asyncio.sleep(0.05)
        res.end("enough")

    async def slow(res, req):
        parts = res.body()
        await asyncio.sleep(0.5)
        held = app._server.held_bytes
        total = 0
        async for part in parts:
            total += len(part)
        res.end({"held": held, "total": total})

    async def left(res, req):
        try:
            async for _ in res.body():
                pass
        except socketify_ext.HTTPError as error:
            kept.append(error.detail)

    def deferred(res, req):
        res.grab_aborted_handler()
        app.loop.loop.call_later(0.05, lambda: res.run_async(whole(res, req)))

    async def twice(res, req):
        parts, found = res.body(), []
        for ask in (res.get_data, lambda: res.on_data(print)):
            try:
                ask()
            except socketify_ext.errors.BodyError as error:
                found.append(error.code)
        res.end([*found, len([part async for part in parts])])

    async def answered(res, req):
        parts = res.body()
        res.end("first")
        try:
            await parts.__anext__()
        except socketify_ext.errors.BodyError as error:
            kept.append(str(error))

    async def never(res, req):
        await asyncio.sleep(0.05)
        res.end("not looked at")

    app.post("/breaks", breaks, max_body=LIMIT)
    app.post("/slow", slow, max_body=LIMIT)
    app.post("/left", left, max_body=LIMIT)
    app.post("/deferred", deferred, max_body=LIMIT)
    app.post("/twice", twice)
    app.post("/answered", answered)
    app.post("/never", never)
    app.post("/at-once", lambda res, req: res.end("not looked at"), max_body=1000)
    app.post("/none", in_parts, max_body=0)

    @app.before_request(prefix="/hooked")
    async def wait(res, req):
        await asyncio.sleep(0.05)

    app.post("/hooked/whole", whole, max_body=LIMIT)
    app.post("/hooked/in-parts", in_parts, max_body=LIMIT)

    @app.register
    @socketify_ext.extension("uploads")
    def uploads(request, response, ws, *, app):
        app.post("/extension", whole, max_body=LIMIT)

    app.get("/kept", lambda res, req: res.end(kept))
    app.get("/held", lambda res, req: res.end(str(app._server.held_bytes)))
    app.get("/ok", lambda res, req: res.end("ok"))
    return app


def make_stock(**pools):
    """A stock app whose handlers read the body in time, twice, and too late."""
    app = socketify.App(**pools)
    app.register(socketify_ext.load("msgpack"))

    async def in_time(res, req):
        first = await res.get_data()
        await asyncio.sleep(0.01)
        res.end(str([len(first.getvalue()), len((await res.get_data()).getvalue())]))

    def late(ask):
        async def handler(res, req):
            await asyncio.sleep(0.01)
            try:
                await ask(res)
            except socketify_ext.errors.BodyError as error:
                res.end(error.code)

        return handler

    async def by_part(res):
        res.on_data(lambda *_: None)

    app.post("/in-time", in_time)
    app.post("/data", late(lambda res: res.get_data()))
    app.post("/text", late(lambda res: res.get_text()))
    app.post("/json", late(lambda res: res.get_json()))
    app.post("/msgpack", late(lambda res: res.get_msgpack()))
    app.post("/by-part", late(by_part))
    return app
