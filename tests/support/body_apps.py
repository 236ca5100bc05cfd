"""Handlers that ask for the body at different times."""

import asyncio

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
