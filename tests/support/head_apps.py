"""Answers whose body must not be sent, and headers that frame a body."""

import asyncio

import socketify_ext


def make():
    app = socketify_ext.App()

    async def late(res, req):
        await asyncio.sleep(0)
        res.end({"late": True})

    def pieces(res, req):
        res.write("one")
        res.write("two")
        res.end("three")

    app.head("/head", lambda res, req: res.write_header("x-a", "1").end("a body"))
    app.head("/json", lambda res, req: res.end({"a": 1}))
    app.head("/late", late)
    app.head("/pieces", pieces)
    app.head("/sized", lambda res, req: res.try_end(b"abc", 3))
    app.head("/own-length", lambda res, req: res.write_header("content-length", 42).end_without_body())
    app.any("/any", lambda res, req: res.end("a body"))
    app.get("/204", lambda res, req: res.write_status(204).end("a body"))
    app.get("/304", lambda res, req: res.write_status(304).write_header("etag", '"x"').end("a body"))
    app.get("/length", lambda res, req: res.write_header("Content-Length", 3).end("a longer body"))
    app.get("/framing", lambda res, req: res.write_header("Transfer-Encoding", "chunked").end("x"))
    app.get("/next", lambda res, req: res.end("the next answer"))
    return app
