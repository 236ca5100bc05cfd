"""Count the work of requests, as a program: every call of the core's native functions is counted, and none is made.

It runs in a process of its own, since the counting functions must be there before the runtime binds the native ones.
Prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import sys
from collections import Counter

import socketify
from socketify.native import ffi, lib

counted = Counter()
headers = {b"token": ffi.new("char[]", b"secret")}
url = ffi.new("char[]", b"/item?page=1&name=Ann")


def note(name):
    def native(*arguments):
        counted[name] += 1
        return 0

    return native


def getter(name, find):
    def native(*arguments):
        counted[name] += 1
        value, length = find(arguments)
        arguments[-1][0] = value
        return length

    return native


def header(arguments):
    value = headers.get(
        ffi.buffer(arguments[1], arguments[2])[:] if not isinstance(arguments[1], bytes) else arguments[1]
    )
    return (ffi.NULL, 0) if value is None else (value, len(value) - 1)


def count_native_calls():
    """Put counting functions in place of all that read a request or write an answer."""
    for name in list(vars(lib)):
        if name.startswith(("uws_res_", "uws_req_", "uws_ws_", "socketify_res_")):
            lib.__dict__[name] = note(name)
    # A name that nobody has used yet is looked up in the library, so that all are to be named.
    for name in dir(lib):
        if name.startswith(("uws_res_", "uws_req_", "socketify_res_")):
            lib.__dict__[name] = note(name)
    lib.__dict__["uws_req_get_header"] = getter("uws_req_get_header", header)
    for name, size in {
        "uws_req_get_url": 5,
        "uws_req_get_full_url": 21,
        "uws_req_get_parameter": 4,
        "uws_req_get_case_sensitive_method": 3,
        "uws_req_get_method": 3,
    }.items():
        lib.__dict__[name] = getter(name, lambda arguments, size=size: (url, size))
    lib.__dict__["uws_req_get_parameter"] = getter(
        "uws_req_get_parameter",
        lambda arguments: (url, 4) if int(arguments[1]) == 0 else (ffi.NULL, 0),
    )


count_native_calls()

import socketify_ext  # noqa: E402  # binds the native functions, so it comes after

RES, REQ = ffi.cast("uws_res_t*", 1), ffi.cast("uws_req_t*", 1)
CALLS = 1000


def members(count):
    def extension(request, response, ws):
        for index in range(count):
            request.method(lambda self: None, name=f"question_{index}")
            response.method(lambda self: None, name=f"reply_{index}")
            request.property(f"property_{index}", [])

    return extension


class Routes:
    """An app whose routes are called by hand."""

    def __init__(self, count=0):
        self.app = socketify_ext.App()
        self.numbers = itertools.count()
        if count:
            self.app.register(members(count))

    def add(self, handler):
        found = []
        real = lib.uws_app_get
        lib.__dict__["uws_app_get"] = lambda ssl, app, path, callback, user_data: found.append((callback, user_data))
        self.app.get(f"/{next(self.numbers)}", handler)
        lib.__dict__["uws_app_get"] = real
        return found[0]


def in_loop(routes, function):
    """Call a function as the core's loop calls native callbacks, and let coroutines go on to their end."""
    found = []
    loop = routes.app.loop.loop
    loop.call_soon(lambda: found.append(function()))
    for _ in range(3):
        loop.run_until_complete(asyncio.sleep(0))
    return found[0]


def native_calls(routes, handler):
    """Count the native calls of one request, once the caches are warm."""
    callback, user_data = routes.add(handler)
    in_loop(routes, lambda: callback(RES, REQ, user_data))
    counted.clear()
    in_loop(routes, lambda: callback(RES, REQ, user_data))
    return dict(sorted(counted.items()))


def entries(routes, handler):
    """Report the attributes of a request and its response, in the handler and after the answer."""
    found = {}

    def looking(res, req):
        found["request"] = sorted(vars(req))
        found["response"] = sorted(vars(res))
        handler(res, req)
        found["request answered"] = sorted(vars(req))
        found["response answered"] = sorted(vars(res))

    callback, user_data = routes.add(looking)
    callback(RES, REQ, user_data)
    return found


def retained(routes, handler):
    """Count the memory blocks that so many requests leave behind, and the objects that a collection then finds."""
    callback, user_data = routes.add(handler)

    def many():
        for _ in range(CALLS):
            callback(RES, REQ, user_data)

    in_loop(routes, many)
    gc.collect()
    gc.disable()
    before = sys.getallocatedblocks()
    in_loop(routes, many)
    blocks = sys.getallocatedblocks() - before
    found = gc.collect()
    gc.enable()
    return {"blocks": blocks, "garbage": found}


def held(routes):
    """Count the memory blocks of one request and its response, while they are there."""
    kept = []

    def keeping(res, req):
        res.end(b"ok")
        kept.append((res, req))

    callback, user_data = routes.add(keeping)
    for _ in range(CALLS):
        callback(RES, REQ, user_data)
    kept[:] = [None] * CALLS  # the list has its size, and free blocks are there to be counted
    kept.clear()
    gc.collect()
    gc.disable()
    before = sys.getallocatedblocks()
    for _ in range(CALLS):
        callback(RES, REQ, user_data)
    blocks = sys.getallocatedblocks() - before
    gc.enable()
    return round(blocks / CALLS)


def read_twice(res, req):
    req.get_header("token")
    req.get_header("token")
    res.end(b"ok")


def queries(res, req):
    assert req.get_query("name") == "Ann"
    assert req.get_query("page") == "1"
    res.end(b"ok")


ASYNC = ("async without suspending", "async, suspended once")


async def straight(res, req):
    res.end(req.get_header("token"))


async def suspended(res, req):
    await asyncio.sleep(0)
    res.end(req.get_header("token"))


HANDLERS = {
    "bytes": lambda res, req: res.end(b"ok"),
    "text": lambda res, req: res.end("ok"),
    "json": lambda res, req: res.end({"ok": True}),
    "status and json": lambda res, req: res.write_status(201).end({"ok": True}),
    "two headers": lambda res, req: res.write_header("a", "b").write_header("c", "d").end(b"ok"),
    "status, header and json": lambda res, req: res.write_status(201).write_header("a", "b").end({"ok": True}),
    "header read twice": read_twice,
    "two queries": queries,
    "url and parameter": lambda res, req: (req.get_url(), req.get_parameter(0), res.end(b"ok")),
    "async without suspending": straight,
    "async, suspended once": suspended,
}


def main():
    found = {"calls": {}, "entries": {}, "retained": {}, "held": {}}
    for count in (0, 500):
        routes = Routes(count)
        found["calls"][count] = {name: native_calls(routes, handler) for name, handler in HANDLERS.items()}
        found["entries"][count] = entries(routes, HANDLERS["json"])
        found["retained"][count] = {
            name: retained(routes, HANDLERS[name]) for name in ("bytes", "json", "two headers", *ASYNC)
        }
        found["held"][count] = held(routes)
    bare = socketify.App()
    found["core"] = len(vars(socketify.socketify.AppRequest(REQ, bare))) + len(
        vars(socketify.socketify.AppResponse(RES, bare))
    )
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
