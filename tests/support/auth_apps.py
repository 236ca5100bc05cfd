"""Apps with `auth`, served by the tests in processes of their own."""

import asyncio

import socketify
from builtin_apps import make_app

import socketify_ext

SECRET = "a secret of more than thirty-two bytes"

calls = []


async def slow(token, request):
    calls.append(request.get_url())
    await asyncio.sleep(0.01)
    if token == "broken":
        raise RuntimeError("the user database is down")
    if token == "teapot":
        raise socketify_ext.HTTPError(418, "short and stout")
    return {"name": token, "url": request.get_url()} if token.isalpha() else None


def auth_app(kind, own_verify=False, json=False, pools=(), **options):
    app = make_app(kind, pools)
    if own_verify:
        options["verify"] = slow
    if json:
        app.register(socketify_ext.load("json"))
    app.register(socketify_ext.load("msgpack"))
    app.register(socketify_ext.load("auth", **options))
    if kind == "stock":
        answer_http_errors(app)
    add_routes(app)
    return app


def chat_app(**options):
    """Private messages between users of `auth`, and a cart of each."""
    app = socketify_ext.App(shutdown_grace=0.5)
    app.register(socketify_ext.load("auth", **options))
    app.register(socketify_ext.load("pm"))
    app.register(socketify_ext.load("cart", store="memory://", secret="s" * 32))

    async def upgrade(res, req, context):
        await res.upgrade_authenticated(req, context)

    async def opened(ws):
        await ws.join_pm()
        ws.send({"id": ws.get_user().id, "name": ws.get_user().name}, socketify.OpCode.TEXT)

    def message(ws, text, opcode):
        ws.send_pm(text, "for you alone")

    async def add(res, req):
        async with req.edit_cart() as cart:
            cart.add("book")
        res.end("added")

    async def count(res, req):
        res.end({"items": len(await req.load_cart())})

    app.ws("/ws", {"upgrade": upgrade, "open": opened, "message": message})
    app.post("/cart", add)
    app.get("/cart", count)
    app.get("/me", lambda res, req: answer_me(res, req))
    return app


async def answer_me(res, req):
    res.end((await req.require_user()).id)


def answer_http_errors(app):
    def answer(error, res, req):
        known = isinstance(error, socketify_ext.HTTPError)
        res.write_status(error.status if known else 500)
        for name, value in error.headers.items() if known else ():
            res.write_header(name, value)
        res.end({"detail": error.detail} if known else "Internal Server Error")

    app.set_error_handler(answer)


def add_routes(app):
    async def user(res, req):
        res.end(await req.get_user())

    async def late(res, req):
        await asyncio.sleep(0.001)
        first = await req.get_user()
        await asyncio.sleep(0.001)
        second = await req.get_user()
        res.cork(lambda answer: answer.end(second if first is second else "another user"))

    async def packed(res, req):
        res.msgpack(await req.get_user())

    async def me(res, req):
        res.end(await req.require_user())

    async def late_me(res, req):
        await asyncio.sleep(0.001)
        res.end(await req.require_user())

    async def admin(res, req):
        res.end(await req.require_user(scopes=["read", "write"]))

    async def together(res, req):
        before = len(calls)
        users = await asyncio.gather(*(req.get_user() for _ in range(20)))
        res.end({"names": sorted({user.name for user in users}), "calls": len(calls) - before})

    async def given_up(res, req):
        before = len(calls)
        first = asyncio.ensure_future(req.get_user())
        second = asyncio.ensure_future(req.get_user())
        await asyncio.sleep(0)
        first.cancel()
        res.end({"name": (await second).name, "calls": len(calls) - before})

    async def upgrade(res, req, context):
        await res.upgrade_authenticated(req, context, {"room": req.get_query("room")})

    async def upgrade_admin(res, req, context):
        await res.upgrade_authenticated(req, context, scopes="read write")

    async def upgrade_wrongly(res, req, context):
        await res.upgrade_authenticated(req, context, "Ann")

    async def upgrade_asked_before(res, req, context):
        before = await req.get_user()
        await res.upgrade_authenticated(req, context, {"room": before.name})
        print("after:", (await req.get_user()).name)

    def plain_upgrade(res, req, context):
        key, protocol, extensions = (
            req.get_header(f"sec-websocket-{part}") for part in ("key", "protocol", "extensions")
        )
        res.upgrade(key, protocol, extensions, context, {"username": "Ann", "user": "Ann"})

    def message(ws, text, opcode):
        data, user = ws.get_user_data(), ws.get_user()
        ws.send(
            {
                "user": user,
                "signed_in": user.is_authenticated,
                "username": data["username"],
                "room": data.get("room"),
            },
            socketify.OpCode.TEXT,
        )

    app.get("/user", user)
    app.get("/late-user", late)
    app.get("/msgpack", packed)
    app.get("/me", me)
    app.get("/late-me", late_me)
    app.post("/me", me)
    app.get("/admin", admin)
    app.get("/together", together)
    app.get("/given-up", given_up)
    for path, handler in (
        ("/ws", upgrade),
        ("/ws-admin", upgrade_admin),
        ("/ws-wrong", upgrade_wrongly),
        ("/ws-asked", upgrade_asked_before),
        ("/ws-plain", plain_upgrade),
    ):
        app.ws(path, {"upgrade": handler, "message": message})
