"""The apps that are fuzzed: one with every built-in, plugin, hook and form of body, one that answers as it is told."""

import asyncio
import gc
import importlib
import importlib.util
import json
import tempfile
from pathlib import Path

import socketify
from pydantic import BaseModel

import socketify_ext
from socketify_ext import UploadedFile
from socketify_ext.testing import isolated_registry

PLUGINS = {
    "cors": {"allow_origins": ["https://app.example"], "allow_methods": ["GET", "PUT"], "allow_headers": ["X-Token"]},
    "metrics": {},
    "ratelimit": {"limits": {"/": "1000000000/minute"}, "proxies": 1},
    "sessions": {"secret": "a secret for nothing but this", "cookie_secure": False},
    "compress": {"min_size": 0},
    "csrf": {"trusted_origins": ["https://app.example"]},
    "health": {},
    "request-id": {"access_log": None},
    "security-headers": {},
}
METHODS = ("get", "post", "put", "patch", "delete", "options")


class Typed(BaseModel):
    sku: str
    lines: list[int] = []
    photo: UploadedFile | None = None


class Order(BaseModel):
    sku: str
    quantity: int = 1
    notes: list[str] = []


@socketify_ext.extension("watched")
def watched(request, response, ws, *, app):
    request.property("seen", [])

    @app.before_request
    def look(res, req):
        req.seen.append(req.get_header("token"))

    @app.before_request(prefix="/hooked")
    async def wait(res, req):
        await asyncio.sleep(0)
        if req.get_header("token") == "nobody":
            raise socketify_ext.HTTPError(401, "who are you?")

    @app.after_response
    def note(outcome):
        return f"{outcome.method} {outcome.route} {outcome.status}"

    @app.on_ws_open
    def enter(ws):
        ws.subscribe("news")

    @app.on_ws_close
    def leave(ws, code, message):
        return code, message


def everything():
    app = socketify_ext.App(shutdown_grace=1)
    app.register(watched)
    for name, options in {
        "json": {},
        "msgpack": {},
        "auth": {"tokens": {"secret": {"name": "Ann"}}},
        "cart": {"store": "memory://", "secret": "a secret for nothing but this", "cookie_secure": False},
        "pm": {"inbox": "memory://", "rate": "1000000/second"},
    }.items():
        app.register(socketify_ext.load(name, **options))
    modules = {name: name.replace("-", "_") for name in PLUGINS}
    plugins = [name for name, module in modules.items() if importlib.util.find_spec(f"socketify_ext_{module}")]
    for name in plugins:
        plugin = getattr(importlib.import_module(f"socketify_ext_{modules[name]}"), modules[name])
        app.register(isolated_registry(plugin).load(name, **PLUGINS[name]))
    add_requests(app)
    add_bodies(app)
    add_extensions(app, plugins)
    add_sockets(app)
    folder = Path(tempfile.mkdtemp())
    (folder / "a.txt").write_text("0123456789" * 10)
    app.static("/files", str(folder))
    return app


def add_requests(app):
    def read(req):
        return {
            "token": req.get_header("token"),
            "method": req.get_method(),
            "url": [req.get_url(), req.get_full_url()],
            "query": [req.get_query("q"), req.get_query_list("q"), req.get_queries()],
            "parameters": [req.get_parameters(), req.get_parameter(0), req.get_parameter("a")],
            "headers": [req.get_headers(), req.get_header_list("x-list")],
            "cookies": [req.get_cookies(), req.get_cookie("a"), req.get_cookie_list("a")],
            "seen": req.seen,
        }

    async def late(res, req):
        await asyncio.sleep(0)
        res.end(read(req))

    async def failing(res, req):
        await asyncio.sleep(0)
        raise socketify_ext.HTTPError(418, req.get_header("token"), headers={"x-url": "/"})

    async def streaming(res, req):
        for _ in range(3):
            res.write("part")
            await asyncio.sleep(0)
        res.end("end")

    async def sized(res, req):
        _, done = await res.send_chunk(b"x" * 50, 100)
        if not done:
            await res.send_chunk(b"y" * 50, 100)

    def cookie(res, req):
        for name, value in req.get_cookies().items():
            res.set_cookie(name[:100], value[:100], secure=True)  # browsers take 4096 bytes, and some names only so
        res.end("set")

    app.get("/echo", lambda res, req: res.end({"token": req.get_header("token"), "seen": req.seen}))
    for path, handler in {
        "/read/:a/:b": lambda res, req: res.end(read(req)),
        "/late/:a": late,
        "/hooked/:a": late,
        "/failing": failing,
        "/streaming": streaming,
        "/sized": sized,
        "/cookie": cookie,
        "/redirect": lambda res, req: res.redirect("/echo"),
        "/empty": lambda res, req: res.write_status(204).end_without_body(),
    }.items():
        app.any(path, handler)


