"""Apps with cached routes, each of whose answers has a number of its own."""

from __future__ import annotations

import itertools

import socketify_ext


def readme():
    app = socketify_ext.App()
    app.register(socketify_ext.load("cache"))

    @app.get("/offers", cache=30)
    async def offers(res, req):
        res.end({"offers": ["tea", "milk"]})

    @app.get("/news", cache={"seconds": 300, "vary": ["accept-language"]})
    async def news(res, req):
        res.write_header("Vary", "Accept-Language").end({"news": req.get_header("accept-language")})

    return app


def counting(seconds=1000, **options):
    app = socketify_ext.App()
    app.register(socketify_ext.load("cache", **options))
    app.register(socketify_ext.load("auth", tokens={"ann": {"name": "Ann"}, "bob": {"name": "Bob"}}))
    numbers = itertools.count(1)

    def number(res, req):
        res.end({"number": next(numbers)})

    app.get("/sync", number, cache=seconds)

    @app.get("/async", cache=seconds)
    async def late(res, req):
        await res.get_data()
        return {"number": next(numbers)}

    app.get("/public", number, cache={"seconds": seconds, "vary": []})
    app.get("/language", number, cache={"seconds": seconds, "vary": ["Accept-Language"]})
    app.get("/plain", number)
    app.any("/any", number, cache=seconds)

    @app.get("/me", cache=seconds)
    async def me(res, req):
        res.end({"name": (await req.get_user()).name, "number": next(numbers)})

    @app.get("/headers", cache=seconds)
    def headers(res, req):
        res.write_header("X-Number", next(numbers)).write_header("X-Two", "a").write_header("X-Two", "ä").send("text")

    @app.get("/reflected", cache=seconds)
    def reflected(res, req):
        res.end({"number": next(numbers), "host": req.get_header_lines("x-forwarded-host")})

    @app.get("/answer/:kind", cache=seconds)
    async def answer(res, req):
        kind, body = req.get_parameter("kind"), {"number": next(numbers)}
        if kind == "cookie":
            res.set_cookie("a", "b")
        elif kind == "error":
            raise socketify_ext.HTTPError(404, body)
        elif kind == "created":
            res.write_status(201)
        elif kind == "stream":
            await res.stream([str(body)])
            return
        elif kind == "large":
            body["more"] = "x" * 100_000
        elif kind in ("no-store", "private", "max-age=5"):
            res.write_header("Cache-Control", f"public, {kind}")
        else:
            res.write_header("Vary", kind)
        res.end(body)

    @app.before_request(prefix="/guarded")
    def guard(res, req):
        if req.get_query("token") != "s3cret" and req.get_header("user-agent") != "friend":
            raise socketify_ext.HTTPError(401)

    app.get("/guarded", number, cache={"seconds": seconds, "vary": []})

    requests = itertools.count(1)

    @app.before_request(prefix="/hooked")
    def before(res, req):
        res.write_header("X-Request", next(requests))

    @app.before_send(prefix="/hooked")
    def after(res, req):
        res.write_header("X-Sent", next(requests))

    app.get("/hooked", number, cache=seconds)
    return app


@socketify_ext.extension("cors")
def origins(request, response, ws, *, app):
    """Let two origins read answers, as the plugin of this name does."""

    @app.before_send
    def allow(res, req):
        origin = req.get_header("origin")
        if origin in ("https://a.example", "https://b.example"):
            res.write_header("Access-Control-Allow-Origin", origin)
        res.write_header("Vary", "Origin")


def crossing():
    app = socketify_ext.App()
    app.register(origins)
    app.register(socketify_ext.load("cache"))
    numbers = itertools.count(1)
    app.get("/", lambda res, req: res.end({"number": next(numbers)}), cache={"seconds": 1000, "vary": []})
    return app


def wrong(method):
    app = socketify_ext.App()
    app.register(socketify_ext.load("cache"))
    getattr(app, method)("/", lambda res, req: res.end("x"), cache=30)
