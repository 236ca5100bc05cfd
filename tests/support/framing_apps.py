"""Handlers that answer at once, with the body, or later, and say which requests they have seen."""

import asyncio

import socketify_ext


@socketify_ext.extension("taking")
def taking(request, response, ws, *, app):
    """Take the bodies of routes before their handlers."""
    app.route_option("taken", type=bool, apply=lambda route, _: route.read_body(lambda res, req, body: None))


def make():
    app = socketify_ext.App()
    app.register(taking)

    def at_once(res, req):
        res.end({"path": req.get_full_url()})

    def with_body(res, req):
        path, parts = req.get_full_url(), []

        def part(res, chunk, is_end):
            parts.append(chunk)
            if is_end:
                res.end({"path": path, "body": b"".join(parts).decode("latin-1")})

        res.on_data(part)

    async def awaited(res, req):
        data = await res.get_data()
        res.end({"path": req.get_full_url(), "body": data.getvalue().decode("latin-1")})

    async def later(res, req):
        await asyncio.sleep(0.02)
        res.end({"path": req.get_full_url()})

    app.post("/at-once", at_once)
    app.put("/at-once", at_once)
    app.patch("/at-once", at_once)
    app.delete("/at-once", at_once)
    app.options("/at-once", at_once)
    app.post("/with-body", with_body)
    app.post("/awaited", awaited)
    app.post("/taken", at_once, taken=True)
    app.get("/later", later)
    app.get("/at-once", at_once)
    app.any("/any", at_once)
    app.get("/*", at_once)
    return app
