"""Handlers of a stock app, with the types of socketify-stubs; nothing here runs."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import socketify
from typing_extensions import assert_type

import socketify_ext


async def home(res: socketify.Response, req: socketify.Request) -> None:
    assert_type(req.get_header("accept"), str | None)
    assert_type(req.get_queries(), dict[str, list[str]])
    assert_type(await res.get_data(), BytesIO)
    assert_type(res.write_status("200 OK").end({"a": 1}), socketify.Response)
    res.nothing()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def opened(ws: socketify.WebSocket) -> None:
    assert_type(ws.send("hello", socketify.OpCode.TEXT), Any)
    assert_type(ws.is_subscribed(b"news"), bool)


def run(app: socketify.App) -> None:
    assert_type(app.get("/", home), socketify.App)
    app.ws("/chat", {"open": opened})
    app.register(socketify_ext.load("msgpack"))
    app.listen(socketify.AppListenOptions(port=0, host="127.0.0.1"), lambda config: None)
    assert_type(socketify_ext.install(app), socketify_ext.App)


@socketify_ext.extension("typed")
def typed(request: socketify_ext.Surface, response: socketify_ext.Surface, ws: socketify_ext.Surface) -> None:
    """Add a member to each class."""

    @request.method
    def agent(self: socketify_ext.Request) -> str | None:
        return self.get_header("user-agent")

    kept: Callable[[socketify_ext.Request], str | None] = agent
    kept(agent)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    request.property("seen", default_factory=list, type=list[str])
