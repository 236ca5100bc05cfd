"""A cached route: it answers from what is kept, and keeps what its handler answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from inspect import isawaitable
from typing import Any, Final, NamedTuple

import socketify_ext

from .entry import Entry
from .kept import KeptAnswers
from .key import make_key, significant
from .options import Options
from .policy import Policy

Handler = Callable[..., Any]

UNKEPT: Final = frozenset(("no-store", "no-cache", "private"))  # directives of Cache-Control (RFC 9111, 5.2.2)


class Asked(NamedTuple):
    """A request whose answer may be kept.

    Attributes:
        key: under which.
        names: of the request's headers that the key depends on.
        headers: what hooks had written before the handler; they write them for each request.
    """

    key: str
    names: Sequence[str]
    headers: Sequence[tuple[str, str]]


class CachedRoute:
    """The cache of one route.

    Args:
        kept: where answers are kept.
        policy: for how long, and for which requests.
        options: those of the extension.
    """

    def __init__(self, kept: KeptAnswers, policy: Policy, options: Options) -> None:
        self._kept = kept
        self._policy = policy
        self._options = options
        self._asked: socketify_ext.PrivateProperty[Asked | None] = socketify_ext.PrivateProperty("cache_asked", None)

    def around(self, handler: Handler) -> Handler:
        """Put the cache around a handler, inside of all hooks, so that guards decide first."""

        async def handle(res: Any, req: Any) -> Any:
            method = req.get_method()
            if method in ("GET", "HEAD") and self._may_share(req):
                names = significant(req, self._policy.vary)
                key = make_key(self._options.prefix, req, names)
                entry = await self._kept.get(key)
                if entry is not None:
                    _answer(res, entry)
                    return None
                if method == "GET":
                    self._asked.set(res, Asked(key, names, res.get_headers()))
            result = handler(res, req)
            return await result if isawaitable(result) else result

        return handle

    async def keep(self, res: Any, req: Any) -> None:  # noqa: ARG002 - a hook has both
        """Keep an answer that is about to go."""
        asked, content = self._asked.get(res), res.content
        if asked is None or content is None or res.status != 200 or len(content) > self._options.max_size:
            return
        headers = res.get_headers()
        before = len(asked.headers)
        if headers[:before] != asked.headers or not _is_kept(res, asked.names):
            return
        await self._kept.set(asked.key, Entry(time.time(), tuple(headers[before:]), content), self._policy.seconds)

    def _may_share(self, req: Any) -> bool:
        """Whether an answer may be shared, where the policy does not ask who it is for (RFC 9111, 3.5)."""
        vary = self._policy.vary
        return vary is None or "authorization" in vary or req.get_header("authorization") is None


def _answer(res: Any, entry: Entry) -> None:
    for name, value in entry.headers:
        res.write_header(name, value)
    res.write_header("Age", str(max(0, int(time.time() - entry.made))))
    res.write_header("Cache-Status", "socketify-ext; hit").end(entry.body)


def _is_kept(res: Any, names: Sequence[str]) -> bool:
    """Whether the head of an answer allows that others get it."""
    if res.has_header("set-cookie"):
        return False
    directives = {each.strip().partition("=")[0].lower() for each in (res.get_header("cache-control") or "").split(",")}
    varies = {each.strip().lower() for each in (res.get_header("vary") or "").split(",")} - {""}
    return not directives & UNKEPT and varies <= {*names}
