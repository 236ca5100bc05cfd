"""The origin of a request: a browser sends cookies whichever page asks, so a cookie counts only from pages of ours."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from .credential import single_header
from .options import Options

_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


class Origins:
    """Check whether a request with a cookie comes from a page that may use it."""

    def __init__(self, options: Options) -> None:
        self._allowed = None if options.origins is None else frozenset(options.origins)

    def allow(self, request: Any, *, upgrade: bool) -> bool:
        """Check whether the cookie counts.

        A WebSocket needs an `Origin` that is allowed, since no browser keeps a page from opening one anywhere
        (RFC 6455, 10.2). So does a request that may change something, unless it has none: then no page sent it.

        Raises:
            AmbiguousRequestError: there are several.
        """
        if not upgrade and request.get_method() in _SAFE:
            return True
        origin = single_header(request, "origin")
        if origin is None:
            return not upgrade
        if self._allowed is not None:
            return origin.lower() in self._allowed
        host = single_header(request, "host")
        try:
            return bool(host) and urlsplit(origin.lower()).netloc == str(host).lower()
        except ValueError:  # an address in brackets that is none
            return False
