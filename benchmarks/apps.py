# ruff: noqa: ARG005  # handlers have the core's parameters
"""The servers of the core and of ours that the benchmarks load: `apps.py KIND PORT [JSON arguments]`."""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
import tracemalloc
from array import array
from collections import Counter

import socketify

MEMBERS = 20


def method(name):
    def member(self):
        return name

    member.__name__ = name
    return member


def members(count):
    """Make an extension of `count` request methods, response methods and request properties, and the two in use."""

    def extension(request, response, ws):
        for index in range(count):
            request.method(method(f"question_{index}"))
            response.method(method(f"reply_{index}"))
            request.property(f"property_{index}", None)
        request.method(get_user)
        response.method(reply)

    return extension


def get_user(self):
    return {"name": "Test"} if self.get_header("token") else {"name": "Anonymous"}


def reply(self, value):
    return self.end(value)


def core(**options):
    return socketify.App(**options)


def ours():
    import socketify_ext

    return socketify_ext.App()


def either(which, count=0):
    app = core() if which == "core" else ours()
    if count:
        app.register(members(count))
    return app


# -- members.py


def bare():
    app = core()
    app.get("/", lambda res, req: res.end({"name": "Test"} if req.get_header("token") else {"name": "Anonymous"}))
    return app


def with_members(app, count=MEMBERS):
    app.register(members(count))
    app.get("/", lambda res, req: res.reply(req.get_user()))
    return app


def core_members():
    return with_members(core())


def core_pool():
    return with_members(core(request_response_factory_max_items=1000))


def our_members():
    return with_members(ours())


class Msgspec:
    """msgspec as a serializer of the core's kind."""

    def __init__(self):
        import msgspec

        self.dumps, self.loads = msgspec.json.encode, msgspec.json.decode


def our_members_json():
    """Serialise with `load("json")`, or by hand where that is not to be had."""
    import socketify_ext

    app = ours()
    try:
        app.register(socketify_ext.load("json"))
    except socketify_ext.errors.UnknownExtensionError:
        app.json_serializer(Msgspec())
    return with_members(app)


def core_msgspec():
    """Serialise with msgspec under the bare core, which insists on text."""
    serializer = Msgspec()
    encode = serializer.dumps
    serializer.dumps = lambda value: encode(value).decode()
    app = bare()
    app.json_serializer(serializer)
    return app


# -- ladder.py: one step of a request's work after the other


def callback_alone():
    """Answer a constant from a native callback: what Python with cffi can do at most."""
    from socketify.native import ffi, lib

    app = core()
    body, kind, status = b'{"name": "Test"}', b"application/json", b"200 OK"
    send, ssl, body_size, kind_size, status_size = lib.socketify_res_send, app.SSL, len(body), len(kind), len(status)

    @ffi.callback("void(uws_res_t*, uws_req_t*, void*)")
    def answer(res, req, user_data):
        app.loop.is_idle = False
        send(ssl, res, body, body_size, status, status_size, kind, kind_size, False)

    app.handlers.append(answer)
    lib.uws_app_get(app.SSL, app.app, b"/", answer, ffi.NULL)
    return app


def constant_bytes(which):
    app = either(which)
    app.get("/", lambda res, req: res.end(b'{"name": "Test"}'))
    return app


def header_and_bytes(which):
    app = either(which)
    app.get("/", lambda res, req: res.end(b'{"name": "Test"}' if req.get_header("token") else b"{}"))
    return app


def header_and_json(which):
    app = either(which)
    app.get("/", lambda res, req: res.end({"name": "Test"} if req.get_header("token") else {"name": "Anonymous"}))
    return app


# -- calls.py