def add_bodies(app):
    async def data(res, req):
        res.end((await res.get_data()).getvalue())

    async def after_await(res, req):
        await asyncio.sleep(0)
        res.end((await res.get_data(1000)).getvalue())

    async def text(res, req):
        res.end(await res.get_text() or "none")

    async def parsed(res, req):
        res.end({"json": await res.get_json()})

    async def form(res, req):
        res.end({"form": await res.get_form_urlencoded()})

    async def fields(res, req):
        read = await res.get_form(Typed, max_files=2, max_fields=4, max_fields_size=200, max_memory=4)
        res.end([read.sku, read.lines, read.photo and (await read.photo.read()).decode("latin-1")])

    async def typed(res, req):
        res.end((await res.get_json(Typed)).lines)

    async def packed(res, req):
        res.msgpack(await res.get_msgpack())

    async def order(res, req):
        res.negotiate(await res.get_msgpack(Order))

    def parts(res, req):
        got = []

        def part(res, chunk, is_end):
            got.append(len(chunk))
            if is_end:
                res.end(got)

        res.on_data(part)

    handlers = {"data": data, "await": after_await, "text": text, "json": parsed, "form": form, "typed": typed}
    handlers |= {"fields": fields, "files": fields}
    for name, handler in {**handlers, "packed": packed, "order": order, "parts": parts}.items():
        app.any(f"/body/{name}", handler)


def add_extensions(app, plugins):
    async def user(res, req):
        res.end(await req.get_user())

    async def required(res, req):
        res.end(await req.require_user())

    async def cart(res, req):
        async with req.edit_cart() as cart:
            cart.add(req.get_query("sku") or "book", unit_price="9.90")
        res.end(cart)

    async def session(res, req):
        async with req.edit_session() as session:
            session["visits"] = session.get("visits", 0) + 1
        res.end(session)

    app.any("/user", user)
    app.any("/required", required)
    app.any("/cart", cart)
    app.any("/negotiate", lambda res, req: res.negotiate({"token": req.get_header("token")}))
    if "sessions" in plugins:
        app.any("/session", session)
    if "security-headers" in plugins:
        app.any("/page", lambda res, req: res.write_header("Content-Type", "text/html").end(req.csp_nonce * 100))
    if "cors" in plugins:
        app.get("/cors", lambda res, req: res.cors(req).end("shared"))


def add_sockets(app):
    def upgrade(res, req, context):
        keys = [req.get_header(f"sec-websocket-{part}") for part in ("key", "protocol", "extensions")]
        res.upgrade(*keys, context, {"username": req.get_query("name") or "Ann"})

    async def upgrade_late(res, req, context):
        await asyncio.sleep(0)
        upgrade(res, req, context)

    def echo(ws, message, opcode):
        ws.send(message, opcode)

    async def echo_late(ws, message, opcode):
        await asyncio.sleep(0)
        if not ws.closed:
            ws.send(message, opcode)

    def chat(ws, message, opcode):
        try:
            asked = json.loads(message)
            to, text, key = (asked.get(part) for part in ("to", "message", "key"))
        except (ValueError, RecursionError, AttributeError):
            return
        ws.ack_pm(text) if to == "ack" else ws.send_pm(to, text, key=key)

    def unpack(ws, message, opcode):
        try:
            ws.send_msgpack({"got": ws.unpack(message)})
        except (ValueError, TypeError, OverflowError) as error:
            ws.send(type(error).__name__, socketify.OpCode.TEXT)

    app.ws("/ws/echo", {"upgrade": upgrade, "message": echo})
    app.ws(
        "/ws/late", {"upgrade": upgrade_late, "message": echo_late, "ping": lambda *_: None, "pong": lambda *_: None}
    )
    app.ws("/ws/chat", {"upgrade": upgrade, "message": chat})
    app.ws("/ws/unpack", {"upgrade": upgrade, "message": unpack})
    app.ws("/ws/plain", {"message": echo})


def counted():
    """Count the objects of the process as well."""
    app = everything()

    def objects(res, req):
        gc.collect()
        res.end(len(gc.get_objects()))

    app.get("/objects", objects)
    return app


# -- the response that is told what to do


