"""Apps with hooks at errors, served by `test_on_error.py` in processes of their own."""

import asyncio
import contextvars

from before_send_apps import SIZE, sockets, ways
from builtin_apps import make_app

import socketify_ext
from socketify_ext import HTTPError

user = contextvars.ContextVar("user", default="nobody")


def say(error):
    return f"{type(error).__name__} {getattr(error, 'status', '')}"


def errors(kind, folder="/nowhere"):
    """Errors of every way, and hooks that look, answer, wait, fail and give up."""
    app = make_app(kind)
    notes = []
    app.get("/notes", lambda res, req: res.end(notes))
    app.get("/notes/forget", lambda res, req: (notes.clear(), res.end("")))

    @app.register
    @socketify_ext.extension("errors")
    def declare(request, response, ws, *, app):
        @app.on_error(prefix="/looks")
        def look(error, res, req):
            notes.append([say(error), res.status, req.get_url(), req.get_header("name")])
            res.write_header("X-Look", "1")

        @app.on_error(prefix="/looks-late")
        async def look_late(error, res, req):
            await asyncio.sleep(0.001)
            look(error, res, req)

        @app.on_error(prefix="/answers")
        def answer(error, res, req):
            res.end(f"answered {say(error)}")

        @app.on_error(prefix="/answers-late")
        async def answer_late(error, res, req):
            await asyncio.sleep(0.001)
            answer(error, res, req)

        @app.on_error(prefix="/answers-in-parts")
        def answer_in_parts(error, res, req):
            res.write("answered ").end(say(error))

        @app.on_error(prefix="/fails")
        def fail(error, res, req):
            raise LookupError("no tracker")

        @app.on_error(prefix="/fails-late")
        async def fail_late(error, res, req):
            await asyncio.sleep(0.001)
            raise HTTPError(418)

        @app.on_error(prefix="/answers-then-fails")
        async def answer_then_fail(error, res, req):
            res.write_status(409).end("answered")
            raise LookupError("no tracker")

        @app.on_error(prefix="/other-status")
        def other_status(error, res, req):
            res.write_status(409).send({"error": say(error)}, headers=[("X-Other", "1")])

        @app.on_error(prefix="/hangs")
        async def hang(error, res, req):
            notes.append("hangs")
            await asyncio.sleep(3600)

    @app.on_error
    def last(error, res, req):
        if not req.get_url().startswith(("/looks", "/fails", "/plain", "/handled")):
            notes.append("the last one is asked, too")

    @app.before_send(prefix="/sent")
    async def sent(res, req):
        await asyncio.sleep(0.001)
        res.write_header("X-Sent", str(res.status))

    app.on_error(lambda error, res, req: res.end(f"answered {say(error)}"), prefix="/sent/answers")
    routes = {**ways(folder), "unanswered-late": return_nothing}
    prefixes = (
        *("plain", "looks", "looks-late", "answers", "answers-late", "answers-in-parts", "fails", "fails-late"),
        *("answers-then-fails", "other-status", "hangs", "sent", "sent/answers"),
    )
    for prefix in prefixes:
        for name in FAILING:
            app.get(f"/{prefix}/{name}", routes[name])
            app.post(f"/{prefix}/{name}", routes[name], max_body=10)
        for name, handler in sockets().items():
            app.ws(f"/{prefix}/{name}", {"upgrade": handler})
        app.ws(f"/{prefix}/plain-ws", {})
        app.post(f"/{prefix}/read", routes["read"], max_body=10)
        app.delete(f"/{prefix}/only", lambda res, req: res.end("deleted"))
        app.static(f"/{prefix}/static", "/tmp")  # noqa: S108 - nothing of it is asked for
        app.before_request(guard, prefix=f"/{prefix}/guarded")
        app.get(f"/{prefix}/guarded", lambda res, req: res.end("in"))
        app.get(f"/{prefix}/parts", fail_behind_part)
        app.get(f"/{prefix}/answered", fail_behind_answer)
    return app


FAILING = (
    *("fail", "fail-late", "refuse", "refuse-late", "unserialisable", "no-file", "validated", "fails-at-first"),
    *("unanswered", "unanswered-late"),
)


async def return_nothing(res, req):
    await asyncio.sleep(0.001)


def guard(res, req):
    raise HTTPError(401, "who are you?", {"WWW-Authenticate": "Bearer"})


def fail_behind_part(res, req):
    res.write("part")
    raise LookupError("behind a part")


def fail_behind_answer(res, req):
    res.end("answer")
    raise LookupError("behind the answer")


def handled(kind, asks):
    """An error handler behind hooks that look."""
    app = make_app(kind)
    seen = []

    @app.before_send
    def mark(res, req):
        res.write_header("X-Sent", "1")

    def handle(error, res, req):
        seen.append("handler")
        res.end([*seen, say(error), res.get_header("x-kept")])

    async def handle_late(error, res, req):
        await asyncio.sleep(0)
        handle(error, res, req)

    if asks:

        @app.on_error
        async def look(error, res, req):
            await asyncio.sleep(0)
            seen.append("hook")
            res.write_status(418).write_header("X-Kept", "not this")

    app.set_error_handler(handle if kind == "app" else handle_late)

    def fail(res, req):
        seen.clear()
        res.write_header("X-Kept", "of the handler").write_status(201)
        raise LookupError("no such thing")

    app.get("/fail", fail)
    return app


def alone(kind):
    """One hook at errors and no other hook."""
    app = make_app(kind)

    @app.on_error(prefix="/api")
    async def answer(error, res, req):
        await asyncio.sleep(0)
        res.end(f"answered {say(error)}")

    app.get("/:any/items", lambda res, req: res.end(object()))
    app.get("/:any/deferred", callback)
    return app


def contexts(kind):
    """Context variables at errors."""
    app = make_app(kind)

    @app.on_error(prefix="/sync")
    def hook(error, res, req):
        res.end(user.get())
        user.set("of the hook")

    @app.on_error(prefix="/late")
    async def hook_late(error, res, req):
        await asyncio.sleep(0)
        hook(error, res, req)

    async def late(res, req):
        await asyncio.sleep(0)
        user.set(req.get_header("name"))
        await asyncio.sleep(0)
        raise LookupError

    def at_once(res, req):
        user.set(req.get_header("name"))
        raise LookupError

    for prefix in ("/sync", "/late"):
        app.get(f"{prefix}/late", late)
        app.get(f"{prefix}/at-once", at_once)
        app.get(f"{prefix}/unset", lambda res, req: res.end(user.get()))
        app.get(f"{prefix}/callback", callback)
    return app


def callback(res, req):
    """Fail in a callback, when the request is gone."""

    def fail(res, chunk, is_end):
        raise LookupError("in a callback")

    user.set(req.get_header("name"))
    res.on_data(fail)


__all__ = ["SIZE", "contexts", "errors", "handled"]