def calls(which):
    """Time one call inside each request, with a clock around that call alone; what the clock takes is timed before it."""
    app = either(which, 0 if which == "core" else MEMBERS)
    clock = time.perf_counter_ns
    taken = {name: array("q") for name in ("header", "query", "parameter", "url", "head", "bytes", "text", "json")}
    header, query, parameter, url, head, raw, text, objects = (times.append for times in taken.values())

    def read_header(res, req):
        start, empty = clock(), clock()
        req.get_header("token")
        header(clock() - empty - empty + start)
        res.end(b"ok")

    def read_query(res, req):
        start, empty = clock(), clock()
        req.get_query("name")
        query(clock() - empty - empty + start)
        res.end(b"ok")

    def read_parameter(res, req):
        start, empty = clock(), clock()
        req.get_parameter(0)
        parameter(clock() - empty - empty + start)
        res.end(b"ok")

    def read_url(res, req):
        start, empty = clock(), clock()
        req.get_url()
        url(clock() - empty - empty + start)
        res.end(b"ok")

    def write_head(res, req):
        start, empty = clock(), clock()
        res.write_status(201).write_header("x-request-id", "4711").write_header(b"x-server", b"one").end(b"ok")
        head(clock() - empty - empty + start)

    def end_bytes(res, req):
        start, empty = clock(), clock()
        res.end(b"Hello, World!")
        raw(clock() - empty - empty + start)

    def end_text(res, req):
        start, empty = clock(), clock()
        res.end("Hello, World!")
        text(clock() - empty - empty + start)

    def end_json(res, req):
        start, empty = clock(), clock()
        res.end({"name": "Test"})
        objects(clock() - empty - empty + start)

    app.get("/header", read_header)
    app.get("/query", read_query)
    app.get("/parameter/:id", read_parameter)
    app.get("/url", read_url)
    app.get("/head", write_head)
    app.get("/bytes", end_bytes)
    app.get("/text", end_text)
    app.get("/json", end_json)
    app.get("/results", results_of(taken))
    return app


def native_calls():
    """Make the same calls on the core's native functions alone, with all arguments ready: what no Python can undercut."""
    from socketify.native import ffi, lib

    app = core()
    clock, ssl = time.perf_counter_ns, app.SSL
    buffer, zero = ffi.new("char**"), ffi.cast("unsigned short", 0)
    taken = {name: array("q") for name in ("header", "query", "parameter", "url", "head", "bytes", "text", "json")}

    def timed(name, call, answers):
        note = taken[name].append
        end = lib.uws_res_end

        def handler(res, req):
            native = res.res if answers else req.req
            start, empty = clock(), clock()
            call(native)
            note(clock() - empty - empty + start)
            if not answers:
                end(ssl, res.res, b"ok", 2, 0)

        return handler

    def head(res):
        line = b"201 Created\r\nx-request-id: 4711\r\nx-server: one"
        lib.socketify_res_cork_send(ssl, res, b"ok", 2, line, len(line), b"", 0, 0)

    def answer(res):
        lib.uws_res_end(ssl, res, b"Hello, World!", 13, 0)

    def objects(res):
        lib.socketify_res_cork_send(ssl, res, b'{"name": "Test"}', 16, b"200 OK", 6, b"application/json", 16, 0)

    native = {
        "header": ("/header", lambda req: lib.uws_req_get_header(req, b"token", 5, buffer), False),
        "query": ("/query", lambda req: lib.uws_req_get_query(req, b"name", 4, buffer), False),
        "parameter": ("/parameter/:id", lambda req: lib.uws_req_get_parameter(req, zero, buffer), False),
        "url": ("/url", lambda req: lib.uws_req_get_url(req, buffer), False),
        "head": ("/head", head, True),
        "bytes": ("/bytes", answer, True),
        "text": ("/text", answer, True),
        "json": ("/json", objects, True),
    }
    for name, (path, call, answers) in native.items():
        app.get(path, timed(name, call, answers))
    app.get("/results", results_of(taken))
    return app


def results_of(taken):
    """Answer the nanoseconds of each call: the mean of the middle half, since a clock may count in steps of some dozens."""

    def middle(times):
        quarter = len(times) // 4
        return max(
            1, statistics.fmean(sorted(times)[quarter : len(times) - quarter])
        )  # less can't be told from nothing

    def results(res, req):
        res.end({name: middle(times) if times else 0 for name, times in taken.items()})
        for times in taken.values():
            del times[:]

    return results


# -- suspending.py


