"""Handlers that answer in parts."""

import asyncio
import contextvars
import itertools

import socketify

import socketify_ext

PART = b"".join(b"%09d," % number for number in range(5_000))
PARTS = 600  # 30 MB, more than the sockets' buffers take


def make(certificate=None, key=None):
    options = None if certificate is None else socketify.AppOptions(key_file_name=key, cert_file_name=certificate)
    app = socketify_ext.App(options)
    seen = {"made": 0, "most": 0, "ended": [], "outcomes": []}
    name = contextvars.ContextVar("name")

    def look(res):
        if not res.has_responded() and not res.aborted:
            seen["most"] = max(seen["most"], res._buffered_amount(res._ssl, res.res))

    def numbers(res, many=PARTS, part=PART):
        try:
            for _ in range(many):
                seen["made"] += 1
                look(res)
                yield part
        finally:
            seen["ended"].append("sync")

    async def async_numbers(res, many=PARTS, part=PART):
        try:
            for _ in range(many):
                seen["made"] += 1
                look(res)
                yield part
        finally:
            await asyncio.sleep(0)
            seen["ended"].append("async")

    async def waits(res):
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            seen["ended"].append("waits")

    async def stubborn(res):
        yield "first"
        for _ in range(3):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                yield "goes on"
        seen["ended"].append("never")

    def mixed(res):
        name.set("changed")
        yield from ("ä", b"", b"b", bytearray(b"c"), memoryview(b"ddd")[::2], "")

    async def pages(res):
        for number in range(3):
            await asyncio.sleep(0.01)
            yield f"{number} {name.get()};"

    class Iterator:
        def __init__(self, res):
            self.many = iter(["a", "b"])

        def __aiter__(self):
            return self

        async def __anext__(self):
            for part in self.many:
                return part
            raise StopAsyncIteration

    def fails(res, after=0, error=ZeroDivisionError):
        def generate():
            yield from itertools.repeat("part", after)
            raise error

        return generate()

    async def fails_late(res):
        yield "part"
        await asyncio.sleep(0.01)
        raise KeyError("late")

    producers = {
        "sync": numbers,
        "async": async_numbers,
        "waits": waits,
        "stubborn": stubborn,
        "mixed": mixed,
        "pages": pages,
        "iterator": Iterator,
        "list": lambda res: ["one, ", "two"],
        "large": lambda res: [b"x" * 10_000_000, b"y"],
        "small": lambda res: (b"%d," % number for number in range(50_000)),
        "empty": lambda res: [],
        "text": lambda res: "text",
        "nothing": lambda res: None,
        "object": lambda res: [b"a", object()],
        "fails": fails,
        "refuses": lambda res: fails(res, 0, socketify_ext.HTTPError(404, "no such report")),
        "fails-behind": lambda res: fails(res, 1),
        "refuses-behind": lambda res: fails(res, 1, socketify_ext.HTTPError(404, "no such report")),
        "fails-late": fails_late,
    }

    async def stream(res, req):
        res.write_header("X-Before", "1").set_cookie("a", "b", {})
        name.set(req.get_parameter(0))
        await res.stream(producers[req.get_parameter(0)](res), "text/csv")
        seen["name"] = name.get()

    async def late(res, req):
        await asyncio.sleep(0)
        await stream(res, req)

    async def write(res, req):
        for _ in range(PARTS):
            if res.aborted:
                seen["ended"].append("write")
                return
            seen["made"] += 1
            look(res)
            res.write(PART)
            await res.drain()
        res.end("")

    def bodiless(status):
        async def handler(res, req):
            await res.write_status(status).stream(numbers(res), "text/csv")

        return handler

    async def after_a_part(res, req):
        res.write("head, ")
        await res.stream(["one, ", "two"])

    async def answered(res, req):
        res.end("first")
        await res.stream(numbers(res))

    async def times_out(res, req):
        try:
            await asyncio.wait_for(res.stream(waits(res)), 0.05)
        except asyncio.TimeoutError:
            res.end(", timeout")

    async def closes(res, req):
        async def close():
            await asyncio.sleep(0.05)
            res.close()

        asyncio.ensure_future(close())  # noqa: RUF006 - it ends before the handler
        await res.stream(waits(res))
        seen["ended"].append("closed")

    def from_sync(res, req):
        res.run_async(res.stream(["a", "b"]))

    app.get("/stream/:name", stream)
    app.head("/stream/:name", stream)
    app.get("/late/:name", late)
    app.get("/write", write)
    app.get("/204", bodiless(204))
    app.get("/304", bodiless(304))
    app.get("/after-a-part", after_a_part)
    app.get("/answered", answered)
    app.get("/times-out", times_out)
    app.get("/closes", closes)
    app.get("/from-sync", from_sync)

    def state(res, req):
        res.end(seen)

    def clear(res, req):
        seen.update(made=0, most=0, ended=[], outcomes=[])
        res.end("ok")

    app.after_response(lambda outcome: seen["outcomes"].append([outcome.status, outcome.aborted]), prefix="/stream")
    app.get("/state", state)
    app.get("/clear", clear)
    return app
