"""The key of an answer: requests with one key get one answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

# Headers that handlers do not answer by. All others count, since they may say who asks, or end up in the answer.
HARMLESS: Final = frozenset(
    (
        "accept-encoding",
        "cache-control",
        "connection",
        "dnt",
        "if-modified-since",
        "if-none-match",
        "keep-alive",
        "pragma",
        "priority",
        "purpose",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "sec-fetch-user",
        "sec-gpc",
        "te",
        "traceparent",
        "tracestate",
        "upgrade-insecure-requests",
        "user-agent",
    )
)


def significant(request: Any, vary: Sequence[str] | None) -> list[str]:
    """Return the names of the headers that count for a request, in order."""
    if vary is None:
        return sorted({*request.get_header_names()} - HARMLESS)
    return sorted({"host", *vary})


def make_key(prefix: str, request: Any, names: Sequence[str]) -> str:
    """Return the key of a request: its path and query as they were sent, and the headers that count."""
    parts = [request.get_full_url() or ""]
    for name in names:
        lines = request.get_header_lines(name)
        parts += [name, str(len(lines)), *lines]
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode(errors="surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    return f"{prefix}:{digest.hexdigest()}"
