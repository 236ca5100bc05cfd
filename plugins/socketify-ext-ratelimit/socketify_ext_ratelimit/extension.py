"""`ratelimit`: refuse who asks too often."""

from __future__ import annotations

from typing import Any, Final

import limits

import socketify_ext

from .client import identifier
from .memory import Standing
from .options import Options, RouteRate
from .store import PAUSE, Store, StoreAwayError

_UNTOLD: Final = socketify_ext.PrivateProperty[list[tuple[str, limits.RateLimitItem, Standing]]](
    "untold", default_factory=list
)


@socketify_ext.extension(
    "ratelimit",
    options=Options,
    after=["metrics"],
    before=["auth"],  # or guesses of tokens would not count
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
)
def ratelimit(
    request: socketify_ext.Surface,  # noqa: ARG001
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Answer 429 to clients that exceed a limit, upgrades to WebSockets included."""
    store = Store(options)
    checks = Checks(options, store)

    def apply(route: Any, rate: Any) -> None:
        if rate is not False:
            route.before_request(checks.of(f"{route.info.method} {route.info.pattern}", rate))
            route.before_send(tell)

    def is_limited(route: socketify_ext.RouteInfo) -> bool:
        return route.options.get("rate_limit") is not False

    app.route_option("rate_limit", type=RouteRate, apply=apply)
    for prefix, rate in options.limits.items():
        name = f"{app.prefix}{prefix}".rstrip("/") or "/"
        app.before_request(checks.of(name, rate), prefix=prefix, where=is_limited)
        app.before_send(tell, prefix=prefix, where=is_limited)
    app.on_shutdown(store.close)


class Checks:
    """Make the hooks that count requests against limits."""

    def __init__(self, options: Options, store: Store) -> None:
        self._store = store
        self._fails_open = options.fail == "open"
        self._identify = identifier(options)

    def of(self, name: str, rate: str) -> Any:
        """Return the hook of a limit.

        Args:
            name: of what is limited, in headers and keys.
            rate: as in "5/second; 1000/day".
        """
        items = limits.parse_many(rate)
        titles = [title(name, item) for item in items]

        async def check(res: Any, req: Any) -> None:
            who = await self._identify(res, req)
            if who is None:
                return
            for item, its_title in zip(items, titles, strict=True):
                try:
                    standing = await self._store.hit(item, name, who)
                except StoreAwayError:
                    if self._fails_open:
                        return
                    raise socketify_ext.HTTPError(503, headers={"Retry-After": f"{PAUSE:.0f}"}) from None
                _UNTOLD.get(res).append((its_title, item, standing))
                if not standing.is_allowed:
                    raise socketify_ext.HTTPError(429, headers={"Retry-After": str(standing.reset)})

        return check


def title(name: str, item: limits.RateLimitItem) -> str:
    """Return how a limit is called in headers, which can't hold all that a path can."""
    return "".join(each if each.isascii() and each not in '"\\' else "?" for each in f"{name} {item}")


def tell(res: Any, req: Any) -> None:  # noqa: ARG001
    """Write the headers of draft-ietf-httpapi-ratelimit-headers-10; each limit adds a member to both lists."""
    told = _UNTOLD.get(res)
    for name, item, standing in told:
        res.write_header("RateLimit-Policy", f'"{name}";q={item.amount};w={item.get_expiry()}')
        res.write_header("RateLimit", f'"{name}";r={standing.remaining};t={standing.reset}')
    told.clear()
