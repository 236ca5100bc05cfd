"""Secure cookies that are sent over plain HTTP, where most clients drop them without a word."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, Final

from .thread import get_ident

if TYPE_CHECKING:
    from .response import Response

log = logging.getLogger("socketify_ext")

_HTTPS: Final = re.compile(r"\bhttps\b", re.IGNORECASE)


def warn_of_plain_http(response: Response, name: str) -> None:
    """Log, once for an app, that the request of a Secure cookie came over plain HTTP.

    It did not where a proxy in front says in `X-Forwarded-Proto` or `Forwarded` (RFC 7239, 5.4) that the client speaks
    HTTPS. A request that can't be read any more says nothing.
    """
    server = response._server
    if server.has_warned_of_plain_http or response._ssl or not _is_plain(response._request):
        return
    server.has_warned_of_plain_http = True
    log.warning(
        "the cookie %r is Secure, but its request came over plain HTTP, and clients drop it there: serve HTTPS, let your "
        "proxy send X-Forwarded-Proto, or set secure=False (cookie_secure=False of an extension) while you develop; "
        "this is logged once",
        name,
    )


def _is_plain(request: Any) -> bool:
    """Check whether a request has come over plain HTTP, as far as it can be read."""
    if request is None or (request._headers is None and (request.req is None or request._thread != get_ident())):
        return False
    if _HTTPS.search(request.get_header("x-forwarded-proto") or ""):  # the usual case, at the cost of one header
        return False
    said = request.get_header_list("x-forwarded-proto") + request.get_header_list("forwarded")
    return not any(_HTTPS.search(element) for element in said)
