"""What a response says about an origin: pure, without a request or a response."""

from __future__ import annotations

import re
from typing import Final

from .options import ANY, NULL, SUBDOMAINS, TOKEN, Options

Headers = tuple[tuple[str, str], ...]

# Fetch standard, 2.2.2. They need no permission as long as their values are harmless; browsers name them in a preflight
# when they are not, as they do Content-Type for JSON.
SAFELISTED: Final = ("Accept", "Accept-Language", "Content-Language", "Content-Type")

VARY_ORIGIN: Final = ("Vary", "Origin")
VARY_PREFLIGHT: Final = ("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
VARY_PRIVATE: Final = (VARY_PREFLIGHT[0], f"{VARY_PREFLIGHT[1]}, Access-Control-Request-Private-Network")
PRIVATE_NETWORK: Final = ("Access-Control-Allow-Private-Network", "true")


class Policy:
    """Choose the CORS headers of responses (Fetch standard, 3.3.3)."""

    def __init__(self, options: Options) -> None:
        self._anybody = ANY in options.allow_origins
        self._origins = frozenset(origin for origin in options.allow_origins if SUBDOMAINS not in origin)
        self._patterns = [_subdomains(origin) for origin in options.allow_origins if SUBDOMAINS in origin]
        if options.allow_origin_regex is not None:
            self._patterns.append(options.allow_origin_regex)
        self._methods = frozenset(options.allow_methods)
        self._any_header = ANY in options.allow_headers
        names = {name.lower(): name for name in (*SAFELISTED, *options.allow_headers)}
        self._header_names = frozenset(names)
        self._credentials: Headers = (
            (("Access-Control-Allow-Credentials", "true"),) if options.allow_credentials else ()
        )
        exposed = ", ".join(options.expose_headers)
        self._exposed: Headers = (("Access-Control-Expose-Headers", exposed),) if exposed else ()
        self._allow_headers = ", ".join(names.values())
        methods = ", ".join(options.allow_methods)
        self._allow_methods: Headers = (("Access-Control-Allow-Methods", methods),) if methods else ()
        age = options.max_age
        self._private = options.allow_private_network
        self.vary: Final = VARY_PRIVATE if self._private else VARY_PREFLIGHT
        self._max_age: Headers = () if age is None else (("Access-Control-Max-Age", str(age)),)

    def allows(self, origin: str) -> bool:
        """Check whether `origin` may read responses; `null`, that of sandboxed frames, only if any origin may."""
        return (
            self._anybody
            or origin in self._origins
            or (origin != NULL and any(pattern.fullmatch(origin) for pattern in self._patterns))
        )

    def permission(self, origin: str | None) -> Headers:
        """Return the headers that let `origin` read a response, none for an origin that may not."""
        if self._anybody:
            # To all and always: a cache may give the response of one to another.
            return (("Access-Control-Allow-Origin", ANY),)
        if not origin or not self.allows(origin):
            return ()
        return (("Access-Control-Allow-Origin", origin), *self._credentials)

    def actual(self, origin: str | None) -> Headers:
        """Return the headers of the response to an actual request, `Vary` included where they depend on the origin."""
        permission = self.permission(origin)
        exposed = self._exposed if permission else ()
        return (*permission, *exposed) if self._anybody else (*permission, *exposed, VARY_ORIGIN)

    def preflight(self, origin: str, method: str, headers: str | None, private_network: str | None = None) -> Headers:
        """Return the headers of the answer to a preflight: `Vary` alone where any part of it is not allowed.

        Args:
            origin: the request's Origin.
            method: its Access-Control-Request-Method.
            headers: its Access-Control-Request-Headers, None where it has none.
            private_network: its Access-Control-Request-Private-Network, None where it has none.
        """
        asked = [name for item in (headers or "").split(",") if (name := item.strip())]
        if not self.allows(origin) or method not in self._methods or not all(map(self._allows_header, asked)):
            return (self.vary,)
        allowed = ", ".join(asked) if self._any_header else self._allow_headers
        return (
            *self.permission(origin),
            *self._allow_methods,
            *((("Access-Control-Allow-Headers", allowed),) if allowed else ()),
            *self._max_age,
            *((PRIVATE_NETWORK,) if self._private and private_network == "true" else ()),
            self.vary,
        )

    def _allows_header(self, name: str) -> bool:
        if self._any_header:
            return TOKEN.fullmatch(name) is not None
        return name.lower() in self._header_names


def _subdomains(origin: str) -> re.Pattern[str]:
    """Match the subdomains of any depth that `https://*.app.example` stands for, and not that host itself."""
    scheme, _, rest = origin.partition(SUBDOMAINS)
    return re.compile(rf"{re.escape(scheme)}://(?:[a-z0-9_-]+\.)+{re.escape(rest)}", re.ASCII)
