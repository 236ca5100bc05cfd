"""`ratelimit`: refuse who asks too often."""

from __future__ import annotations

from typing import Any

import limits

import socketify_ext

from .client import identifier
from .memory import Standing
from .options import Options, RouteRate
from .store import PAUSE, Store, StoreAwayError


@socketify_ext.extension(
    "ratelimit",
    options=Options,
    after=["auth", "metrics"],
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
            route.before_request(checks.of(limit_name(route.info), rate))

    app.route_option("rate_limit", type=RouteRate, apply=apply)
    for prefix, rate in options.limits.items():
        check = checks.of(prefix, rate)
        app.before_request(check, prefix=prefix, where=lambda route: route.options.get("rate_limit") is not False)
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
            name: of the limit, in headers and keys.
            rate: as in "5/second; 1000/day".
        """
        items = limits.parse_many(rate)

        async def check(res: Any, req: Any) -> None:
            who = await self._identify(res, req)
            if who is None:
                return
            for item in items:
                try:
                    standing = await self._store.hit(item, name, who)
                except StoreAwayError:
                    if self._fails_open:
                        return
                    raise socketify_ext.HTTPError(503, headers={"Retry-After": f"{PAUSE:.0f}"}) from None
                tell(res, f"{name} {item}", item, standing)
                if not standing.is_allowed:
                    raise socketify_ext.HTTPError(429, headers={"Retry-After": str(standing.reset)})

        return check


def limit_name(route: socketify_ext.RouteInfo) -> str:
    """Return the name of a route's own limit, which headers can hold."""
    name = f"{route.method} {route.pattern}"
    return "".join(character if character.isascii() and character not in '"\\' else "?" for character in name)


def tell(res: Any, name: str, item: limits.RateLimitItem, standing: Standing) -> None:
    """Write the headers of draft-ietf-httpapi-ratelimit-headers-10; each limit adds a member to both lists."""
    res.write_header("RateLimit-Policy", f'"{name}";q={item.amount};w={item.get_expiry()}')
    res.write_header("RateLimit", f'"{name}";r={standing.remaining};t={standing.reset}')
