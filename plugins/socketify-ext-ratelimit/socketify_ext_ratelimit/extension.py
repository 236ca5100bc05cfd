"""`ratelimit`: refuse who asks too often."""

from __future__ import annotations

from typing import Any

import limits

import socketify_ext

from .client import identifier
from .memory import Standing
from .options import Options
from .store import PAUSE, Store, StoreAwayError


@socketify_ext.extension("ratelimit", options=Options, after=["auth", "metrics"])
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
    identify = identifier(options)

    def limit(prefix: str, items: list[limits.RateLimitItem]) -> None:
        @app.before_request(prefix=prefix)
        async def check(res: Any, req: Any) -> None:
            who = await identify(res, req)
            if who is None:
                return
            for item in items:
                try:
                    standing = await store.hit(item, prefix, who)
                except StoreAwayError:
                    if options.fail == "open":
                        return
                    raise socketify_ext.HTTPError(503, headers={"Retry-After": f"{PAUSE:.0f}"}) from None
                tell(res, f"{prefix} {item}", item, standing)
                if not standing.is_allowed:
                    raise socketify_ext.HTTPError(429, headers={"Retry-After": str(standing.reset)})

    for prefix, rate in options.limits.items():
        limit(prefix, limits.parse_many(rate))
    app.on_shutdown(store.close)


def tell(res: Any, name: str, item: limits.RateLimitItem, standing: Standing) -> None:
    """Write the headers of draft-ietf-httpapi-ratelimit-headers-10; each limit adds a member to both lists."""
    res.write_header("RateLimit-Policy", f'"{name}";q={item.amount};w={item.get_expiry()}')
    res.write_header("RateLimit", f'"{name}";r={standing.remaining};t={standing.reset}')
