# ruff: noqa: ARG005  # handlers have the core's parameters
"""Apps whose native callbacks are called in process, without sockets: what a route gives the core is caught.

As a program it makes routes, and times their dispatches whenever it is asked; `dispatcher.py` runs it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import time

import socketify
from socketify.native import ffi, lib

import socketify_ext

RES, REQ = ffi.cast("uws_res_t*", 1), ffi.cast("uws_req_t*", 1)


def caught(app, handler):
    """Return the native callback of a route and its user data, which the app keeps alive."""
    found = []
    real = lib.uws_app_get
    lib.__dict__["uws_app_get"] = lambda ssl, native, path, callback, user_data: found.append((callback, user_data))
    try:
        app.get("/", handler)
    finally:
        lib.__dict__["uws_app_get"] = real
    return *found[0], app


def extension(index, count):
    """Make an extension of `count` methods on request and on response, and of as many properties."""

    def method(name):
        def member(self):
            return name

        member.__name__ = name
        return member

    def declare(request, response, ws):
        for number in range(count):
            request.method(method(f"question_{index}_{number}"))
            response.method(method(f"reply_{index}_{number}"))
            request.property(f"property_{index}_{number}", [])

    declare.__name__ = declare.__qualname__ = f"extension_{index}"
    return declare


def core(members=0, extensions=1, **options):
    """Return a route of the core's App that does nothing."""
    app = socketify.App(**options)
    for index in range(extensions if members else 0):
        app.register(extension(index, members))
    if app._factory is not None:
        app._factory.populate()  # as `run()` does
    return caught(app, lambda res, req: None)


def answered(res, req):
    res._answered = True  # as `end` would leave it, without its native call


def ours(members=0, extensions=1):
    """Return a route of our App that does nothing."""
    app = socketify_ext.App()
    for index in range(extensions if members else 0):
        app.register(extension(index, members))
    return caught(app, answered)


def floor():
    """Return a native callback that calls an empty handler."""

    @ffi.callback("void(uws_res_t*, uws_req_t*, void*)")
    def empty(res, req, user_data):
        handler, _ = ffi.from_handle(user_data)
        handler(None, None)

    return empty, ffi.new_handle((lambda res, req: None, None)), None


def called(callback, user_data, calls):
    """Return the seconds of one call of a native callback, and its seconds of CPU."""
    numbers = range(calls)
    wall, used = time.perf_counter(), time.process_time()
    for _ in numbers:
        callback(RES, REQ, user_data)
    used = time.process_time() - used
    return (time.perf_counter() - wall) / calls, used / calls


# A function that does nothing worth the name: to call it costs what a call from here costs, which a server does not make.
NOTHING = ffi.cast("void(*)(uws_res_t*, uws_req_t*, void*)", ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p).value)


def calling():
    """Return the seconds of a call from here alone, and its seconds of CPU: the least of many measurements."""
    return tuple(map(min, zip(*(called(NOTHING, ffi.NULL, 300) for _ in range(100)), strict=True)))


def timed(route, calls, alone):
    """Return the nanoseconds of one dispatch, and its microseconds of CPU, without those of the call from here."""
    callback, user_data, _app = route
    taken, used = called(callback, user_data, calls)
    return {"value": (taken - alone[0]) * 1e9, "cpu": (used - alone[1]) * 1e6}


def main():
    """Read a request a line: `["make", kind, arguments]` answers the number of a route, `["time", number, calls]` a sample."""
    kinds, routes, alone = {"core": core, "ours": ours, "floor": floor}, [], calling()
    for line in sys.stdin:
        what, which, more = json.loads(line)
        if what == "make":
            routes.append(kinds[which](**more))
            gc.collect()
            answer = len(routes) - 1
        else:
            answer = timed(routes[which], more, alone)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
