"""The extension: the route option `cache`."""

from __future__ import annotations

from typing import Any

import socketify_ext
from socketify_ext import errors
from socketify_ext.stores import open_store

from .answers import CachedRoute
from .kept import KeptAnswers
from .options import Options
from .policy import CacheOption, Policy

METHODS = ("GET", "HEAD", "ANY")


@socketify_ext.extension(
    "cache",
    options=Options,
    before=["*", "compress", "cors", "request-id", "security-headers"],
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
)
def cache(
    request: socketify_ext.Surface,  # noqa: ARG001
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Keep the answers of routes: `app.get(path, handler, cache=30)`."""
    store = open_store(options.store)
    kept = KeptAnswers(store)
    app.on_shutdown(store.close)

    def apply(route: Any, policy: Policy) -> None:
        if route.info.method not in METHODS:
            raise errors.RouteOptionError(
                f"route {route.info}",
                "can't have cache=...",
                f"what {route.info.method} answers is for the one who asks",
                "Leave it out; only answers to GET and HEAD are kept",
                route=route.info,
                option="cache",
            )
        cached = CachedRoute(kept, policy, options)
        route.around(cached.around)
        route.before_send(cached.keep)

    app.route_option("cache", type=CacheOption, apply=apply)
