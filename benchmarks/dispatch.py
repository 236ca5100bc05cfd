"""What does one dispatch cost, in process, with how many members?

Calls the native callbacks directly, without sockets, ours and the core's interleaved, and prints nanoseconds.
"""

import gc
import statistics
import sys
import time

import socketify
from socketify import socketify as core
from socketify.native import ffi

import socketify_ext
from socketify_ext.runtime.dispatch import Route, on_request

ROUNDS, CALLS = 25, 3000
RES, REQ = ffi.cast("uws_res_t*", 1), ffi.cast("uws_req_t*", 1)


@ffi.callback("void(uws_res_t*, uws_req_t*, void*)")
def empty(res, req, user_data):
    handler, _ = ffi.from_handle(user_data)
    handler(None, None)


def members(count):
    def extension(request, response, ws):
        for index in range(count):
            request.method(lambda self: None, name=f"method_{index}")
            response.method(lambda self: None, name=f"other_{index}")
            request.property(f"property_{index}", [])

    return extension


def core_members(count):
    def extension(request, response, ws):
        for index in range(count):
            for surface, name in ((request, f"method_{index}"), (response, f"other_{index}")):

                def method(self):
                    return None

                method.__name__ = name
                surface.method(method)
            request.property(f"property_{index}", [])

    return extension


def core_case(count):
    app = socketify.App()
    if not count:
        return core.uws_generic_method_handler, ffi.new_handle((lambda res, req: None, app)), app
    app.register(core_members(count))
    return core.uws_generic_method_handler_with_extension, ffi.new_handle((lambda res, req: None, app)), app


def answered(res, req):
    res._answered = True  # as `end` would leave it, without its native call


def our_case(count):
    app = socketify_ext.App()
    if count:
        app.register(members(count))
    route = Route(app._server, "GET /", answered)
    return on_request, route.handle, (app, route)


def measure():
    cases = {"floor": (empty, ffi.new_handle((lambda res, req: None, None)), None), "core 0": core_case(0)}
    cases["core 50"] = core_case(50)
    for count in (0, 10, 50, 500):
        cases[f"ours {count}"] = our_case(count)
    taken = {name: [] for name in cases}
    gc.collect()
    for _ in range(ROUNDS):
        for name, (callback, handle, _keep) in cases.items():
            start = time.perf_counter()
            for _ in range(CALLS):
                callback(RES, REQ, handle)
            taken[name].append((time.perf_counter() - start) / CALLS * 1e9)
    return {name: statistics.median(times) for name, times in taken.items()}


if __name__ == "__main__":
    figures = measure()
    print(f"Python {sys.version.split()[0]}")
    for name, value in figures.items():
        print(f"{name:10s} {value:8.0f} ns  {value / figures['core 0']:.2f} of the core without extensions")