class Twice:
    """A filter that sends each part twice."""

    def feed(self, data):
        return data * 2

    def finish(self):
        return b""


def hook_answers(app):
    """Change answers below two prefixes, at once and late."""

    @app.before_send(prefix="/hooked")
    def hook(res, req):
        res.write_header("X-Hook", req.get_header("token")).filter_body(Twice())

    @app.before_send(prefix="/hooked-late")
    async def hook_late(res, req):
        await asyncio.sleep(0)
        hook(res, req)

    @app.on_error(prefix="/hooked-late")
    async def look(error, res, req):
        await asyncio.sleep(0)


def told():
    """Answer by the steps that a request's header lists."""
    app = socketify_ext.App(shutdown_grace=1)
    unexpected = []

    def step(res, name, arguments, token):
        body = f"<{token}>".encode()
        calls = {
            "write_status": lambda: res.write_status(*arguments),
            "write_header": lambda: res.write_header(*arguments),
            "set_cookie": lambda: res.set_cookie(*arguments, {"path": "/"}),
            "write": lambda: res.write(body * arguments[0]),
            "try_end": lambda: res.try_end(body * arguments[0], len(body) * arguments[1]),
            "send_chunk": lambda: res.send_chunk(body * arguments[0], len(body) * arguments[1]),
            "write_offset": lambda: res.write_offset(len(body) * arguments[0]),
            "end": lambda: res.end(body * arguments[0], arguments[1]),
            "cork": lambda: res.cork(lambda res: [step(res, *inner, token) for inner in arguments[0]]),
            "cork_end": lambda: res.cork_end(body * arguments[0], arguments[1]),
            "send": lambda: res.send(body * arguments[0], status=arguments[1], headers=[("x-sent", "yes")]),
            "end_without_body": lambda: res.end_without_body(arguments[0]),
            "redirect": lambda: res.redirect("/elsewhere"),
            "write_continue": res.write_continue,
            "pause": res.pause,
            "resume": res.resume,
            "close": res.close,
            "on_data": lambda: res.on_data(lambda res, chunk, is_end: res.end(body) if is_end else None),
            "on_aborted": lambda: res.on_aborted(lambda res: None),
            "on_writable": lambda: res.on_writable(lambda res, offset: True),
            "get_data": res.get_data,
            "raise": lambda: fail(arguments[0]),
        }
        try:
            return calls[name]()
        except (socketify_ext.errors.ExtensionError, TypeError, ValueError):
            return None
        except socketify_ext.HTTPError:
            raise
        except Exception as error:
            unexpected.append(f"{name}{arguments}: {error!r}")
            return None

    def fail(status):
        raise socketify_ext.HTTPError(status, "told to")

    def finish(res, token):
        if not res.has_responded() and not res.aborted:
            step(res, "end", [1, False], token)
            if not res.has_responded():  # a part of a body of known size is missing
                res.close()

    def sync(res, req):
        token = req.get_header("token")
        for name, *arguments in json.loads(req.get_header("steps")):
            if name != "await":
                step(res, name, arguments, token)
        finish(res, token)

    async def suspending(res, req):
        token = req.get_header("token")
        for name, *arguments in json.loads(req.get_header("steps")):
            if name == "await":
                await asyncio.sleep(arguments[0])
                continue
            result = step(res, name, arguments, token)
            if name in {"send_chunk", "get_data"} and result is not None:
                try:
                    await asyncio.wait_for(asyncio.shield(result), 1)
                except socketify_ext.HTTPError:
                    raise
                except asyncio.TimeoutError:
                    taken = {"pause", "on_data"} & {step[0] for step in json.loads(req.get_header("steps"))}
                    if not taken:  # by which a body does not come, or comes elsewhere
                        unexpected.append(f"{name}{arguments} never ends")
        finish(res, token)

    def later(res, req):
        token, steps = req.get_header("token"), json.loads(req.get_header("steps"))
        res.grab_aborted_handler()

        def run():
            try:
                for name, *arguments in steps:
                    if name not in {"await", "raise"}:
                        step(res, name, arguments, token)
            finally:
                finish(res, token)

        app.loop.loop.call_soon(run)

    for prefix in ("", "/hooked", "/hooked-late"):
        for name, handler in {"sync": sync, "suspending": suspending, "later": later}.items():
            app.any(f"{prefix}/{name}", handler)
    hook_answers(app)
    app.get("/own", lambda res, req: res.end(req.get_header("token")))
    app.get("/unexpected", lambda res, req: res.end([unexpected.pop() for _ in list(unexpected)]))
    return app
