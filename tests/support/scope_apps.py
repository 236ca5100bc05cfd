"""Apps with scopes, served by `test_scope.py` in processes of their own."""

import asyncio
import pathlib

import socketify_ext
from socketify_ext import HTTPError


def who(name):
    """An extension that adds `req.who`, `res.who` and `ws.who`, and names itself in a header."""

    @socketify_ext.extension("who")
    def declare(request, response, ws, *, app):
        for target in (request, response, ws):
            target.property("who", name)
        app.before_send(lambda res, req: res.set_header("who", name))

    return declare


def answer(res, req):
    res.end({"req": getattr(req, "who", None), "res": getattr(res, "who", None)})


def guard(header):
    """A hook that lets requests pass only with a header."""

    def check(res, req):
        if req.get_header(header) is None:
            raise HTTPError(403, f"no {header}")

    return check


def guard_late(header):
    check = guard(header)

    async def check_late(res, req):
        await asyncio.sleep(0.001)
        check(res, req)

    return check_late


def make_app():
    return socketify_ext.App()


def nested():
    """Scopes in scopes, siblings, and routes of the app below the same paths."""
    app = make_app()
    app.get("/", answer)
    admin = app.scope("/admin")
    admin.get("/early", answer)
    admin.before_request(guard("admin"))
    admin.register(who("admin"))
    users = admin.scope("/users")
    users.get("/:id", lambda res, req: res.end({"id": req.get_parameter("id"), "who": req.who}))
    users.before_request(guard_late("users"))
    users.post("", answer)
    users.any("/any", answer)
    shop = app.scope("/shop")
    shop.register(who("shop"))
    shop.get("/", answer)

    @shop.not_found
    def closed(res, req):
        return f"the shop has no {req.get_url()}, says {req.who}"

    app.get("/admin/outside", answer)
    plain = app.scope()
    plain.register(who("plain"))
    plain.get("/plain", answer)
    plain.post("/mixed", answer)
    app.get("/mixed", answer)
    tenant = app.scope("/tenants/:tenant")
    tenant.before_request(guard("tenant"))
    tenant.get("/home", lambda res, req: res.end(req.get_parameter("tenant")))
    return app


def yielding():
    """Routes that yield a request from one scope to another."""
    app = make_app()
    seen = []

    def note(name):
        return lambda res, req: seen.append(name) or None

    def give_way(res, req):
        req.set_yield(True)

    app.before_request(note("app"), prefix="/a")
    first = app.scope()
    first.register(who("first"))
    first.before_request(note("first"), prefix="/a")
    first.after_response(lambda outcome: seen.append(f"after {outcome.route}"))
    first.get("/a/:id", give_way)
    first.get("/b/:id", give_way)
    second = app.scope()
    second.register(who("second"))
    second.before_request(guard("second"))
    second.before_request(note("second"), prefix="/a")
    second.get("/a/*", answer)
    second.get("/b/*", answer, max_body=5)
    app.get("/seen", lambda res, req: res.end(list(seen)))
    app.get("/forget", lambda res, req: (seen.clear(), res.end("")))
    return app


def sockets():
    """WebSockets in scopes, whose members change while they are open."""
    app = make_app()

    def tell(ws, message, opcode):
        ws.send(f"{getattr(ws, 'who', None)} {getattr(ws, 'more', None)}", opcode)

    first, second = app.scope("/first"), app.scope("/second")
    first.register(who("first"))
    for scope in (first, second, app):
        scope.ws("/chat", {"message": tell})
    guarded = app.scope("/guarded")
    guarded.before_request(guard("token"))
    guarded.on_ws_open(lambda ws: ws.send(f"opened {ws.route}", 1))
    guarded.ws("/chat", {"message": tell})

    def register(scope, name):
        @socketify_ext.extension("more")
        def more(request, response, ws):
            ws.property("more", name)

        return lambda res, req: (scope.register(more), res.end("registered"))

    app.get("/register", register(second, "second"))
    app.get("/register-both", register(app, "all"))
    return app


def files(folder):
    """A folder in a scope, guarded by an option of its route alone."""
    app = make_app()
    private = app.scope("/private")
    private.route_option("token", type=str, apply=lambda route, name: route.before_request(guard(name)))
    private.static("/files", folder, token="secret")
    private.static("/open", folder)

    @private.not_found
    def nothing(res, req):
        return "nothing private"

    return app


def single_routes():
    """Options whose hooks are for one route, in each of the ways in which it answers."""
    app = make_app()

    @app.register
    @socketify_ext.extension("door")
    def door(request, response, ws, *, app):
        def apply(route, header):
            route.before_request(guard(header))
            route.before_send(lambda res, req: res.set_header("door", route.info.pattern))
            if not route.info.is_websocket:
                route.max_body = 10

        app.route_option("door", type=str, apply=apply)

    app.get("/a/:id", lambda res, req: res.end(req.get_parameter("id")), door="key")
    app.post("/a/:id", lambda res, req: res.end("posted"), door="key")
    app.get("/b", lambda res, req: res.end("b"))
    app.ws("/chat", {"message": lambda ws, message, opcode: ws.send(message, opcode)}, door="key")
    app.get("/late", lambda res, req: (add_late(app), res.end("added")))
    return app


def add_late(app):
    scope = app.scope("/late")
    scope.register(who("late"))
    scope.get("/a", answer, door="key")
    scope.not_found(lambda res, req: f"nothing late, {req.who}")


def write_files(folder):
    folder = pathlib.Path(folder)
    (folder / "page.txt").write_text("page")
    (folder / "index.html").write_text("index")
    return folder
