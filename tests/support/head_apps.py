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

    @app.get("/looked-at")
    def looked_at(res, req):
        found = [res.status, res.get_header("x-a"), res.has_header("x-a"), res.get_header("content-length")]
        res.write_status("299 Nearly").write_header("X-A", "ä").write_header("x-a", 2).write_header("X-Ab", "c")
        res.write_header("content-length", 5)
        found += [res.status, res.get_header(b"x-A"), res.has_header("X-a"), res.get_header("Content-Length")]
        res.set_cookie("a", "1", path=None).set_cookie("b", "2", path=None)
        found += [res.get_header("set-cookie"), res.has_header("Set-Cookie")]
        for name in ("X-A", "content-LENGTH", "set-COOKIE", "x-none"):
            res.remove_header(name)
        found += [res.get_header(name) for name in ("x-a", "x-ab", "content-length", "set-cookie")]
        for call in (res.get_header, res.has_header, res.remove_header):
            for name in ("", "a b", "a:", "transfer-encoding", None, 5):
                try:
                    call(name)
                except socketify_ext.errors.HeaderError:
                    found.append("refused")
        res.end(found)

    @app.get("/looked-at-too-late")
    def too_late(res, req):
        res.write_header("X-A", "1").write("x")
        res.remove_header("X-A").end(res.get_header("X-A"))

    app.get("/next", lambda res, req: res.end("the next answer"))
    return app
