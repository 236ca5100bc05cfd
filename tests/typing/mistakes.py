"""What both checkers must refuse, each with the complaint that it must make; nothing here runs."""

from __future__ import annotations

from app_types import App, Request, Response, WebSocket

app = App()


def swapped(req: Request, res: Response) -> None:
    """Take the parameters in the wrong order."""


def misspelt(res: Response, req: Request) -> None:
    req.forcast()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    res.city  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # noqa: B018
    res.redirect("/there")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def wrong(res: Response, req: Request) -> None:
    await req.forecast("three")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    req.city = 3  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    res.write_status(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await res.get_form(max_size=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    (await res.get_form(int)).nothing()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    res.set_cookie("a", "b", same_site="Laxx")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    res.set_cookie("a", "b", httponly=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    len(req.town)  # pyright: ignore[reportDeprecated]
    req.town = "Ulm"  # type: ignore[deprecated]  # pyright: ignore[reportDeprecated]
    await res.old_feed(2)  # type: ignore[deprecated]  # pyright: ignore[reportDeprecated]
    req.get_header()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def opened(ws: WebSocket) -> None:
    ws.subscrib("news")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


app.get("/", swapped)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
app.get("/", lambda res, req: req.forcast())  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownLambdaType]
app.get("/")(swapped)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
app.scope("/admin").get("/", swapped)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
app.get("/", swapped, auth=[])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
app.not_found(swapped)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
app.ws("/chat", {"open": misspelt})  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
app.ws("/chat", {"opened": opened})  # type: ignore[typeddict-unknown-key]  # pyright: ignore[reportArgumentType]
