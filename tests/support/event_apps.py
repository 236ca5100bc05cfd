"""Handlers that answer with Server-Sent Events, run by test_events.py."""

import asyncio

import socketify

import socketify_ext
from socketify_ext import Event, HTTPError

LARGE = "x" * 3_000_000  # more than the sockets' buffers take
PLAIN = [
    "text",
    "two\nlines\r\nand\rmore\n",
    b"bytes \xc3\xa9",
    {"n": float("nan"), "list": [1, "é"]},
    7,
    "",
    Event("named", event="added"),
    Event({"id": 1}, id=41, retry=10),
    Event(None, id=42),
    Event(": no comment", id="é 1"),
    Event(" data: led by a blank"),
]


def make(grace=5.0, fast=False, certificate=None, key=None):
    options = None if certificate is None else socketify.AppOptions(key_file_name=key, cert_file_name=certificate)
    app = socketify_ext.App(options, shutdown_grace=grace)
    if fast:
        app.register(socketify_ext.load("json"))
    seen = {"ended": [], "outcomes": [], "timers": 0}
    more, ended = asyncio.Event(), asyncio.Event()

    async def slowly(items):
        try:
            for item in items:
                yield item
                await asyncio.sleep(0)
        finally:
            seen["ended"].append("slowly")

    async def waits():
        try:
            await more.wait()
            yield "at last"
            await asyncio.Event().wait()
        finally:
            seen["ended"].append("waits")
            ended.set()

    async def large():
        for _ in range(2):
            yield LARGE
            await asyncio.sleep(0.03)

    async def refuses():
        raise HTTPError(403, "not for you")
        yield

    async def fails_late():
        yield "first"
        await asyncio.sleep(0)
        raise KeyError("late")

    async def wrong():
        yield Event("first")
        yield object()

    sources = {
        "async": lambda: slowly(PLAIN),
        "sync": lambda: (item for item in PLAIN),
        "list": lambda: PLAIN,
        "empty": list,
        "waits": waits,
        "large": large,
        "refuses": refuses,
        "fails-late": fails_late,
        "wrong": wrong,
        "nothing": lambda: [None],
        "text": lambda: "text",
        "event": lambda: Event("one"),
    }

    async def events(res, req):
        await res.events(sources[req.get_parameter(0)]())

    async def late(res, req):
        await asyncio.sleep(0)
        await res.events(sources[req.get_parameter(0)]())

    async def often(res, req):
        await res.events(sources[req.get_parameter(0)](), keep_alive=0.01)

    async def never(res, req):
        await res.events(waits(), keep_alive=None)

    async def own_head(res, req):
        res.write_header("cache-control", "no-cache").write_header("Content-Type", "text/plain").write_header(
            "X-A", "1"
        )
        await res.events(["a"])

    async def numbers(res, req):
        """Go on behind the last event that the client has seen, one event at a time."""
        last = int(req.get_header("last-event-id") or 0)
        seen.setdefault("asked", []).append(last)
        if last == 3:
            res.write_status(204).end_without_body()
        else:
            await res.events([Event({"n": last + 1}, id=last + 1, event="number", retry=1)])

    async def answered(res, req):
        res.end("first")
        await res.events(slowly(PLAIN))

    async def overlaps(res, req):
        first = asyncio.ensure_future(res.events(waits()))
        await asyncio.sleep(0.01)
        for again in (res.events, res.stream):
            try:
                await again(slowly(["second"]))
            except socketify_ext.errors.BodyError:
                more.set()
        await first

    async def times_out(res, req):
        try:
            await asyncio.wait_for(res.events(waits(), keep_alive=0.01), 0.1)
        except asyncio.TimeoutError:
            res.end("data: over\n\n")

    async def arguments(res, req):
        found = []
        for value in (0, -1.0, float("nan"), float("inf"), 10**400, True, "15"):
            try:
                await res.events(PLAIN, keep_alive=value)
            except (TypeError, ValueError) as error:
                found.append(type(error).__name__)
        res.end(found)

    async def holds_up(res, req):
        """Answer when the stream of another client has ended."""
        print("holding", flush=True)
        await ended.wait()
        res.end(seen["ended"])

    app.get("/events/:name", events)
    app.post("/events/:name", events)
    app.head("/events/:name", events)
    app.get("/late/:name", late)
    app.get("/often/:name", often)
    app.get("/never", never)
    app.get("/own-head", own_head)
    app.get("/numbers", numbers)
    app.get("/answered", answered)
    app.get("/overlaps", overlaps)
    app.get("/times-out", times_out)
    app.get("/arguments", arguments)
    app.get("/holds-up", holds_up)

    def state(res, req):
        # Timers that are due within the hour: none outlives its stream.
        timers = getattr(asyncio.get_running_loop(), "_scheduled", ())
        seen["timers"] = sum("Filler" in repr(each) for each in timers if not each.cancelled())
        res.end(seen)

    def go_on(res, req):
        more.set()
        res.end("more")

    def clear(res, req):
        seen.update(ended=[], outcomes=[])
        more.clear()
        res.end("ok")

    app.after_response(lambda outcome: seen["outcomes"].append([outcome.status, outcome.aborted]), prefix="/events")
    app.get("/state", state)
    app.get("/go-on", go_on)
    app.get("/clear", clear)
    return app
