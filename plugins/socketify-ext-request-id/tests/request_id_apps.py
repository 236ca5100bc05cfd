"""Apps that the tests serve."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
from pathlib import Path

import socketify
from socketify_ext_request_id import RequestIdFilter, current_request_id

import socketify_ext

README = Path(__file__).parent.parent / "README.md"
log = logging.getLogger("shop")


def to_stderr():
    """Log everything with the id of its request."""
    handler = logging.StreamHandler()
    handler.addFilter(RequestIdFilter())
    handler.setFormatter(logging.Formatter("%(name)s [%(request_id)s] %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def make(kind="app", **options):
    to_stderr()
    app = socketify_ext.App() if kind == "app" else socketify_ext.install(socketify.App())

    @app.register
    @socketify_ext.extension("guard")
    def guard(request, response, ws, *, app):
        """Refuse, and log it, before the extension under test is registered."""

        @app.before_request(prefix="/closed")
        def refuse(res, req):
            log.info("refused")
            raise socketify_ext.HTTPError(401)

    app.register(socketify_ext.load("request-id", **options))

    async def slow(res, req):
        log.info("before %s", req.get_query("n"))
        await asyncio.sleep(0.001)
        await asyncio.gather(*(inner(req.get_query("n")) for _ in range(2)))
        res.end([req.request_id, current_request_id()])

    async def inner(number):
        await asyncio.sleep(0)
        log.info("inside %s", number)

    def fails(res, req):
        raise ZeroDivisionError("on purpose")

    def wait(res, req):
        res.grab_aborted_handler()
        log.info("waiting")

    def said(ws, message, opcode):
        log.info("said %s", message)
        ws.send(current_request_id())

    app.get("/slow", slow)
    app.get("/items/:id", lambda res, req: res.end(req.request_id))
    app.get("/fails", fails)
    app.get("/closed/it", lambda res, req: res.end("open"))
    app.get("/unavailable", lambda res, req: res.write_status(503).end("later"))
    app.get("/wait", wait)
    app.get("/own", lambda res, req: res.write_header("x-request-id", "mine").end("own"))
    app.get("/silent", lambda res, req: res.end("silent"), access_log=False)
    app.get("/livez", lambda res, req: res.end("alive"))
    app.get("/readyz", lambda res, req: res.end("ready"), access_log=True)
    app.any("/any", lambda res, req: res.end("any"))
    app.ws("/ws", {"message": said})
    return app


def numbered(**options):
    numbers = iter(range(1000))
    return make(generate=lambda: f"request-{next(numbers)}", **options)


def structured(**options):
    import structlog

    def render(_logger, _name, event):
        return json.dumps(event, default=str)

    processors = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, render]
    structlog.configure(processors, logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    app = socketify_ext.App()
    app.register(socketify_ext.load("request-id", access_log="structlog", **options))

    async def handler(res, req):
        await asyncio.sleep(0)
        structlog.get_logger().info("looking", number=req.get_query("n"))
        res.end(req.request_id)

    app.get("/", handler)
    return app


def readme():
    """Run the README's example up to where it listens."""
    example = re.search(r"```python\n(.*?)\napp\.listen", README.read_text(), re.DOTALL)[1]
    logging.root.handlers.clear()  # the kit's own
    names = {}
    exec(example, names)  # noqa: S102 - it is ours
    return names["app"]
