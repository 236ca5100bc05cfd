"""Who has made a browser send a request: pure, without a request or a response."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods that change nothing (RFC 9110, 9.2.1), and that any page can make a browser send."""

_OWN: Final = ("same-origin", "none")


def objection(
    sites: Sequence[str], origins: Sequence[str], hosts: Sequence[str], trusted: Collection[str] = ()
) -> str | None:
    """Return why a request must be refused, None where it comes from this server's own pages or from no page at all.

    A browser says in Sec-Fetch-Site where a request comes from; over plain HTTP, or if it is older than 2023, in Origin
    alone. Neither can be set by a page. A request with neither is not that of a page: programs send none.

    Args:
        sites: the Sec-Fetch-Site headers.
        origins: the Origin headers.
        hosts: the Host headers.
        trusted: other origins that may.
    """
    if len(sites) > 1 or len(origins) > 1:
        return "Sec-Fetch-Site or Origin stands there more than once"
    origin = origins[0] if origins else None
    if origin is not None and origin in trusted:
        return None
    if sites:
        return None if sites[0] in _OWN else "a page of another origin has sent it"
    if origin is None:
        return None
    _, mark, host = origin.partition("://")
    if mark and host and len(hosts) == 1 and host == hosts[0].strip().lower():
        return None
    return "its Origin is not this server's"