def suspending(which):
    """Suspend once, and read the request afterwards; under the core that takes `preserve()`."""
    app = either(which, 0 if which == "core" else MEMBERS)

    async def preserving(res, req):
        req.preserve()
        await asyncio.sleep(0)
        res.end({"name": "Test"} if req.get_header("token") else {"name": "Anonymous"})

    async def corked(res, req):
        req.preserve()
        await asyncio.sleep(0)
        res.cork_end({"name": "Test"} if req.get_header("token") else {"name": "Anonymous"})

    async def plain(res, req):
        await asyncio.sleep(0)
        res.end({"name": "Test"} if req.get_header("token") else {"name": "Anonymous"})

    async def straight(res, req):
        res.end({"name": "Test"} if req.get_header("token") else {"name": "Anonymous"})

    app.get("/", preserving if which == "core" else plain)
    app.get("/corked", corked)
    app.get("/straight", straight)
    return app


# -- websocket.py, memory.py


def sockets(which, count=0):
    """Echo on /echo; on /listen subscribe, and publish to all what the path /publish is told."""
    # Without both pools the core's sockets fail as soon as there are members: it looks for `bind_meth`.
    app = (
        core(request_response_factory_max_items=1000, websocket_factory_max_items=1000)
        if which == "core" and count
        else either(which)
    )
    if count:

        def extension(request, response, ws):
            for index in range(count):
                ws.method(method(f"tell_{index}"))
                ws.property(f"mood_{index}", None)

        app.register(extension)

    def publish(res, req):
        for _ in range(int(req.get_query("count"))):
            app.publish("news", "x" * 32, socketify.OpCode.TEXT)
        res.end("ok")

    def trace(res, req):
        gc.collect()
        if not tracemalloc.is_tracing():
            tracemalloc.start()
        res.end({"bytes": tracemalloc.get_traced_memory()[0]})

    app.ws("/echo", {"message": lambda ws, message, opcode: ws.send(message, opcode), "idle_timeout": 0})
    app.ws(
        "/listen",
        {
            "open": lambda ws: ws.subscribe("news"),
            "message": lambda ws, message, opcode: None,
            "close": lambda ws, code, reason: None,
            "idle_timeout": 0,
        },
    )
    app.get("/publish", publish)
    app.get("/trace", trace)
    return app


# -- backplane.py


def backplane(url):
    """Listen on /listen, or on many topics on /many; publish to all workers what /burst and /pace are told."""
    import socketify_ext

    app = ours()
    app.register(socketify_ext.load("backplane", url=url, timeout=60))
    many = [f"user-{number}" for number in range(1000)]

    async def burst(res, req):
        count = int(req.get_query("count"))
        topics = many if req.get_query("many") else ["news"]
        for start in range(0, count, 1000):
            for number in range(start, min(start + 1000, count)):
                app.publish(topics[number % len(topics)], "x" * 32, socketify.OpCode.TEXT)
            await app.backplane.flush()
        res.end("ok")

    async def pace(res, req):
        gap = float(req.get_query("gap"))
        for _ in range(int(req.get_query("count"))):
            app.publish("news", f"{time.monotonic_ns():032d}", socketify.OpCode.TEXT)
            await asyncio.sleep(gap)
        res.end("ok")

    async def flush(res, req):
        await app.backplane.flush(30)
        res.end("ok")

    def listen_to_many(ws):
        for topic in many:
            ws.subscribe(topic)

    behavior = {"open": lambda ws: ws.subscribe("news"), "idle_timeout": 0, "max_backpressure": 64 * 1024 * 1024}
    app.ws("/listen", behavior)
    app.ws("/many", behavior | {"open": listen_to_many})
    app.get("/burst", burst)
    app.get("/pace", pace)
    app.get("/flush", flush)
    return app


# -- memory.py


def garbage(which):
    """Leave the collector off, and tell on /garbage what cycles it would have found."""
    app = either(which, 0 if which == "core" else MEMBERS)

    async def suspended(res, req):
        req.preserve()
        await asyncio.sleep(0)
        res.end({"token": req.get_header("token")})

    def living():
        kinds = Counter(type(each) for each in gc.get_objects())
        return Counter({kind: many for kind, many in kinds.items() if kind.__module__.startswith("socketify")})

    def found(res, req):
        # Not by what `gc.collect()` gives: the core's finalisers end its cycles while they are being collected.
        before = living()
        gc.collect()
        res.end({kind.__qualname__: many for kind, many in (before - living()).items()})

    app.get("/", lambda res, req: res.write_header("a", "b").end({"token": req.get_header("token")}))
    app.get("/suspended", suspended)
    app.get("/garbage", found)
    gc.collect()
    gc.disable()
    return app


