"""`ratelimit`: refuse who asks too often."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Literal
from urllib.parse import quote

import limits

import socketify_ext

from .client import identifier
from .memory import Standing
from .options import Options, Rate, check_room
from .store import PAUSE, Store, StoreAwayError

_SAFE = "/:*~!$&'()+,;=@[]%"  # of a pattern, in the name of a limit


@socketify_ext.extension("ratelimit", options=Options, after=["metrics"], before=["auth"])
def ratelimit(
    request: socketify_ext.Surface,  # noqa: ARG001
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Answer 429 to clients that exceed a limit, upgrades to WebSockets included."""
    limiter = Limiter(options, getattr(app, "prefix", "") if app.is_installed else "")

    def is_limited(route: socketify_ext.RouteInfo) -> bool:
        return route.options.get("rate_limit") is not False

    for prefix, rate in options.limits.items():
        app.before_request(limiter.check(prefix, rate), prefix=prefix, where=is_limited)
        app.before_send(limiter.tell, prefix=prefix, where=is_limited)

    def apply(route: socketify_ext.RouteSurface, rate: Any) -> None:
        if rate is False:
            return
        check_room(rate, options)
        route.before_request(limiter.check(limit_name(route.info), rate))
        route.before_send(limiter.tell)

    app.route_option("rate_limit", type=Rate | Literal[False], apply=apply)
    app.on_shutdown(limiter.store.close)


def limit_name(route: socketify_ext.RouteInfo) -> str:
    """Return the name of a route's limit, which a structured field can hold; a folder's files count once for GET and HEAD."""
    method = "GET" if route.method == "HEAD" else route.method
    return f"{method} {quote(route.pattern, safe=_SAFE)}"


class Limiter:
    """Count requests, and tell clients how they stand.

    Args:
        options: of the extension.
        place: the prefix of the scope that it is registered in.
    """

    def __init__(self, options: Options, place: str) -> None:
        self.store = Store(options)
        self._is_open = options.fail == "open"
        self._identify = identifier(options)
        self._place = place
        self._told = socketify_ext.PrivateProperty[tuple[tuple[str, str], ...]]("ratelimit", default=())

    def check(self, name: str, rate: str) -> Callable[[Any, Any], Coroutine[Any, Any, None]]:
        """Return a hook that counts requests by a rate, and refuses those that exceed it."""
        items = limits.parse_many(rate)

        async def check(res: Any, req: Any) -> None:
            who = await self._identify(res, req)
            if who is None:
                return
            for item in items:
                try:
                    standing = await self.store.hit(item, f"{self._place}{name}", who)
                except StoreAwayError:
                    if self._is_open:
                        return
                    raise socketify_ext.HTTPError(503, headers={"Retry-After": f"{PAUSE:.0f}"}) from None
                self._told.set(res, (*self._told.get(res), *_lines(f"{name} {item}", item, standing)))
                if not standing.is_allowed:
                    raise socketify_ext.HTTPError(429, headers={"Retry-After": str(standing.reset)})

        return check

    def tell(self, res: Any, req: Any) -> None:  # noqa: ARG002 - as hooks are called
        """Write how the client stands, whatever the answer is; each limit adds a member to both lists."""
        lines = self._told.get(res)
        self._told.set(res, ())
        for name, value in lines:
            res.write_header(name, value)


def _lines(name: str, item: limits.RateLimitItem, standing: Standing) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the headers of draft-ietf-httpapi-ratelimit-headers-10 for one limit."""
    return (
        ("RateLimit-Policy", f'"{name}";q={item.amount};w={item.get_expiry()}'),
        ("RateLimit", f'"{name}";r={standing.remaining};t={standing.reset}'),
    )
