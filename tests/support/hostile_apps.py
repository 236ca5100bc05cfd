"""Apps that make any public call of the runtime's objects with any value, at any moment; each prints nothing.

A call is named by its position in `CALLS`, a value by its position in `VALUES`.
"""

import asyncio
import contextlib
import functools
import inspect
import json

import socketify_ext

MOMENTS = ("first step", "after a part", "after the answer", "in a cork", "in a coroutine", "after an await", "later")


class HostileError(Exception):
    pass


class NoBool:
    def __bool__(self):
        raise HostileError


class NoIndex(int):
    def __index__(self):
        raise HostileError

    __int__ = __str__ = __index__


class WrongText(str):
    __slots__ = ()

    def encode(self, *_):
        return 5

    def isprintable(self):
        return True

    def __len__(self):
        return 10**6


class WrongBytes(bytes):
    def __len__(self):
        return 10**6

    def __bytes__(self):
        return bytes(50)


class Masked:
    """Says that it is bytes, as a mock with a spec does."""

    __class__ = property(lambda self: bytes)

    def __len__(self):
        return 10**6


class NoText:
    def __str__(self):
        raise HostileError

    __repr__ = __str__


class Ends:
    """Answers while it is converted."""

    def __init__(self, answer):
        self.answer = answer

    def items(self):
        self.answer()
        return [("a", 1)]

    def __iter__(self):
        self.answer()
        return iter([("a", 1)])

    def __bool__(self):
        self.answer()
        return True

    def __index__(self):
        self.answer()
        return 1

    def __str__(self):
        self.answer()
        return "a"


def cyclic():
    found = []
    found.append(found)
    return found


@functools.cache  # collecting 100,000 new lists for each call takes most of the time
def deep():
    found = []
    for _ in range(100_000):
        found = [found]
    return found


async def coroutine_function(*_):
    pass


async def ends_in_parts(one):
    yield b"part"
    one.end("from a producer")
    yield b"another"


VALUES = (
    lambda one: None,
    lambda one: True,
    lambda one: -1,
    lambda one: 0,
    lambda one: 204,
    lambda one: 2**64,
    lambda one: 10**5000,
    lambda one: 1.5,
    lambda one: float("nan"),
    lambda one: "",
    lambda one: "text",
    lambda one: "\ud800",
    lambda one: "a\r\nb: c",
    lambda one: "a" * 100_000,
    lambda one: b"",
    lambda one: b"\xff\x00\r\n",
    lambda one: bytearray(b"array"),
    lambda one: memoryview(b"viewed")[::2],
    lambda one: [1, 2],
    lambda one: [("a", "b"), ("c", object())],
    lambda one: {"a": "b"},
    lambda one: cyclic(),
    lambda one: deep(),
    lambda one: object(),
    lambda one: NoBool(),
    lambda one: NoIndex(3),
    lambda one: WrongText("wrong"),
    lambda one: WrongBytes(b"wrong"),
    lambda one: Masked(),
    lambda one: NoText(),
    lambda one: one,
    lambda one: type,
    lambda one: lambda *_: 1 / 0,
    lambda one: lambda *_: one.end("from a callback"),
    lambda one: coroutine_function,
    lambda one: (part for part in [b"part", "text", None]),
    lambda one: ends_in_parts(one),
    lambda one: Ends(lambda: one.end("while it was converted")),
    lambda one: Ends(lambda: one.close()),
)

IN_PARTS = ("stream", "events", "drain")  # coroutines that are run; the others wait for a body that does not come

# What each parameter gets while another one is tried.
FITTING = {
    "message": b"x",
    "buffer": b"x",
    "total_size": 1,
    "key": "k",
    "name": "k",
    "value": "v",
    "location": "/",
    "lower_case_header": "host",
    "index": 0,
    "status_or_status_text": 200,
    "offset": 0,
    "topic": "t",
    "task": None,
    "data": b"x",
    "is_end": True,
    "has_yield": False,
    "limit": 10,
    "encoding": "utf-8",
    "handler": lambda *_: True,
    "callback": lambda *_: None,
    "parts": (b"a", b"b"),
    "path": __file__,
    "events": (b"a", b"b"),
}


def calls(cls, leave_out=()):
    """List all public calls of a class, once for each of their parameters: name, its place, and what the others get."""
    found = []
    for name in sorted(dir(cls)):
        if name.startswith("_") or name in leave_out or not callable(getattr(cls, name)):
            continue
        parameters = list(inspect.signature(getattr(cls, name)).parameters.values())[1:]
        plain = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
        fitting = [FITTING.get(each.name, each.default) for each in plain]
        fitting = [None if each is inspect.Parameter.empty else each for each in fitting]
        options = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
        found += [(name, place, tuple(fitting)) for place in (*range(len(plain)), *options)] or [(name, None, ())]
    return found