# -- resting.py

MESSAGE = "x" * 32


def resting(which):
    """Answer JSON, at once and after an await."""
    app = either(which)

    async def late(res, req):
        if which == "core":
            req.preserve()
        await asyncio.sleep(0.001)
        res.end({"name": "Test"})

    def publish(res, req):
        app.publish("all", MESSAGE, socketify.OpCode.TEXT)
        res.end({"name": "Test"})

    app.get("/", lambda res, req: res.end({"name": "Test"}))
    app.get("/late", late)
    app.get("/publish", publish)
    app.ws("/listen", {"open": lambda ws: ws.subscribe("all")})
    return app


class BareAsyncio:
    """A server of plain asyncio with the face of an app."""

    def __init__(self):
        self.listeners = []

    async def serve(self, reader, writer):
        """Answer each request of a connection."""
        while line := await reader.readline():
            while (await reader.readline()).strip():
                pass
            if b"/late" in line:
                await asyncio.sleep(0.001)
            elif b"/listen" in line:
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
                self.listeners.append(writer)
                return
            elif b"/publish" in line:
                for listener in self.listeners:
                    listener.write(bytes([0x81, len(MESSAGE)]) + MESSAGE.encode())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n")
            writer.write(b'{"name": "Test"}')
        writer.close()

    def listen(self, address, _):
        """Note the address."""
        self.address = address

    def run(self):
        """Serve until the process ends."""

        async def run():
            listening = await asyncio.start_server(self.serve, self.address["host"], self.address["port"])
            await listening.serve_forever()

        asyncio.run(run())


def bare_asyncio():
    return BareAsyncio()


# -- validated.py


def validated():
    """Take the same body twice: parsed alone, and as a model."""
    from typing import Annotated

    from pydantic import BaseModel, Field

    import socketify_ext

    class Address(BaseModel):
        street: str
        city: str
        zip: Annotated[str, Field(max_length=10)]

    class Order(BaseModel):
        sku: Annotated[str, Field(min_length=1)]
        quantity: Annotated[int, Field(gt=0)]
        tags: list[str] = []
        address: Address

    async def plain(res, req):
        order = await res.get_json()
        res.end({"sku": order["sku"], "quantity": order["quantity"], "city": order["address"]["city"]})

    def validate(res, req):
        order = req.valid.body
        res.end({"sku": order.sku, "quantity": order.quantity, "city": order.address.city})

    app = ours()
    app.register(socketify_ext.load("schema"))
    app.post("/plain", plain)
    app.post("/validated", validate, body=Order)
    app.get("/*", lambda res, req: res.end("ready"))
    return app


# -- files.py


def files(folder):
    """Serve a folder."""
    app = ours()
    app.static("/files", folder)
    return app


# -- inspector.py


def inspected(*, shown):
    """Answer JSON, with or without the inspector; and say how many hooks there are, one where it measures."""
    import socketify_ext

    app = ours()
    if shown:
        app.register(socketify_ext.load("inspector"))
    app.get("/", lambda res, req: res.end({"name": "Test"} if req.get_header("token") else {"name": "Anonymous"}))
    app.get("/hooks", lambda res, req: res.end(len(app.inspect().hooks)))
    return app


# -- growth.py


def sizes(which):
    """Answer as many bytes as the path asks for."""
    app = either(which)

    def add(size):
        body = b"x" * size
        app.get(f"/{size}", lambda res, req: res.end(body))

    for size in (0, 1, 4, 16, 64, 256, 1024):
        add(size * 1024)
    return app


def main():
    kind, port = sys.argv[1], int(sys.argv[2])
    app = globals()[kind](**json.loads(sys.argv[3]))
    app.listen({"port": port, "host": "127.0.0.1"}, lambda config: None)
    app.run()


if __name__ == "__main__":
    main()
