"""Apps that the tests serve."""

from __future__ import annotations

import asyncio
import gzip
import random
import re
from pathlib import Path

import socketify

import socketify_ext

README = Path(__file__).parent.parent / "README.md"
PAGE = "".join(f"<p>line {number}</p>\n" for number in range(2000))
LARGE = PAGE * 20
SMALL = "small"


@socketify_ext.extension("later")
def later(request, response, ws, *, app):
    """Change content and type in a hook, whether it is registered before or after."""

    @app.before_send(prefix="/changed")
    def change(res, req):
        res.content = res.content.replace(b"line", b"LINE")


def make(kind="app", folder=None, order=("compress", "later"), **options):
    app = socketify_ext.App() if kind == "app" else socketify_ext.install(socketify.App())
    loaded = {"compress": socketify_ext.load("compress", **options), "later": later}
    for name in order:
        app.register(loaded[name])

    @app.before_send(prefix="/app-changed")
    def change(res, req):
        res.content = b"changed by the app" if req.get_query("short") else res.content.replace(b"line", b"LINE")

    async def late(res, req):
        await asyncio.sleep(0)
        res.write_header("Content-Type", "text/html").end(PAGE)

    async def stream(res, req):
        async def parts():
            for number in range(300):
                await asyncio.sleep(0)
                yield f"part {number}\n"

        await res.stream(parts(), "text/plain")

    async def ping(res, req):
        """Send a part, and the next when its client has told that it has read it."""
        state["read"] = asyncio.Event()

        async def parts():
            yield "first\n"
            await state["read"].wait()
            yield "second\n"

        await res.stream(parts(), "text/plain")

    def heard(res, req):
        state["read"].set()
        res.end("heard")

    async def events(res, req):
        async def made():
            for number in range(3):
                await asyncio.sleep(0.05)
                yield {"number": number}

        await res.events(made(), keep_alive=0.01)

    def written(res, req):
        res.write_header("Content-Type", "text/plain").write_header("Content-Length", "5")
        res.write("a" * 3000)
        res.write("b" * 3000)
        res.end("c" * 3000)

    def refused(res, req):
        raise socketify_ext.HTTPError(409, ["no"] * 1000)

    def fails(res, req):
        raise ZeroDivisionError

    def answer(*headers, status=200, body=PAGE):
        def handler(res, req):
            res.write_status(status)
            for name, value in headers:
                res.write_header(name, value)
            res.end(body)

        return handler

    html = ("Content-Type", "text/html")
    app.get("/page", answer(html))
    app.get("/changed", answer(html))
    app.get("/app-changed", answer(html))
    app.get("/late", late)
    app.get("/large", answer(html, body=LARGE))
    app.get("/json", lambda res, req: res.end({"items": ["tea"] * 1000}))
    app.get("/untyped", lambda res, req: res.end(PAGE))
    app.get("/small", answer(html, body=SMALL))
    app.get("/random", answer(("Content-Type", "text/plain"), body=random.Random(1).randbytes(3000)))
    app.get("/png", answer(("Content-Type", "image/png")))
    app.get("/packed", answer(html, ("Content-Encoding", "gzip"), body=gzip.compress(PAGE.encode())))
    app.get("/identity", answer(html, ("Content-Encoding", "identity")))
    app.get("/part", answer(html, ("Content-Range", "bytes 0-2/3"), status=206))
    app.get("/digest", answer(html, ("Content-Digest", "sha-256=:x:")))
    app.get("/no-transform", answer(html, ("Cache-Control", "public, no-transform")))
    app.get("/empty", answer(html, status=204, body=""))
    app.get("/etag", answer(html, ("ETag", '"abc"'), ("Accept-Ranges", "bytes"), ("Vary", "Origin")))
    app.get("/same", answer(("ETag", '"abc"'), status=304, body=""))
    app.get("/vary", answer(html, ("Vary", "Accept-Encoding"), ("Vary", "Cookie")))
    app.get("/stream", stream)
    app.get("/ping", ping)
    app.get("/heard", heard)
    app.get("/events", events)
    app.get("/written", written)
    app.get("/refused", refused)
    app.get("/fails", fails)
    app.get("/public", answer(html), compress=True)
    app.get("/secret", answer(html), compress=False)
    app.get("/secret-stream", stream, compress=False)
    if folder is not None:
        app.static("/files", folder)
    return app


state = {}


def readme():
    """Run the README's example up to where it listens."""
    example = re.search(r"```python\n(.*?)\napp\.listen", README.read_text(), re.DOTALL)[1]
    names = {}
    exec(example, names)  # noqa: S102 - it is ours
    return names["app"]