CALLS = {
    "response": calls(socketify_ext.Response),
    "request": calls(socketify_ext.Request),
    "ws": calls(socketify_ext.WebSocket),
}


def make_call(one, target, number, value):
    """Make the call, and let what it raises be raised."""
    name, place, fitting = CALLS[target][number]
    arguments = list(fitting)
    options = {}
    if isinstance(place, str):
        options[place] = VALUES[value](one)
    elif place is not None:
        arguments[place] = VALUES[value](one)
    return getattr(one, name)(*arguments, **options)


def http_app():
    app = socketify_ext.App()

    def call(res, req, path):
        _, _, target, number, value, _ = path.split("/")
        one = res if target == "response" else req
        if target == "request" and int(value) >= len(VALUES) - 4:
            one.end = res.end
            one.close = res.close
        result = make_call(one, target, int(number), int(value))
        if inspect.iscoroutine(result):
            if CALLS[target][int(number)][0] in IN_PARTS:
                res.run_async(result)
            else:
                result.close()

    def finish(res):
        if not res.has_responded() and not res.aborted:
            try:
                res.end("done")
            finally:
                if not res.has_responded():  # a part of a body of known size is missing
                    res.close()

    def at(moment):
        def now(res, req):
            path = req.get_url()
            if moment == "after a part":
                res.write("part")
            if moment == "after the answer":
                res.end("answered")
            if moment == "in a cork":
                res.cork(lambda res: call(res, req, path))
            else:
                call(res, req, path)
            finish(res)

        async def in_coroutine(res, req):
            path = req.get_url()
            if moment == "after an await":
                await asyncio.sleep(0)
            call(res, req, path)
            finish(res)

        def later(res, req):
            path = req.preserve().get_url()
            res.grab_aborted_handler()

            def run():
                try:
                    call(res, req, path)
                finally:
                    finish(res)

            app.loop.loop.call_soon(run)

        return {"in a coroutine": in_coroutine, "after an await": in_coroutine, "later": later}.get(moment, now)

    for number, moment in enumerate(MOMENTS):
        app.any(f"/call/:target/:number/:value/{number}", at(moment))
    app.get("/ok", lambda res, req: res.end("fine"))
    return app


def aborted_app():
    """Calls on a response whose client has left; the outcome of each is kept for whoever asks."""
    app = socketify_ext.App()
    done, arrived, finished = [], asyncio.Event(), asyncio.Event()

    async def wait(res, req):
        gone = asyncio.get_running_loop().create_future()
        res.on_aborted(lambda _: gone.set_result(None))
        arrived.set()
        await gone
        for number in range(len(CALLS["response"])):
            for value in range(len(VALUES)):
                try:
                    result = make_call(res, "response", number, value)
                    if inspect.iscoroutine(result):
                        result.close()
                except Exception:  # noqa: S110 - that it comes back is what counts
                    pass
        done.append(res.aborted)
        finished.set()

    async def has_arrived(res, req):
        await arrived.wait()
        res.end("arrived")

    async def outcome(res, req):
        await finished.wait()
        res.end(done)

    app.get("/wait", wait)
    app.get("/arrived", has_arrived)
    app.get("/done", outcome)
    return app


def socket_app():
    app = socketify_ext.App()

    def message(ws, text, _):
        number, value, moment = json.loads(text)
        call = functools.partial(make_call, ws, "ws", number, value)

        def run(*_):
            with contextlib.suppress(Exception):  # that it comes back is what counts
                call()
            if not ws.closed:
                ws.send("done", 1)

        if moment == "in a cork":
            ws.cork(run)
        elif moment == "later":
            app.loop.loop.call_soon(run)
        else:
            run()

    def after_close(ws, *_):
        for number in range(len(CALLS["ws"])):
            for value in range(len(VALUES)):
                with contextlib.suppress(Exception):  # the same
                    make_call(ws, "ws", number, value)
        closed.append(ws.closed)

    closed = []
    app.ws("/ws", {"message": message, "max_payload_length": 1 << 20, "max_backpressure": 16 << 20})
    app.ws("/closing", {"message": lambda ws, *_: ws.close(), "close": after_close})
    app.get("/closed", lambda res, req: res.end(closed))
    app.get("/ok", lambda res, req: res.end("fine"))
    return app
