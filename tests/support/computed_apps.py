"""Computed properties of requests, responses and WebSockets, on apps of every kind."""

from __future__ import annotations

import asyncio
from typing import Any

import socketify

import socketify_ext
from socketify_ext import HTTPError

TEXT = socketify.OpCode.TEXT
POOLS = {"stock": (0, 0), "pooled": (10, 10)}
runs: dict[str, int] = {}


@socketify_ext.extension("people")
def people(request: Any, response: Any, ws: Any) -> None:
    """Know who asks."""

    @request.property
    def name(self: Any) -> str:
        """Return the name that was sent."""
        return str(self.get_header("user"))

    @request.property
    async def user(self: Any) -> dict[str, Any]:
        """Look the user up, from headers that are read before and after an await."""
        before = self.get_header("user")
        runs[before] = runs.get(before, 0) + 1
        await asyncio.sleep(0.005)
        return {"before": before, "after": self.get_header("user"), "runs": runs[before]}

    @request.property
    async def role(self: Any) -> str:
        """Refuse who has none."""
        user = await self.user
        if user["before"] == "nobody":
            raise HTTPError(403, "no role")
        return f"{user['before']}'s role"

    @request.property
    def trusted(self: Any) -> str:
        """Refuse who is not known."""
        if self.name == "nobody":
            raise HTTPError(401, "who?")
        return self.name

    @request.property
    def circle(self: Any) -> Any:
        """Need itself."""
        return self.circle

    @request.property
    async def late_circle(self: Any) -> Any:
        """Need itself."""
        return await self.late_circle

    @request.property
    async def broken(self: Any) -> Any:
        """Fail."""
        await asyncio.sleep(0)
        raise LookupError("no database")

    @response.property
    def trail(self: Any) -> list[str]:
        """Record what happens."""
        return []

    @ws.property
    def seen(self: Any) -> list[str]:
        """Record messages."""
        return []

    @ws.property
    async def member(self: Any) -> str:
        """Look the member up."""
        await asyncio.sleep(0)
        return f"member {self.get_user_data()}"


def add_routes(app: Any) -> None:
    """Add the routes that every kind of app serves."""

    async def read(res: Any, req: Any) -> None:
        first, second, role = await asyncio.gather(req.user, req.user, req.role)
        res.trail.append(req.name)
        res.cork_end([first, second == await req.user, role, req.name, res.trail])

    async def late(res: Any, req: Any) -> None:
        await asyncio.sleep(0.001)
        res.cork_end([(await req.user)["after"], req.name, getattr(req, "kept", None)])
        req.kept = req.name

    def sync(res: Any, req: Any) -> None:
        res.trail.append(req.trusted)
        res.end([req.name, res.trail])

    async def one(res: Any, req: Any) -> None:
        res.cork_end(await getattr(req, str(req.get_query("of"))))

    def circle(res: Any, req: Any) -> None:
        res.end(req.circle)

    def condition(res: Any, req: Any) -> None:
        res.end("everybody is an admin" if req.role else "nobody is")

    def unused(res: Any, req: Any) -> None:
        _ = req.user
        res.end("unused")

    for path, handler in (
        ("/read", read),
        ("/late", late),
        ("/sync", sync),
        ("/one", one),
        ("/circle", circle),
        ("/condition", condition),
        ("/unused", unused),
    ):
        app.get(path, handler)

    def upgrade(res: Any, req: Any, context: Any) -> None:
        names = ("key", "protocol", "extensions")
        res.upgrade(*(req.get_header(f"sec-websocket-{name}") for name in names), context, req.name)

    async def message(ws: Any, text: str, _opcode: int | None = None) -> None:  # the core's pool gives none
        ws.seen.append(text)
        ws.send(f"{await ws.member}, {await ws.member}: {','.join(ws.seen)}", TEXT)

    app.ws("/ws", {"upgrade": upgrade, "message": message})


def make_app(kind: str) -> Any:
    """Make an app: "app" is ours, the others are the core's own."""
    if kind != "app":
        app = socketify.App(None, *POOLS[kind])
        app.register(people)
        add_routes(app)
        return app
    app = socketify_ext.App(cancel_on_abort=True)
    app.register(people)
    events: asyncio.Queue[str] = asyncio.Queue()

    @app.before_request(prefix="/guarded")
    async def guard(res: Any, req: Any) -> None:
        await req.role

    def waiting(request: Any, response: Any, ws: Any) -> None:
        @request.property
        async def forever(self: Any) -> None:
            events.put_nowait("begun")
            try:
                await asyncio.Event().wait()
            finally:
                events.put_nowait("cancelled")

    app.register(waiting)

    async def guarded(res: Any, req: Any) -> None:
        res.end([await req.user, await req.role])

    async def wait(res: Any, req: Any) -> None:
        await req.forever

    async def event(res: Any, req: Any) -> None:
        res.end(await events.get())

    async def limited(res: Any, req: Any) -> None:
        try:
            await asyncio.wait_for(req.forever, 0.001)
        except asyncio.TimeoutError:
            res.end("in time")

    app.get("/guarded/user", guarded)
    app.get("/wait", wait)
    app.get("/limited", limited)
    app.get("/event", event)
    add_routes(app)
    return app
