"""Apps that read their requests before and after an await, served by the tests in processes of their own."""

import asyncio

from builtin_apps import make_app

import socketify_ext
from socketify_ext.errors import ParameterError, RequestGoneError

KEYS = ("a", "name", "x[]", "my key", "é", "")


def attempt(call, *arguments):
    """Return what a call returns, or the error that it raises."""
    try:
        return call(*arguments)
    except (ParameterError, RequestGoneError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def read_url(req):
    """Read all that a request's URL says, each in the order that the caller gives."""
    return {
        "url": req.get_url(),
        "full": req.get_full_url(),
        "query": [req.get_query(key) for key in KEYS],
        "lists": [req.get_query_list(key) for key in KEYS],
        "queries": req.get_queries(),
        "indexed": [req.get_parameter(index) for index in (0, 1, 2, -1)],
        "named": [attempt(req.get_parameter, name) for name in ("first", "second", "secnd")],
        "parameters": req.get_parameters(),
    }


def urls(kind):
    """Serve routes that say what the URL holds: without an await, only after one, and both."""
    app = make_app(kind)
    app.register(socketify_ext.extension("nothing")(lambda request, response, ws: None))

    async def after(res, req):
        await asyncio.sleep(0)
        res.end([read_url(req)])

    async def both(res, req):
        before = read_url(req)
        await asyncio.sleep(0)
        res.end([before, read_url(req)])

    async def parameters_first(res, req):
        before = req.get_parameter("second")
        await asyncio.sleep(0)
        res.end([before, req.get_parameter("second")])

    def upgrade(res, req, context):
        res.write_header("X-Read", ascii([attempt(req.get_parameter, key) for key in ("room", 0, "rom")]))
        keys = ("sec-websocket-key", "sec-websocket-protocol", "sec-websocket-extensions")
        res.upgrade(*map(req.get_header, keys), context)

    kept = {}

    def keep(res, req):
        kept[""] = req.preserve()
        res.end("kept")

    async def keep_late(res, req):
        await asyncio.sleep(0)
        kept["-late"] = req
        res.end("kept")

    def forget(res, req):
        kept["gone"] = req
        res.end("forgotten")

    def tell(res, req):
        """Read a request whose handler has returned, in the handler of a route with other names."""
        one = kept["-late" if "late" in req.get_url() else ""]
        answers = [one.get_parameter("first"), one.get_parameter("second")]
        res.end(
            [*answers, *(attempt(request.get_parameter, "name").partition(":")[0] for request in (one, kept["gone"]))]
        )

    app.get("/kept/:first/:second", keep)
    app.get("/kept-late/:first/:second", keep_late)
    app.get("/gone/:name", forget)
    app.get("/told/:name", tell)
    app.get("/told-late/:name", tell)
    app.get("/sync/:first/:second", lambda res, req: res.end([read_url(req)]))
    app.get("/after/:first/:second", after)
    app.get("/both/:first/:second", both)
    app.get("/cached/:first/:second", parameters_first)
    app.get("/unnamed/*", lambda res, req: res.end([read_url(req)]))
    app.any("/:first", lambda res, req: res.end([read_url(req)]))
    if kind != "stock":
        app.ws("/rooms/:room", {"upgrade": upgrade})
    return app
