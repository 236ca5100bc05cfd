"""Handlers with the types that `socketify-ext stubs weather:make` has written; nothing here runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app_types import App, Behavior, Request, Response, WebSocket, install
from pydantic import BaseModel
from typing_extensions import assert_type
from weather import Metres, Report, Sky

import socketify_ext
from socketify_ext import Form, UploadedFile

if TYPE_CHECKING:
    from socketify_ext.typing import TypedScope

app = App()


async def home(res: Response, req: Request) -> None:
    assert_type(req.city, str)
    assert_type(req.units, dict[str, int])
    assert_type(req.since, date | None)
    assert_type(req.sky, Sky)
    assert_type(req.set, Awaitable[set[Report.Line]])
    assert_type(await req.set, set[Report.Line])
    assert_type(req.length, Metres)
    assert_type(await req.forecast(3, sky=Sky.CLEAR), list[Report.Line])
    assert_type(req.stations([], within=Metres(5)), dict[str, int | Decimal])
    assert_type(req.list("a", b=[1]), Callable[[str, int], list[str]])
    assert_type(req.datetime(), datetime)
    assert_type(req.first([1, 2], 3), int)
    assert_type(req.latest([date(2026, 1, 2)]), date)
    assert_type(req.either("dry", Report), tuple[int, ...])
    assert_type(req.get_header("accept"), str | None)
    assert_type(req.get_parameter("city"), str)
    assert_type(req.get_parameter(0), str | None)
    assert_type(req.get_query_list("city") + req.get_header_lines("accept"), list[str])
    assert_type(req.preserve().get_url(), str | None)
    assert_type(res.pages(), AsyncIterator[bytes])
    assert_type(await res.get_text(), str | None)
    assert_type(res.write_status(201).write_header("X-A", 1).aborted, bool)
    assert_type(res.set_cookie("city", "Ulm", max_age=60, same_site="Lax", secure=True), Response)
    assert_type(res.delete_cookie("city", path="/weather"), Response)
    assert_type(res.end("done"), Response)
    assert_type(res.tinted(req), Response)
    assert_type(res.shaded(by=lambda asked: asked.city == "Ulm").tinted(req).feed(), AsyncIterator[bytes])
    assert_type(req.peer(), WebSocket | None)
    res.redirect(to="/there")


def upgrade(res: Response, req: Request, context: Any) -> None:
    protocol = req.get_header("sec-websocket-protocol")
    assert_type(res.upgrade(req.get_header("sec-websocket-key"), protocol, None, context, {}), bool)


def opened(ws: WebSocket) -> None:
    assert_type(ws.tell(date(2026, 1, 2), "today"), date)
    assert_type(ws.subscribe("news"), bool)
    assert_type(ws.reading, Awaitable[dict[str, int | Decimal]])
    assert_type(ws.get_topics(), list[str])


def message(ws: WebSocket, text: str, opcode: int) -> None:
    ws.send(text, opcode)


assert_type(app.get("/", home), App)
assert_type(app.post("/", lambda res, req: res.end(req.city)).put("/", home), App)
app.any("/stations", lambda res, req: (res.end(req.city), req.stations()))


@app.get("/decorated", max_body=10)
@app.any("/decorated")
def decorated(res: Response, req: Request) -> dict[str, str]:
    return {"city": req.city}


@app.get("/options", max_body=10, auth=["read"])
def with_options(res: Response, req: Request) -> str:
    return req.city


assert_type(with_options, Callable[[Response, Request], str])
assert_type(app.get("/options/2", home, auth=["read"]), App)
assert_type(app.routes, tuple[socketify_ext.RouteInfo, ...])
admin = app.scope("/admin")
assert_type(admin, TypedScope[Response, Request])
assert_type(admin.scope("/users").get("/", home, auth=[]), TypedScope[Response, Request])


@app.before_request(where=lambda route: "auth" in route.options)
def guard(res: Response, req: Request) -> None: ...


@admin.on_route
def told(route: socketify_ext.RouteInfo) -> dict[str, object]:
    return {"auth": [route.pattern]}


def apply(route: socketify_ext.RouteSurface, value: list[str]) -> None:
    route.max_body = len(value)
    route.before_request(guard)


app.route_option("auth", type=list[str], apply=apply)


@app.not_found
async def nothing(res: Response, req: Request) -> str:
    return req.city


assert_type(decorated, Callable[[Response, Request], dict[str, str]])
app.ws("/chat", {"upgrade": upgrade, "open": opened, "message": message, "close": lambda ws, code, text: None})
news: Behavior = {"open": opened, "idle_timeout": 60}
app.ws("/news", news)
app.ws("/news", {"open": lambda ws: assert_type(ws, WebSocket), "max_payload_length": 1024})
app.listen(0, lambda config: None).run()


def run(core: socketify_ext.App) -> None:
    assert_type(install(core, on_collision="keep"), App)
    given: socketify_ext.App = install(core)
    given.get("/", home)

    @given.post("/plain")
    def plain(res: socketify_ext.Response, req: socketify_ext.Request) -> None:
        res.end(req.get_url())

    plain(given, given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # it is typed as it was


class Order(BaseModel):
    sku: str


@dataclass
class Point:
    x: int


async def typed(res: Response, req: Request) -> None:
    assert_type(await res.get_json(Order), Order)
    assert_type(await res.get_json(list[int]), list[int])
    assert_type(await res.get_json(), Any)
    assert_type(await res.get_json(Order | Point), Any)
    assert_type(await res.get_form(Point), Point)
    form = await res.get_form(max_files=1)
    assert_type(form, Form)
    assert_type(form["photo"], str | UploadedFile)
    assert_type(form.fields, dict[str, list[str]])
    assert_type(form.files, dict[str, list[UploadedFile]])
    assert_type(await form.files["photo"][0].read(), bytes)
    assert_type(await res.get_form_urlencoded(), dict[str, str] | None)
    assert_type(req.get_queries(Order), Order)
    assert_type(req.get_queries(), dict[str, list[str]])
    assert_type(req.get_parameters(Point), Point)
    assert_type(req.get_parameters(), list[str])
