"""Handlers, hooks and callbacks that set context variables and report what they see."""

import asyncio
import contextvars
import logging

import socketify_ext


def make_app():
    user = contextvars.ContextVar("user", default="nobody")
    app = socketify_ext.App()
    ended = asyncio.Queue()

    @app.before_request(prefix="/user")
    def sync_hook(res, req):
        user.set(req.get_header("user"))

    @app.before_request(prefix="/late-user")
    async def async_hook(res, req):
        await asyncio.sleep(0)
        user.set(req.get_header("user"))

    @app.after_response(prefix="/user")
    async def after(outcome):
        seen = user.get()
        await asyncio.sleep(0)
        ended.put_nowait([seen, user.get()])

    def plain(res, req):
        res.end(user.get())

    async def suspending(res, req):
        before = user.get()
        await asyncio.sleep(0.01)
        user.set(f"{user.get()}!")
        res.end([before, user.get()])

    def task(res, req):
        async def answer():
            await asyncio.sleep(0)
            res.end(user.get())

        res.run_async(answer())

    def body(res, req):
        user.set(f"{user.get()}+")
        res.on_data(lambda res, chunk, is_end: res.end(user.get()) if is_end else None)

    def failing(res, req):
        user.set("of the one that failed")
        raise ValueError("no")

    def first(res, req):
        user.set("set before the yield")
        req.set_yield(True)

    async def wait(res, req):
        res.end(await asyncio.wait_for(ended.get(), 10))

    def upgrade(res, req, context):
        user.set(req.get_header("user"))
        keys = [req.get_header(f"sec-websocket-{part}") for part in ("key", "protocol", "extensions")]
        res.upgrade(*keys, context, None)

    async def message(ws, text, opcode):
        if text == "set":
            user.set(f"{user.get()} again")
        await asyncio.sleep(0)
        ws.send(user.get(), opcode)
        if text == "close":
            ws.end(1000)

    def close(ws, code, reason):
        ended.put_nowait(user.get())

    for prefix in ("/user", "/late-user", "/public"):
        app.get(f"{prefix}/plain", plain)
        app.get(f"{prefix}/suspending", suspending)
        app.get(f"{prefix}/task", task)
        app.post(f"{prefix}/body", body)
    app.get("/failing", failing)
    app.get("/yielded/:a", first)
    app.get("/yielded/*", plain)
    app.get("/ended", wait)
    app.set_error_handler(lambda error, res, req: res.end(user.get()))
    app.ws("/ws", {"upgrade": upgrade, "open": lambda ws: ws.send(user.get(), 1), "message": message, "close": close})
    app.ws("/bare", {"open": lambda ws: ws.send(user.get(), 1), "message": message})
    return app


def logging_app():
    import structlog
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("test")
    app = socketify_ext.App()
    kept = []

    @app.before_request
    def bind(res, req):
        structlog.contextvars.bind_contextvars(user=req.get_header("user"))

    async def bound(res, req):
        await asyncio.sleep(0.01)
        res.end(structlog.contextvars.get_contextvars())

    async def spans(res, req):
        with tracer.start_as_current_span("outer") as outer:
            await asyncio.sleep(0.01)
            with tracer.start_as_current_span("inner") as inner:
                await asyncio.sleep(0)
                res.end([inner.parent.span_id == outer.context.span_id, outer.parent is None])

    def left_open(res, req):
        kept.append(tracer.start_as_current_span("never ended"))
        kept[-1].__enter__()
        res.end([trace.get_current_span().get_span_context().is_valid])

    class Bound(logging.Filter):
        def filter(self, record):
            kept.append([structlog.contextvars.get_contextvars().get("user"), record.getMessage()])
            return False

    logging.getLogger("socketify_ext").addFilter(Bound())

    def fails(res, req):
        raise ZeroDivisionError

    async def fails_late(res, req):
        await asyncio.sleep(0)
        raise ZeroDivisionError

    def logged(res, req):
        res.end([each for each in kept if isinstance(each, list)])

    app.get("/fails", fails)
    app.get("/fails-late", fails_late)
    app.get("/silent", lambda res, req: None)
    app.get("/logged", logged)
    app.get("/bound", bound)
    app.get("/spans", spans)
    app.get("/left-open", left_open)
    return app
