"""`compress`: send fewer bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import socketify_ext

from .coders import Prepared, stream_coder, whole_encoders
from .decision import BODY_BOUND, forbids, has_body, may_be_probed, shrinks, vary, weaken
from .options import Coding, Options


class Compressor:
    """Decide on an answer, and compress it.

    Args:
        options: of the extension.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._encoders = whole_encoders(options)

    def __call__(self, res: Any, req: Any) -> Awaitable[None] | None:
        """Compress an answer unless it may tell a secret."""
        return self._compress(res, req, is_public=False)

    def public(self, res: Any, req: Any) -> Awaitable[None] | None:
        """Compress an answer of which its route says that there is no secret in it."""
        return self._compress(res, req, is_public=True)

    def _compress(self, res: Any, req: Any, *, is_public: bool) -> Awaitable[None] | None:
        options, content = self._options, res.content
        if res.status == 304:
            self._revalidate(res, req)
            return None
        if not self._is_worth_it(res, content):
            return None
        _tell_caches(res)
        if not is_public and _may_be_probed(req):
            return None
        coding = self._coding(req)
        if coding is None:
            return None
        if content is None:
            if res.filter_body(stream_coder(coding)):
                _mark(res, coding)
            return None
        if len(content) >= options.offload:
            return self._compress_aside(res, coding, content)
        self._replace(res, coding, content, self._encoders[coding](content))
        return None

    async def _compress_aside(self, res: Any, coding: Coding, content: bytes) -> None:
        packed = await asyncio.get_running_loop().run_in_executor(None, self._encoders[coding], content)
        self._replace(res, coding, content, packed)

    def _replace(self, res: Any, coding: Coding, content: bytes, packed: bytes) -> None:
        # As a filter: the app's own hooks come after this one, and may change the content.
        if len(packed) < len(content) and res.filter_body(Prepared(content, packed, self._encoders[coding])):
            _mark(res, coding)

    def _is_worth_it(self, res: Any, content: bytes | None) -> bool:
        return (
            (content is None or len(content) >= self._options.min_size)
            and has_body(res.status)
            and shrinks(res.get_header("Content-Type"), self._options.content_types)
            and not any(map(res.has_header, BODY_BOUND))
            and not forbids(res.get_header("Cache-Control"))
        )

    def _coding(self, req: Any) -> Coding | None:
        found: list[Coding] = req.get_accepted_codings(self._options.codings)
        return found[0] if found else None

    def _revalidate(self, res: Any, req: Any) -> None:
        """Say of an answer without a body what the one with the body would have said."""
        _tell_caches(res)
        etag = weaken(res.get_header("ETag"))
        if etag is not None and self._coding(req) is not None:
            res.set_header("ETag", etag)


def _may_be_probed(req: Any) -> bool:
    lines = req.get_header_lines
    return may_be_probed(req.get_header("cookie"), lines("authorization"), lines("sec-fetch-site"))


def _tell_caches(res: Any) -> None:
    line = vary(res.get_header("Vary"))
    if line is not None:
        res.set_header("Vary", line)


def _mark(res: Any, coding: Coding) -> None:
    res.set_header("Content-Encoding", coding)
    res.remove_header("Accept-Ranges")
    etag = weaken(res.get_header("ETag"))
    if etag is not None:
        res.set_header("ETag", etag)


@socketify_ext.extension(
    "compress",
    options=Options,
    after=["*"],
    tested_with=["socketify-ext>=0.1,<0.2", "socketify==0.0.31", "python>=3.10,<3.15"],
)
def compress(
    request: socketify_ext.Surface,  # noqa: ARG001
    response: socketify_ext.Surface,  # noqa: ARG001
    ws: socketify_ext.Surface,  # noqa: ARG001
    *,
    options: Options,
    app: socketify_ext.AppSurface,
) -> None:
    """Compress answers, whole or in parts, as far as the client takes it and nobody can spy on what they say."""
    compressor = Compressor(options)
    app.route_option("compress", type=bool)
    app.before_send(compressor, where=lambda route: "compress" not in route.options)
    app.before_send(compressor.public, where=lambda route: route.options.get("compress", False))
