"""An app with routes, hooks, errors and bodies of every kind, whose answers depend on the request alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import socketify_ext
from socketify_ext import HTTPError

# Patterns that compete for the same paths, with the methods that are routed there.
ROUTES = {
    "/": ("get", "post"),
    "/a": ("get", "any"),
    "/a/b": ("post", "head"),
    "/a/:x": ("get", "put", "any"),
    "/a/*": ("get", "delete"),
    "/:x/b": ("get", "any"),
    "/:x/:y": ("post", "options"),
    "/:x": ("get", "patch"),
    "/*": ("get",),
    "/late/*": ("any",),
}
PATHS = [
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/a/c",
    "/a/b/c",
    "/b/b",
    "/b/c",
    "/b",
    "//",
    "/a//b",
    "/late/a/b",
    "/%61/b",
    "/x%2Fy",
]


def make_app(folder: str) -> Any:
    """Make the app; `folder` has a file `tea.txt`."""
    app = socketify_ext.App(max_body=100_000)
    add_routes(app)
    add_hooks(app)
    add_answers(app)
    add_bodies(app)
    app.static("/files", folder)
    app.ws("/a/socket", {"message": lambda ws, message, opcode: None})
    inner = app.scope("/scope")
    inner.get("/here/:id", lambda res, req: {"id": req.get_parameter("id")})
    inner.not_found(lambda res, req: res.end("not in the scope"))
    return app


def make_folder(folder: Path) -> str:
    """Fill a folder, and return its path."""
    (folder / "tea.txt").write_text("green tea" * 20)
    (folder / "large.bin").write_bytes(bytes(range(256)) * 1024)
    (folder / "sub").mkdir()
    (folder / "sub" / "index.html").write_text("<p>an index</p>")
    return str(folder)


def seen(name: str, req: Any) -> dict[str, Any]:
    """Return all that a handler can read."""
    return {
        "route": name,
        "method": req.get_method(),
        "url": [req.get_url(), req.get_full_url()],
        "parameters": req.get_parameters(),
        "one": [req.get_parameter(0), req.get_parameter(3)],
        "query": req.get_queries(),
        "headers": sorted(req.get_headers().items()),
        "lines": req.get_header_lines("x-many") + req.get_header_list("X-Many"),
        "cookies": req.get_cookies(),
        "has": [req.has_body, req.is_ancient(), req.response is not None],
    }


def add_routes(app: Any) -> None:
    """Add the competing routes: each yields to the next where the request says so."""

    def add(method: str, pattern: str) -> None:
        name = f"{method} {pattern}"

        def handler(res: Any, req: Any) -> Any:
            res.write_header("x-tried", name)
            if name in req.get_header_list("x-yield"):
                req.set_yield(True)
                return None
            return seen(name, req)

        async def suspending(res: Any, req: Any) -> Any:
            res.write_header("x-tried", name)
            if "x-slow" in req.get_headers():
                await asyncio.sleep(0)
            return [await asyncio.sleep(0), seen_late(name, req)]

        getattr(app, method)(pattern, suspending if method == "put" else handler)

    for pattern, methods in ROUTES.items():
        for method in methods:
            add(method, pattern)


def seen_late(name: str, req: Any) -> dict[str, Any]:
    """Return what a handler can read after an await."""
    return {"route": name, "url": req.get_full_url(), "x": req.get_parameter("x"), "host": req.get_header("Host")}


def add_hooks(app: Any) -> None:
    """Add hooks of every kind, which the request asks for."""

    @app.before_request
    def refuse(res: Any, req: Any) -> Any:
        if req.get_header("x-refuse") == "answer":
            res.write_status(403).end("refused")
        elif req.get_header("x-refuse") == "raise":
            raise HTTPError(401, "no", headers={"WWW-Authenticate": "Bearer"})

    @app.before_request(prefix="/a")
    async def wait(res: Any, req: Any) -> Any:
        if req.get_header("x-refuse") == "late":
            await asyncio.sleep(0)
            res.write_status(429).end({"detail": "later"})

    @app.before_send
    def stamp(res: Any, req: Any) -> None:
        res.write_header("x-stamp", res.status)
        if req.get_header("x-change") and res.content is not None:
            res.content = res.content + b"!"

    @app.before_send(prefix="/a")
    async def stamp_late(res: Any, req: Any) -> None:
        await asyncio.sleep(0)
        res.write_header("x-late", "1")

    @app.on_error(prefix="/error/hook")
    def answer(error: Any, res: Any, req: Any) -> None:
        res.write_status(503).end(f"{type(error).__name__} {res.status}")


def add_answers(app: Any) -> None:
    """Add answers and errors of every kind."""

    def fail(res: Any, req: Any) -> Any:
        res.write_header("x-lost", "1").set_cookie("lost", "1")
        raise ValueError("no")

    async def fail_late(res: Any, req: Any) -> Any:
        await asyncio.sleep(0)
        raise LookupError("no")

    def refuse(res: Any, req: Any) -> Any:
        raise HTTPError(418, {"tea": req.get_query("of")}, headers={"X-Tea": "1"})

    async def stream(res: Any, req: Any) -> None:
        async def parts() -> Any:
            yield "a"
            await asyncio.sleep(0)
            yield b"b" * 1000

        await res.stream(parts(), "text/plain")

    async def events(res: Any, req: Any) -> None:
        await res.events(["tea", {"is": "ready"}], keep_alive=None)

    def in_parts(res: Any, req: Any) -> None:
        for part in ("a", "", "b"):
            res.write(part)
        res.end("c")

    def cookies(res: Any, req: Any) -> None:
        res.set_cookie("a", "1 é;", max_age=60).set_cookie("b", "2").set_cookie("b", "3").delete_cookie("c")
        res.end(req.get_cookie("a"))

    async def late(res: Any, req: Any) -> None:
        await asyncio.sleep(0)
        res.write_status(201).write_header("X-Late", "1").end({"late": True})

    answers = {
        "/answer/text": lambda res, req: "text",
        "/answer/bytes": lambda res, req: b"\xff\x00",
        "/answer/nothing": lambda res, req: None,
        "/answer/number": lambda res, req: 7,
        "/answer/last": lambda res, req: res.end("x", end_connection=True),
        "/answer/no-content": lambda res, req: res.write_status(204).end("left out"),
        "/answer/head": lambda res, req: res.end_without_body(),
        "/answer/redirect": lambda res, req: res.redirect("/answer/text", 307),
        "/answer/sized": lambda res, req: res.try_end("tea", 3),
        "/answer/type": lambda res, req: res.send("<p>", "text/html", 202, [("X-A", 1), ("X-A", 2)]),
        "/answer/corked": lambda res, req: res.cork(lambda res: res.write_status("299 Nearly").end("tea")),
        "/answer/twice": lambda res, req: res.end("first").end("second"),
        "/answer/address": lambda res, req: [res.get_remote_address(), list(res.get_remote_address_bytes())],
        "/answer/file": lambda res, req: res.send_file(__file__, download_name="a.py"),
        "/answer/stream": stream,
        "/answer/events": events,
        "/answer/parts": in_parts,
        "/answer/cookies": cookies,
        "/answer/late": late,
        "/error/sync": fail,
        "/error/async": fail_late,
        "/error/http": refuse,
        "/error/hook/sync": fail,
        "/error/hook/async": fail_late,
        "/error/hook/http": refuse,
    }
    for path, handler in answers.items():
        app.any(path, handler)


def add_bodies(app: Any) -> None:
    """Add handlers that read a body in every way."""

    async def whole(res: Any, req: Any) -> Any:
        data = (await res.get_data()).getvalue()
        return [len(data), data[:50].hex(), data[-5:].hex()]

    async def late(res: Any, req: Any) -> Any:
        await asyncio.sleep(0)
        return await whole(res, req)

    async def json(res: Any, req: Any) -> Any:
        return {"got": await res.get_json()}

    async def form(res: Any, req: Any) -> Any:
        form = await res.get_form()
        return sorted(form.items())

    async def parts(res: Any, req: Any) -> Any:
        size = 0
        async for part in res.body():
            size += len(part)
            await asyncio.sleep(0)
        return {"size": size}

    def chunks(res: Any, req: Any) -> None:
        size = 0

        def take(res: Any, chunk: bytes, is_end: bool) -> None:
            nonlocal size
            size += len(chunk)
            if is_end:
                res.end({"size": size})

        res.on_data(take)

    def unread(res: Any, req: Any) -> str:
        return "not read"

    handlers = {
        "whole": whole,
        "late": late,
        "json": json,
        "form": form,
        "parts": parts,
        "chunks": chunks,
        "no": unread,
    }
    for name, handler in handlers.items():
        app.any(f"/body/{name}", handler)
        app.post(f"/limited/{name}", handler, max_body=20)
        app.post(f"/large/{name}", handler, max_body=10_000_000)
